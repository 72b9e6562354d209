"""A replayed turn that goes on by itself: as long as a model calls what was called when it was recorded, it is given the recorded results
of its own calls, behind its own answers. Where it calls something else, nobody knows what the tools would have said: the next request is
the recorded one.

Pure: recorded requests and answers in, request bodies out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from dragoman.app.replay import Answer, Case, calls_of, plain, request_for, same_calls
from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir.errors import GatewayError
from dragoman.ir.request import Call as ToolCall
from dragoman.ir.request import Item, Message, OpaqueItem, Reasoning, Request, Result
from dragoman.wire.not_json import NOT_JSON
from dragoman.wire.splice import Outline

OWN = "behind its own answers"
"""How a request was put that goes on from what this very model said before."""
DIFFERED = "behind the recorded answers, since it had called something else"
FAILED = "behind the recorded answers, since it had failed before"
UNSAID = "behind the recorded answers, since its own cannot be put into a request"
_TALK = ("input", "messages", "contents")
"""The fields that hold the conversation, in whichever dialect."""
_IDS = frozenset({"call_id", "tool_call_id", "tool_use_id", "id"})
_MOVES = "cache_control"
"""What a client sets anew from request to request, and means nothing for what was said."""
_ECHO = Quirks(cache_breakpoints="off", replay_reasoning=True)


class Link(msgspec.Struct, frozen=True):
    """How a recorded request goes on from an earlier one, `before`: what was called there, and what it adds behind the answer."""

    before: str
    calls: tuple[ToolCall, ...]
    rest: tuple[bytes, ...]


class Said(msgspec.Struct, frozen=True):
    """What a model was sent and what it answered."""

    talk: Sequence[bytes]
    answer: Answer
    items: Sequence[Item]


def links(cases: Iterable[Case]) -> dict[str, Link]:
    """By id, those of the cases (in the order of time) that bring the results of tools which an earlier one had called."""
    seen: dict[bytes, str] = {}
    known: dict[bytes, bytes] = {}
    found: dict[str, Link] = {}
    for case in cases:
        elements = talk(case.body)
        marks = _marks(case.dialect, elements, known)
        count = next((count for count in range(len(marks) - 1, 0, -1) if marks[count - 1] in seen), 0)
        link = _link(case, seen[marks[count - 1]], elements[count:]) if count else None
        if link is not None:
            found[case.id] = link
        if marks:
            seen[marks[-1]] = case.id
    return found


def chains(cases: Sequence[Case], linked: Mapping[str, Link]) -> list[list[Case]]:
    """The cases, those that go on from each other together."""
    heads: dict[str, list[Case]] = {}
    for case in cases:
        link = linked.get(case.id)
        chain = heads[link.before] if link is not None else []
        chain.append(case)
        heads[case.id] = chain
    return list({id(chain): chain for chain in heads.values()}.values())


class Walk:
    """One model's way through the cases of a chain, in turn: `request` says what it is sent, `took` what it answered."""

    def __init__(self, linked: Mapping[str, Link], model: str, run: str) -> None:
        self._linked = linked
        self._model = model
        self._run = run
        self._said: dict[str, Said] = {}
        self._to_come = Counter(link.before for link in linked.values())
        self._sent: Sequence[bytes] = ()

    def request(self, case: Case) -> tuple[bytes, str]:
        """The body, and how it stands to earlier answers; "" where it goes on from none."""
        body = request_for(case, self._model, self._run)
        self._sent = talk(case.body)
        link = self._linked.get(case.id)
        said = None if link is None else self._take(link.before)
        if link is None or said is None:
            return body, ""
        if said.answer.error is not None:
            return body, FAILED
        names = _names(link.calls, said.items)
        if names is None:
            return body, DIFFERED
        echo = _echo(case.dialect, said.items)
        if not echo:
            return body, UNSAID
        self._sent = [*said.talk, *echo, *(_renamed(each, names) for each in link.rest)]
        return Outline(body).replace({_field(body): b"[" + b",".join(self._sent) + b"]"}), OWN

    def took(self, case: Case, answer: Answer, items: Sequence[Item]) -> None:
        """What came back of the case that was sent last."""
        if self._to_come[case.id]:
            self._said[case.id] = Said(self._sent, answer, items)

    def _take(self, name: str) -> Said | None:
        """What was said there; forgotten when nothing more goes on from it, since conversations are long."""
        self._to_come[name] -= 1
        return self._said.get(name) if self._to_come[name] > 0 else self._said.pop(name, None)


def talk(body: bytes) -> list[bytes]:
    """The elements of a request's conversation, as they stand there; empty where it is no list."""
    try:
        return [bytes(each) for each in msgspec.json.decode(Outline(body).raw(_field(body)) or b"[]", type=list[msgspec.Raw])]
    except NOT_JSON:
        return []


def _field(body: bytes) -> str:
    fields = Outline(body).fields
    return next((name for name in _TALK if name in fields), _TALK[0])


def _marks(name: str, elements: Sequence[bytes], known: dict[bytes, bytes]) -> list[bytes]:
    """A mark of each beginning of a conversation: equal where two begin alike. known: marks of single elements, since they come again
    and again."""
    marks: list[bytes] = []
    last = name.encode()
    for each in elements:
        if each not in known:
            still = msgspec.json.encode(_still(msgspec.json.decode(each)), order="deterministic")
            known[each] = blake2b(still, digest_size=16).digest()
        last = blake2b(last + known[each], digest_size=16).digest()
        marks.append(last)
    return marks


def _still(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _still(each) for name, each in value.items() if name != _MOVES}  # pyright: ignore[reportUnknownVariableType]
    return [_still(each) for each in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


def _link(case: Case, before: str, added: Sequence[bytes]) -> Link | None:
    """None where what is added is no answer with the results of all its calls behind it."""
    made = next((place for place, each in enumerate(added) if not _is_made(case, each)), len(added))
    items = _items(case, added)
    calls = tuple(item for item in items if isinstance(item, ToolCall) and item.executor == "client")
    answered = [item for item in items if isinstance(item, Result) and item.executor == "client"]
    if not calls or len(answered) != len(calls) or not 0 < made < len(added):
        return None
    return Link(before, calls, tuple(added[made:]))


def _is_made(case: Case, element: bytes) -> bool:
    """Whether a model made it."""
    items = _items(case, (element,))
    return bool(items) and all(_is_models(item) for item in items)


def _is_models(item: Item) -> bool:
    return isinstance(item, Reasoning | ToolCall | OpaqueItem) or (isinstance(item, Message) and item.role == "assistant")


def _items(case: Case, elements: Sequence[bytes]) -> tuple[Item, ...]:
    spoken = dialect(case.dialect)
    body = b'{"model":"m","%b":[%b]}' % (_field(case.body).encode(), b",".join(elements))
    try:
        return spoken.read_request(Call(spoken.path.replace("{model}", "m"), body)).items
    except GatewayError:
        return ()


def _names(recorded: Sequence[ToolCall], items: Iterable[Item]) -> dict[str, str] | None:
    """By the id of each recorded call that of its own one that is the same; None where they are not the same."""
    own: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    made = [item for item in items if isinstance(item, ToolCall) and item.executor == "client"]
    if not same_calls(Answer(calls=calls_of(made)), Answer(calls=calls_of(recorded))):
        return None
    for call, told in zip(made, calls_of(made), strict=True):
        own[plain(told)].append(call.call_id)
    return {call.call_id: own[plain(told)].pop(0) for call, told in zip(recorded, calls_of(recorded), strict=True)}


def _echo(name: str, items: Sequence[Item]) -> list[bytes]:
    """What a model answered, as its client sends it back; empty where that cannot be."""
    try:
        call, _ = dialect(name).write_request(Request("m", tuple(item for item in items if _is_models(item))), _ECHO)
    except GatewayError:
        return []
    return talk(call.body)


def _renamed(element: bytes, names: Mapping[str, str]) -> bytes:
    """The element with other ids of calls; as it is where it has none of them."""
    if not any(old != new and old.encode() in element for old, new in names.items()):
        return element
    return msgspec.json.encode(_other_ids(msgspec.json.decode(element), names))


def _other_ids(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        told: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {
            name: names.get(each, each) if name in _IDS and isinstance(each, str) else _other_ids(each, names)
            for name, each in told.items()
        }
    return [_other_ids(each, names) for each in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]
