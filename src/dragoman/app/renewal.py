"""A provider key that got another secret under its old name is another key: what was held against it is forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable

from dragoman.config.effective import effective_keys
from dragoman.config.schema import Config
from dragoman.routing.board import Board


class Renewal:
    """Compares the keys of each config with those of the one before. `clock` is that of the board."""

    def __init__(self, board: Board, clock: Callable[[], float] = time.perf_counter) -> None:
        self._board = board
        self._clock = clock
        self._digests: dict[str, bytes] = {}

    def learn(self, config: Config) -> None:
        """This config is in use now."""
        digests = {
            f"{name}@{key.name}": key.key.digest() for name, provider in config.providers.items() for key in effective_keys(provider)
        }
        for account, digest in digests.items():
            if self._digests.get(account, digest) != digest:
                self._board.reset(account, self._clock())
        self._digests = digests
