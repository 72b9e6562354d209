"""Which thoughts go where: a proof goes back to who made it and to nobody else. What stays behind is told in one warning.

The words of another model's thoughts are never told as something that the assistant said; only targets that take thoughts in
plain words (some servers of Chat) get them as thoughts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.ir.request import GATEWAY, Call, Item, Message, Proof, Reasoning, ReasoningWish, Request, Result
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.fitting import Fitting

replace = msgspec.structs.replace

_UNSTAMPED = frozenset({"chat"})
"""Dialects whose proofs are plain fields: one whose origin nobody knows is good for any target of the dialect."""


def hand_back(request: Request, fitting: Fitting) -> Request:
    """Leave out the proofs that the target did not make, with their thoughts."""
    if not fitting.census.proven and not fitting.census.has(Reasoning):
        return request
    left: Counter[str] = Counter()
    items: list[Item] = []
    for item in request.items:
        fit = _FIT.get(type(item))
        fitted = item if fit is None else fit(item, fitting, left)
        if fitted is not None:
            items.append(fitted)
    if left and fitting.trust == "none":
        fitting.warn("reasoning", f"the target refused earlier thoughts; left behind: {left.total()}")
    elif left:
        counted = ", ".join(f"{count} of `{maker}`" for maker, count in left.items())
        fitting.warn("reasoning", f"thoughts that only their maker can read stay behind: {counted}")
    same = len(items) == len(request.items) and all(map(_is, items, request.items))
    return request if same else replace(request, items=tuple(items))


def takes(proof: Proof, fitting: Fitting) -> bool:
    """Whether the target made this proof and wants to see it again."""
    caps, here = fitting.caps, fitting.here
    if fitting.trust == "none" or (fitting.trust == "sealed" and proof.origin is None):
        return False
    if proof.origin is None or here is None:
        return proof.maker in caps.proofs or (proof.maker == caps.dialect and caps.dialect in _UNSTAMPED)
    if proof.maker not in caps.proofs and proof.maker != caps.dialect:
        return False
    return _is_own(proof.origin, here, caps)


def origin(deployment: str, caps: Capabilities, key: str | None = None) -> str:
    """What the proofs of a target are stamped with: `provider/model`, and `@key` where only the account of that key can read them
    again. `key`: the name of the provider key, None where the provider has but one."""
    return f"{deployment}@{key}" if key and caps.proofs_of_key else deployment


def rest(request: Request, fitting: Fitting) -> Request:
    """Think no more in a tool turn that another model began, where the target would refuse it.

    Claude's manual thinking: "a final assistant message must start with a thinking block".
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#extended-thinking-with-tool-use
    """
    wish = request.reasoning
    if not fitting.caps.thought_first or not thinks(wish) or _begins_with_thought(request.items):
        return request
    fitting.warn("reasoning", "another model began this tool turn; the target does not think until the next one")
    return replace(request, reasoning=ReasoningWish("none"))


def thinks(wish: ReasoningWish | None) -> bool:
    """Whether a model that does not think unasked is asked to."""
    return wish is not None and wish.effort != "none" and (wish.effort is not None or wish.budget_tokens is not None)


def _call(item: Call, fitting: Fitting, left: Counter[str]) -> Call:
    if item.proof is None or takes(item.proof, fitting):
        return item
    left[item.proof.origin or item.proof.maker] += 1
    return replace(item, proof=None)


def _thought(item: Reasoning, fitting: Fitting, left: Counter[str]) -> Reasoning | None:
    caps, proof = fitting.caps, item.proof
    if proof is None:
        return _unproven(item, fitting, left)
    if takes(proof, fitting):
        return item
    if proof.maker == GATEWAY and proof.kind == "broken":
        fitting.warn("reasoning", "a sealed thought was altered, cut, or sealed by a later version of the gateway")
    elif (proof.maker != GATEWAY and proof.maker != caps.dialect) or not _takes_words(item, fitting):
        left[proof.origin or ("another model" if proof.maker == GATEWAY else proof.maker)] += 1
    return replace(item, proof=None) if _takes_words(item, fitting) else None


def _unproven(item: Reasoning, fitting: Fitting, left: Counter[str]) -> Reasoning | None:
    caps = fitting.caps
    if item.content and item.extra is not None and caps.dialect in item.extra and caps.dialect in caps.proofs:
        # Words that a client sends back bare: of a model that has no proofs. One that has refuses them.
        left["another model"] += 1
        return None
    own = item.extra is None or caps.dialect in item.extra
    return item if own or _takes_words(item, fitting) else None


def _takes_words(item: Reasoning, fitting: Fitting) -> bool:
    """An API that has proofs of its own refuses thoughts without; the others may want the words."""
    return fitting.caps.dialect not in fitting.caps.proofs and bool(item.content or item.summary)


_FIT: dict[type, Callable[[Any, Fitting, Counter[str]], Item | None]] = {Reasoning: _thought, Call: _call}


def _begins_with_thought(items: tuple[Item, ...]) -> bool:
    """Whether the unfinished tool turn, if there is one, begins with a proven thought."""
    end = len(items)
    while end and isinstance(items[end - 1], Message) and not _assistant(items[end - 1]):
        end -= 1
    if not end or not isinstance(items[end - 1], Result):
        return True
    begin = end
    while begin and (isinstance(items[begin - 1], Result) or _assistant(items[begin - 1])):
        begin -= 1
    first = items[begin]
    return isinstance(first, Reasoning) and first.proof is not None


def _assistant(item: Item) -> bool:
    return isinstance(item, Call | Reasoning) or (isinstance(item, Message) and item.role == "assistant")


def _is_own(maker: str, here: str, caps: Capabilities) -> bool:
    if caps.proofs_of_key:
        (maker, key), (here, own_key) = _parted(maker), _parted(here)
        # Where one of both names no key there was but one at the time; it may be any of today's.
        if key and own_key and key != own_key:
            return False
    return maker == here or (not caps.proofs_of_model and _provider(maker) == _provider(here))


def _parted(origin: str) -> tuple[str, str]:
    """Deployment and key."""
    deployment, _, key = origin.rpartition("@")
    return (deployment, key) if deployment else (origin, "")


def _provider(name: str) -> str:
    return name.partition("/")[0]


def _is(one: object, other: object) -> bool:
    return one is other
