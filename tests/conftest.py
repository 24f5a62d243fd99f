"""Fixtures shared by all tests."""

import os

from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about what the code does: no timed verdicts.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Containers often set this. A server compiles its modules anew at every start then, in seconds; tests start hundreds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
