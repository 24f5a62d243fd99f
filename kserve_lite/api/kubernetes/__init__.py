"""Kubernetes' own types inside our definitions: plain dicts, checked strictly against a pinned OpenAPI."""

from kserve_lite.api.kubernetes.shape import Shape, inlined

__all__ = ["Shape", "inlined"]
