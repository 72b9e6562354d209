"""Maps the events of an answer back to what the client asked for: names, namespaces, freeform text, tool search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from dragoman.ir import events as ev
from dragoman.ir.request import Call
from dragoman.lower.names import Origin
from dragoman.lower.unescape import Unescape


class Restore:
    """Feed it every event of one answer. `active` is false where nothing was changed, so that callers may skip it."""

    def __init__(self, origins: Mapping[str, Origin], taken: frozenset[str] = frozenset()) -> None:
        self.active = bool(origins)
        self._origins = dict(origins)
        self._aliases = _aliases(origins, taken)
        self._open: dict[int, Unescape] = {}

    def feed(self, event: ev.Event) -> Iterable[ev.Event]:
        """The events that the client shall get for this one."""
        if not self.active:
            return (event,)
        handler = self._TABLE.get(type(event))
        return handler(self, event) if handler is not None else (event,)

    def _started(self, event: ev.CallStarted) -> Iterable[ev.Event]:
        origin = self._origin(event.name) if event.executor == "client" else None
        if origin is None:
            return (event,)
        if origin.kind == "custom" and event.kind != "custom":
            self._open[event.part] = Unescape()
        # An id tells the kind of its item (`fc_…`, `ctc_…`), and OpenAI refuses the wrong one when it comes back.
        given = event.id if event.kind == origin.kind else None
        return (msgspec.structs.replace(event, name=origin.name, namespace=origin.namespace, kind=origin.kind, id=given),)

    def _delta(self, event: ev.CallDelta) -> Iterable[ev.Event]:
        unescape = self._open.get(event.part)
        if unescape is None:
            return (event,)
        text = unescape.feed(event.text)
        return (ev.CallDelta(event.part, text),) if text else ()

    def _ended(self, event: ev.PartEnded) -> Iterable[ev.Event]:
        unescape = self._open.pop(event.part, None)
        text = unescape.close() if unescape is not None else ""
        return (ev.CallDelta(event.part, text), event) if text else (event,)

    def _given(self, event: ev.ItemGiven) -> Iterable[ev.Event]:
        item = event.item
        origin = self._origin(item.name) if isinstance(item, Call) and item.executor == "client" else None
        if origin is None or not isinstance(item, Call):
            return (event,)
        arguments = item.arguments
        if origin.kind == "custom" and item.kind != "custom":
            unescape = Unescape()
            arguments = unescape.feed(arguments) + unescape.close()
        call = msgspec.structs.replace(
            item,
            name=origin.name,
            namespace=origin.namespace,
            kind=origin.kind,
            arguments=arguments,
            id=item.id if item.kind == origin.kind else None,
            extra=None,
        )
        return (msgspec.structs.replace(event, item=call),)

    def _origin(self, name: str) -> Origin | None:
        return self._origins.get(name) or self._aliases.get(name)

    _TABLE: ClassVar[dict[type, Callable[[Any, Any], Iterable[ev.Event]]]] = {
        ev.CallStarted: _started,
        ev.CallDelta: _delta,
        ev.PartEnded: _ended,
        ev.ItemGiven: _given,
    }


def _aliases(origins: Mapping[str, Origin], taken: frozenset[str]) -> dict[str, Origin]:
    """Names that weak models use for a namespaced tool: the bare one and the dotted one, where they can mean but one tool."""
    found: dict[str, Origin] = {}
    doubtful: set[str] = set(taken)
    for origin in origins.values():
        names = (origin.name,) if origin.namespace is None else (origin.name, f"{origin.namespace}.{origin.name}")
        for name in names:
            if name in found:
                doubtful.add(name)
            found[name] = origin
    return {name: origin for name, origin in found.items() if name not in doubtful}


UNCHANGED = Restore({})
"""For a request that needed no lowering."""
