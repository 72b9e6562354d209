"""Faults by chance: which request has which, by a seed and by nothing else that changes from run to run."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

from dragoman.simulator.mischief import Fault, Mishaps
from dragoman.simulator.view import View


class Chance:
    """Draws for each request. The draw hangs on the seed, on what the user said last, on how far the conversation is and on how often
    that was asked: so parallel requests do not change each other's luck."""

    def __init__(self, mishaps: Mishaps | None) -> None:
        self._mishaps = mishaps
        self._asked: Counter[str] = Counter()
        self._row: Counter[str] = Counter()

    def draw(self, view: View) -> Fault | None:
        """What goes wrong with the answer to this request, if anything does."""
        mishaps = self._mishaps
        if mishaps is None or not mishaps.faults:
            return None
        which = f"{view.kind}/{view.turns}/{view.user}"
        self._asked[which] += 1
        seed = hashlib.sha256(f"{mishaps.seed}/{which}/{self._asked[which]}".encode()).digest()
        dice = random.Random(seed)
        merciful = mishaps.in_a_row is not None and self._row[which] >= mishaps.in_a_row
        if merciful or dice.random() >= mishaps.rate:
            self._row[which] = 0
            return None
        self._row[which] += 1
        return dice.choice(mishaps.faults)
