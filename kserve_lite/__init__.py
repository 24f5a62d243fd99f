"""KServe's InferenceService without the platform: what a user's object means, on a cluster and on a laptop."""

__version__ = "0.1.0"
