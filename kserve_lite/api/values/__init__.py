"""Helm values of the three charts."""

from kserve_lite.api.values.crds import CrdsChart
from kserve_lite.api.values.main import MainChart
from kserve_lite.api.values.models import ModelsChart

__all__ = ["CrdsChart", "MainChart", "ModelsChart"]
