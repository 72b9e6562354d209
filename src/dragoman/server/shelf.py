"""What launchers tell of the client programs that they start: one document per run, for that run alone, the oldest forgotten first."""

from __future__ import annotations

import re
from collections import OrderedDict

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.not_json import NOT_JSON

_RUN = re.compile(r"[\w-]{8,64}", re.ASCII)
_BODY_BYTES = 2 * 1024 * 1024
_ALL_BYTES = 32 * 1024 * 1024
_RUNS = 1000


class Shelf:
    """Bounded in number and bytes. What several runs tell alike (they mostly do: it is the same release) is kept once."""

    def __init__(self, *, body_bytes: int = _BODY_BYTES, all_bytes: int = _ALL_BYTES, runs: int = _RUNS) -> None:
        self.body_bytes = body_bytes
        self._all_bytes = all_bytes
        self._most = runs
        self._kept: OrderedDict[str, tuple[object, bytes]] = OrderedDict()

    def put(self, run: str, who: object, body: bytes) -> None:
        """Keep this for a run of this principal. Raises GatewayError: it is no JSON object, no name for a run, or another's run."""
        if not _RUN.fullmatch(run):
            raise _bad(f"`{run[:100]}` is not the name of a run: 8 to 64 letters, digits, `-` and `_`")
        owner, _ = self._kept.get(run, (who, b""))
        if owner != who:
            raise GatewayError(Kind.PERMISSION, f"the run `{run}` is somebody else's", source="client")
        _check(body)
        same = next((known for _, known in self._kept.values() if known == body), body)
        self._kept[run] = (who, same)
        self._kept.move_to_end(run)
        while len(self._kept) > self._most or self._size() > self._all_bytes:
            self._kept.popitem(last=False)

    def get(self, run: str, who: object) -> bytes | None:
        """What was told for this run by the principal who asks now."""
        owner, body = self._kept.get(run, (None, None))
        if body is None or owner != who:
            return None
        self._kept.move_to_end(run)
        return body

    def _size(self) -> int:
        return sum(len(body) for body in {id(body): body for _, body in self._kept.values()}.values())


def _check(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except NOT_JSON as error:
        raise _bad("the body is not a JSON object") from error


def _bad(message: str) -> GatewayError:
    return GatewayError(Kind.INVALID_REQUEST, message, source="client")
