"""Helm values of the three charts."""

from collections.abc import Mapping

from pydantic import BaseModel

from kserve_lite.api.values.crds import CrdsChart
from kserve_lite.api.values.main import MainChart
from kserve_lite.api.values.models import ModelsChart

CHARTS: Mapping[str, type[BaseModel]] = {
    "kserve-lite": MainChart,
    "kserve-lite-crds": CrdsChart,
    "kserve-lite-models": ModelsChart,
}
"""The values of each chart by its folder."""

__all__ = ["CHARTS", "CrdsChart", "MainChart", "ModelsChart"]
