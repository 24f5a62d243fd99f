"""Definitions in, files out: CRDs, JSON schemas, chart values and reference docs. A tool of this repository."""
