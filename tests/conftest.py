"""Properties take the time that they take: a busy machine is no defect, nor what hypothesis builds first (its table of Unicode)."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("unhurried")
