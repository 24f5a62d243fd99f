"""The trained examples of the laptop's tests serve the documents too."""

from tests.local.conftest import examples

__all__ = ["examples"]
