"""How properties are tried, loaded by `conftest` before any test.

They take the time that they take: a busy machine is no defect, nor what hypothesis builds first (its table of Unicode). They are tried
with the same examples each time, so that what is green stays so; with `HYPOTHESIS_PROFILE=deep` with others each time.

How hard: whole by hand and in `make test`; a fifth of that in `make check` (`HYPOTHESIS_PROFILE=quick`), which is there to be typed
often; those of `tests/properties` fifty times as hard with `HYPOTHESIS_PROFILE=deep`.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "")
_IS_DEEP = _PROFILE == "deep"


def tries(examples: int) -> int:
    """How many examples are tried of a property that is worth so many."""
    return max(2, examples // 5) if _PROFILE == "quick" else examples


settings.register_profile(
    "unhurried", max_examples=tries(100), deadline=None, derandomize=not _IS_DEEP, suppress_health_check=(HealthCheck.too_slow,)
)
settings.load_profile("unhurried")

EFFORT = settings(
    max_examples=3000 if _IS_DEEP else tries(60),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

# Hypothesis also draws constants that it finds in the modules loaded so far. Then examples would be others with each commit, with the
# tests that ran before, with the folder of the checkout; and what was green here could be red there.
if not _IS_DEEP:
    providers._get_local_constants = Constants
