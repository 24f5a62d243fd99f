"""Everything that knows scikit-learn: what lies in a model folder, loading it, running it, describing it."""
