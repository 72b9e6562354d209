"""What holds in every room: how properties are tried, that nobody looks for garbage while thousands of tests are collected, and that
Ctrl-C reaches what tests start.

Properties take the time that they take: a busy machine is no defect, nor what hypothesis builds first (its table of Unicode). They are
tried with the same examples each time, so that what is green stays so; with `HYPOTHESIS_PROFILE=deep` with others each time.
"""

from __future__ import annotations

import gc
import os
import signal

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

is_deep = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
settings.register_profile("unhurried", deadline=None, derandomize=not is_deep, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("unhurried")

# Hypothesis also draws constants that it finds in the modules loaded so far. Then examples would be others with each commit, with the
# tests that ran before, with the folder of the checkout; and what was green here could be red there.
if not is_deep:
    providers._get_local_constants = Constants

# Collecting makes a million objects that all stay: to go through them again and again is a third of its time, in each process.
gc.disable()

# Who is started in the background by a shell without job control ignores Ctrl-C, and so would every program started from here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
