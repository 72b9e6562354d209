"""Rules of the dialects."""

from __future__ import annotations

from dragoman.simulator.records import Violation
from dragoman.simulator.script import Etiquette
from dragoman.simulator.view import View


def check(view: View, etiquette: Etiquette) -> list[Violation]:
    """The violations of a request."""
    return []
