"""What holds in every room: how properties are tried (`effort`), that nobody looks for garbage while thousands of tests are collected,
and that Ctrl-C reaches what tests start.
"""

from __future__ import annotations

import gc
import signal

import effort as effort  # loaded here, so that what it says of properties holds before the first of them is made

# Collecting makes a million objects that all stay: to go through them again and again is a third of its time, in each process.
gc.disable()

# Who is started in the background by a shell without job control ignores Ctrl-C, and so would every program started from here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
