"""kserve.constants."""
