"""What a resolved service looks like in Kubernetes. Pure: values in, objects out."""

from kserve_lite.render.children import render

__all__ = ["render"]
