"""What makes of one text another that is nearly the same: what a gateway does to most requests is to put in another model's name."""

from __future__ import annotations

from dragoman.observe.likeness import same_beginning, same_end
from dragoman.wire.splice import Splice

_LONGEST = 4096
_REMEMBERED = 64
_FIELD = b'"model":'
_MODEL = _FIELD + b'"'


class Splices:
    """Finds them; remembers by the difference in length the last one, as the next is mostly the same: to see that it is costs one
    comparison."""

    def __init__(self) -> None:
        self._last: dict[int, Splice] = {}

    def find(self, one: bytes, other: bytes) -> Splice | None:
        """What makes `other` of `one`; None if that is much."""
        longer = len(other) - len(one)
        last = self._last.get(longer)
        if last is not None and _makes(last, one, other):
            return last
        head = same_beginning(one, other)
        stop = len(one) - same_end(one, other, head)
        if stop + longer - head > _LONGEST:
            return None
        found = head, stop, other[head : stop + longer]
        if len(self._last) >= _REMEMBERED:
            self._last.clear()
        self._last[longer] = found
        return found


def is_model(splice: Splice, one: bytes) -> bool:
    """Whether what it puts into a text is the name of a model, or a part of it, and nothing else."""
    start, _, put = splice
    if one.endswith(_FIELD, 0, start):
        return len(put) > 1 and put.startswith(b'"') and put.find(b'"', 1) == len(put) - 1
    return b'"' not in put and one.endswith(_MODEL, 0, one.rfind(b'"', 0, start) + 1)


def _makes(splice: Splice, one: bytes, other: bytes) -> bool:
    head, stop, put = splice
    if stop > len(one) or not other.startswith(put, head):
        return False
    view = memoryview(one)
    return other.startswith(view[:head]) and other.endswith(view[stop:], head + len(put))  # pyright: ignore[reportArgumentType]
