"""InferenceGraphs: understood together with the services that they call, applied, reported node by node."""
