"""What holds in every room: how properties are tried, and that nobody looks for garbage while thousands of tests are collected.

Properties take the time that they take: a busy machine is no defect, nor what hypothesis builds first (its table of Unicode). They are
tried with the same examples each time, so that what is green stays so; with `HYPOTHESIS_PROFILE=deep` with others each time.
"""

from __future__ import annotations

import gc
import os

from hypothesis import HealthCheck, settings

is_deep = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
settings.register_profile("unhurried", deadline=None, derandomize=not is_deep, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("unhurried")

# Collecting makes a million objects that all stay: to go through them again and again is a third of its time, in each process.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
