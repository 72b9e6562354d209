"""What a peer is, beyond a contender: what it carries, how its requests differ, and what is to be said of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bench.contenders import RESULTS, Contender
from bench.scenarios import Scenario

PEERS = Path(__file__).parents[2] / ".peers"
HOMES = RESULTS / "peers"
_ENDS = {"chat": "/chat/completions", "responses": "/responses"}


class About(msgspec.Struct, frozen=True):
    """What the tables say of one contender: its version, and the settings it ran with, in a sentence."""

    name: str
    version: str
    settings: str


class Peer(Contender, frozen=True, kw_only=True):
    """A contender that is neither nginx nor Dragoman.

    carries: (client's dialect, provider's dialect) -> the model's name, with `{pace}` for the pace. What is missing, it cannot carry.
    base: the path before `/chat/completions`. paced: pace -> header lines that only its requests have.
    """

    about: About
    carries: dict[tuple[str, str], str]
    base: str = "/v1"
    paced: dict[str, tuple[str, ...]] = {}

    def url(self, scenario: Scenario) -> str:
        """Where the client of a scenario sends to."""
        return f"http://127.0.0.1:{self.ports[scenario.pace]}{self.base}{_ENDS[scenario.client]}"

    def model(self, scenario: Scenario) -> str:
        """The model that leads to a scenario's provider and pace."""
        return self.carries[scenario.client, scenario.upstream].format(pace=scenario.pace)

    def sent(self, scenario: Scenario) -> tuple[str, ...]:
        """The header lines of a scenario's requests."""
        return self.headers + self.paced.get(scenario.pace, ())
