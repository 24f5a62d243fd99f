"""KServe's InferenceService without the platform: one meaning, on a cluster and on a laptop."""

__version__ = "0.1.0"
