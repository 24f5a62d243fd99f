"""A scikit-learn model server that speaks KServe's V1 and V2 protocols; it knows nothing of Kubernetes."""

__version__ = "0.1.0"
