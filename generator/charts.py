"""The charts: the values of each, whole."""

from collections.abc import Mapping

from pydantic import BaseModel

from generator.runtimes import with_runtimes
from kserve_lite.api.values import CrdsChart, MainChart, ModelsChart

CHARTS: Mapping[str, type[BaseModel]] = {
    "kserve-lite": with_runtimes(MainChart),
    "kserve-lite-crds": CrdsChart,
    "kserve-lite-models": ModelsChart,
}
"""The values of each chart by its folder."""
