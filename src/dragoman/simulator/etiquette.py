"""The documented rules of the dialects, enforced on requests: what a provider would refuse, the simulator refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dragoman.simulator.etiquette_chat import check_chat
from dragoman.simulator.etiquette_responses import check_responses
from dragoman.simulator.script import Etiquette
from dragoman.simulator.view import View
from dragoman.simulator.violation import Violation, matches_any

_PRIVATE_HEADERS = "x-codex-"


def check(view: View, etiquette: Etiquette) -> list[Violation]:
    """Every rule that the request breaks, the first one first: that is the one a provider names."""
    return [*_common(view, etiquette), *_CHECKS.get(view.dialect, _unchecked)(view.body, etiquette)]


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


def _unchecked(_body: dict[str, object], _etiquette: Etiquette) -> Iterable[Violation]:
    return ()


_CHECKS: dict[str, Callable[[dict[str, object], Etiquette], Iterable[Violation]]] = {"responses": check_responses, "chat": check_chat}
