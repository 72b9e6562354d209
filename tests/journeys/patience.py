"""How long journeys wait for what comes by itself: as long as it takes. Only what hangs meets the end of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 240.0
"""Far more than anything takes on the slowest and busiest machine that has run this."""
_LOOK_S = 0.05


def until(look: Callable[[], T | None], what: str) -> T:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + PATIENCE_S
    while True:
        # Whether patience is over is asked before, so that a machine that stood still meanwhile looks once more.
        is_last = time.monotonic() > end
        if found := look():
            return found
        assert not is_last, f"{what} did not come to be within {PATIENCE_S:g} s"
        time.sleep(_LOOK_S)
