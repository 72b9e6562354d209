"""A simulated provider that waits for its listeners: what it has said reaches the client before it says more, however long that takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import msgspec
from patience import PATIENCE_S

from dragoman.simulator.app import Simulator
from dragoman.simulator.listener import Asked
from dragoman.simulator.performance import Beat, Pause, Performance, Step

_LOOK_S = 0.01


class Hearing:
    """Who has heard something: an event for each number."""

    def __init__(self) -> None:
        self._events: dict[int, threading.Event] = {}

    def of(self, number: int) -> threading.Event:
        """Set as soon as this one has heard something."""
        return self._events.setdefault(number, threading.Event())


class _Steps(tuple[Step, ...]):
    """Steps of a performance, taken one by one: behind the first words there is silence until they were heard."""

    heard: threading.Event

    def __iter__(self) -> Iterator[Step]:
        for step in super().__iter__():
            yield step
            if isinstance(step, Beat) and step.kind == "delta":
                yield from _silence(self.heard)


def _silence(heard: threading.Event) -> Iterator[Pause]:
    end = time.monotonic() + PATIENCE_S
    while not heard.is_set() and time.monotonic() < end:
        yield Pause(_LOOK_S)


def patient(listener: Callable[[str], threading.Event | None]) -> type[Simulator]:
    """A simulator that waits behind its first words until the event is set that belongs to what the user said last; None: it does not
    wait."""

    class Patient(Simulator):
        async def answer(self, asked: Asked) -> Performance:
            performance = await super().answer(asked)
            heard = listener(self.records.last[-1].user) if self.records.last else None
            if heard is None:
                return performance
            steps = _Steps(performance.steps)
            steps.heard = heard
            return msgspec.structs.replace(performance, steps=steps)

    return Patient
