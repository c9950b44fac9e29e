"""What holds for all tests: a machine may be busy, so none fails because hypothesis had to wait."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("animeds", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("animeds")
