"""How hard the properties are tried: `HYPOTHESIS_PROFILE=deep` for long, else quickly."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = {"deep": 3000}

EFFORT = settings(
    max_examples=_EXAMPLES.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 60),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
