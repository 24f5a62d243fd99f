"""kserve.utils."""
