"""Faults: a sound performance in, a spoilt one out. Every place is exact to the byte of the body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from dragoman.simulator.mischief import Cut, Fault, Insert, Place, Trickle
from dragoman.simulator.performance import Beat, Closing, Dice, Pause, Performance, Step


def spoil(performance: Performance, fault: Fault, dice: Dice) -> Performance:
    """The performance with the fault in it. What the fault says of status, error and events was done before, by the stage."""
    spoilt = _with_headers(performance, fault)
    steps = _ENDINGS[fault.end](list(spoilt.steps))
    marks = [(byte_of(steps, insert.at), Beat(_foreign(insert, dice))) for insert in fault.insert]
    for position, beat in sorted(marks, key=lambda mark: mark[0], reverse=True):
        steps = _put(steps, position, beat)
    if fault.trickle is not None:
        steps = _drip(steps, fault.trickle)
    spoilt = msgspec.structs.replace(spoilt, steps=tuple(steps))
    spoilt = _stalled(spoilt, fault)
    spoilt = _cut(spoilt, fault.cut) if fault.cut is not None else spoilt
    return _declared(spoilt, performance, fault)


def breaks(fault: Fault) -> bool:
    """Whether an answer with this fault is no whole answer any more."""
    return fault.cut is not None or fault.in_stream is not None or fault.end in ("missing", "no_done") or bool(fault.insert)


def _with_headers(performance: Performance, fault: Fault) -> Performance:
    changed = {name.lower(): value for name, value in fault.headers.items()}
    if fault.content_type is not None:
        changed["content-type"] = fault.content_type
    # A wait of the script's own is the only one that is told.
    displaced = changed.keys() | ({"retry-after-ms"} if "retry-after" in changed else set[str]())
    kept = [(name, value) for name, value in performance.headers if name.lower() not in displaced]
    return msgspec.structs.replace(performance, headers=(*kept, *changed.items()))


def _ending_missing(steps: list[Step]) -> list[Step]:
    return [step for step in steps if not (isinstance(step, Beat) and step.kind == "end")]


def _ending_twice(steps: list[Step]) -> list[Step]:
    return [*steps, *(step for step in steps if isinstance(step, Beat) and step.kind == "end")]


def _ending_without_done(steps: list[Step]) -> list[Step]:
    return steps[:-1]


def _ending_without_usage(steps: list[Step]) -> list[Step]:
    return [step for step in steps if not (isinstance(step, Beat) and step.kind == "end" and b'"choices":[],"usage":{' in step.data)]


def _foreign(insert: Insert, dice: Dice) -> bytes:
    parts = [(insert.text or "").encode(), dice.noise(insert.noise_bytes)]
    if insert.huge_event_bytes:
        padding = b"x" * insert.huge_event_bytes
        parts.append(b'event: response.simulated.padding\ndata: {"type":"response.simulated.padding","padding":"%b"}\n\n' % padding)
    if insert.comment_bytes:
        parts.append(b": " + b"x" * insert.comment_bytes + b"\n\n")
    return b"".join(parts)


def byte_of(steps: Sequence[Step], place: Place) -> int:
    """The byte of the body that a place means; beyond the end it means the end."""
    beats = [step for step in steps if isinstance(step, Beat)]
    total = sum(len(beat.data) for beat in beats)
    if place.bytes is not None:
        return min(place.bytes, total)
    count = _events_before(beats, place)
    if count is None:
        return total // 2
    before = sum(len(beat.data) for beat in beats[:count])
    return min(before + place.into, total)


def _events_before(beats: Sequence[Beat], place: Place) -> int | None:
    """How many whole events stand before a place; None: it is a moment of an answer that is one piece."""
    end = next((at for at, beat in enumerate(beats) if beat.kind == "end"), len(beats))
    if place.before_end:
        return end
    if place.before_output:
        return next((at for at, beat in enumerate(beats) if beat.kind != "opening"), end)
    if place.within is None:
        return place.events or 0
    if len(beats) == 1:
        return None
    said = [at for at, beat in enumerate(beats) if beat.said == place.within and beat.kind == "delta"]
    said = said[: _run(said)]
    return said[len(said) // 2] if said else end


def _run(places: Sequence[int]) -> int:
    """How many of the events follow each other without another between them: those of the first part."""
    return next((at for at in range(1, len(places)) if places[at] != places[at - 1] + 1), len(places))


def split(steps: Sequence[Step], position: int) -> tuple[list[Step], list[Step]]:
    """The steps before and after a byte of the body; a beat that lies across it is divided."""
    before: list[Step] = []
    left = position
    for at, step in enumerate(steps):
        if not isinstance(step, Beat):
            before.append(step)
            continue
        if left < len(step.data) or left == 0:
            head = [Beat(step.data[:left], step.kind, step.said)] if left else []
            return [*before, *head], [Beat(step.data[left:], step.kind, step.said), *steps[at + 1 :]]
        before.append(step)
        left -= len(step.data)
    return before, []


def _put(steps: Sequence[Step], position: int, step: Step) -> list[Step]:
    before, after = split(steps, position)
    return [*before, step, *after]


def _drip(steps: Sequence[Step], trickle: Trickle) -> list[Step]:
    size = max(1, trickle.bytes)
    dripped: list[Step] = []
    for step in steps:
        if not isinstance(step, Beat):
            dripped.append(step)
            continue
        for at in range(0, len(step.data), size):
            dripped.extend((Beat(step.data[at : at + size], step.kind, step.said), Pause(trickle.delay_s)))
    return dripped


def _stalled(performance: Performance, fault: Fault) -> Performance:
    stall = fault.stall
    if stall is None:
        return performance
    if stall.at == "head":
        return msgspec.structs.replace(performance, wait_s=stall.for_s)
    steps = _put(performance.steps, byte_of(performance.steps, stall.at), Pause(stall.for_s))
    return msgspec.structs.replace(performance, steps=tuple(steps))


def _cut(performance: Performance, cut: Cut) -> Performance:
    if cut.at == "head":
        return msgspec.structs.replace(performance, silent="reset" if cut.how == "reset" else "fin")
    before, _ = split(performance.steps, byte_of(performance.steps, cut.at))
    ending: list[Step] = [] if cut.how == "end" else [Closing(cut.how)]
    return msgspec.structs.replace(performance, steps=(*before, *ending))


def _declared(spoilt: Performance, sound: Performance, fault: Fault) -> Performance:
    """A cut connection declares the length that it does not reach; any other body declares its own."""
    if sound.length is None:
        return spoilt
    is_cut = fault.cut is not None and fault.cut.how != "end"
    size = sound.length + 1 if is_cut else sum(len(step.data) for step in spoilt.steps if isinstance(step, Beat))
    return msgspec.structs.replace(spoilt, length=size)


_ENDINGS: dict[Literal["proper", "missing", "twice", "no_done", "no_usage"], Callable[[list[Step]], list[Step]]] = {
    "proper": lambda steps: steps,
    "missing": _ending_missing,
    "twice": _ending_twice,
    "no_done": _ending_without_done,
    "no_usage": _ending_without_usage,
}
