"""InferenceService: understand, apply, observe, report."""
