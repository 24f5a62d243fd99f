"""Explanations of tabular models of any kind: by asking the predictor about rows that differ in some features."""
