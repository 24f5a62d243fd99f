"""Fixtures shared by all tests."""

from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about what the code does: no timed verdicts.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
