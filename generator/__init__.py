"""Definitions in, files out: CRDs, JSON schemas, chart values, reference docs. A tool of this repository."""
