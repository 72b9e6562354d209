"""The documented rules of the dialects, enforced on requests: what a provider would refuse, the simulator refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dragoman.simulator.etiquette_chat import check_chat
from dragoman.simulator.etiquette_generate import check_generate
from dragoman.simulator.etiquette_messages import check_messages
from dragoman.simulator.etiquette_responses import check_responses
from dragoman.simulator.proofs import Proofs
from dragoman.simulator.script import Etiquette
from dragoman.simulator.sealed import check_sealed
from dragoman.simulator.thought_signatures import check_thought_signatures
from dragoman.simulator.thoughts import examine_thoughts
from dragoman.simulator.view import View
from dragoman.simulator.violation import Violation, matches_any

_PRIVATE_HEADERS = "x-codex-"


class Ruling(msgspec.Struct, frozen=True):
    """What a provider makes of a request."""

    violations: list[Violation]
    """Every rule that it breaks, the first one first: that is the one a provider names."""
    dropped: tuple[dict[str, Any], ...] = ()
    """Thoughts in it that are left out without an error, as Anthropic lists them."""


def check(view: View, etiquette: Etiquette, proofs: Proofs) -> Ruling:
    """Hold a request against the rules of its dialect."""
    violations = [*_common(view, etiquette), *_CHECKS[view.dialect](view, etiquette)]
    if etiquette.proofs == "taken":
        return Ruling(violations)
    if view.dialect == "messages":
        thoughts = examine_thoughts(view, proofs)
        return Ruling([*violations, *thoughts.violations], tuple(thoughts.dropped))
    check_proofs = _PROOFS.get(view.dialect)
    return Ruling([*violations, *check_proofs(view, proofs)] if check_proofs is not None else violations)


def _common(view: View, etiquette: Etiquette) -> Iterable[Violation]:
    if etiquette.private_metadata == "refused":
        if "client_metadata" in view.body:
            yield Violation("The simulator was told that `client_metadata` goes to nobody.", "client_metadata", "private_metadata")
        for name in view.headers:
            if name.startswith(_PRIVATE_HEADERS):
                yield Violation(f"The simulator was told that the header `{name}` goes to nobody.", None, "private_metadata")
    if matches_any(view.model, etiquette.reasoning_refused):
        for name in ("reasoning", "reasoning_effort"):
            if view.body.get(name) is not None:
                told = f"Unsupported parameter: '{name}' is not supported with this model."
                yield Violation(told, name, "unsupported_parameter")


_CHECKS: dict[str, Callable[[View, Etiquette], Iterable[Violation]]] = {
    "responses": lambda view, etiquette: check_responses(view.body, etiquette),
    "chat": lambda view, etiquette: check_chat(view.body, etiquette),
    "messages": check_messages,
    "generate": check_generate,
}
_PROOFS: dict[str, Callable[[View, Proofs], Iterable[Violation]]] = {"responses": check_sealed, "generate": check_thought_signatures}
