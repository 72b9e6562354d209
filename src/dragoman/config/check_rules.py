"""Rules that can never be taken: what they ask for cannot be, or an earlier rule takes everything that they would.

It looks at what is written, not at what might be sent: a rule that is not blamed may still never match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dragoman.agents.registry import agents
from dragoman.config.names import Glob, is_glob
from dragoman.config.problems import Findings, Path
from dragoman.config.references import is_named
from dragoman.config.routing_schema import Modality, When
from dragoman.config.schema import Config, VirtualModel
from dragoman.config.values import Texts, many
from dragoman.profiles.families import canonical

_ALWAYS = When()


def check_rules(name: str, config: Config, findings: Findings) -> None:
    """Warn of the rules of a virtual model that are never taken, and of two with one name."""
    entry = config.models[name]
    if not isinstance(entry, VirtualModel):
        return
    names: dict[str, int] = {}
    for index, rule in enumerate(entry.rules):
        path: Path = ("models", name, "rules", index)
        if names.setdefault(rule.name or f"rule-{index + 1}", index) != index:
            findings.refuse((*path, "name"), f"`{rule.name}` is the name of another rule here", "give each its own")
    for index, why in never_taken(name, config).items():
        findings.warn(("models", name, "rules", index), f"is never taken: {why}", "change its condition, or take it out")
    if entry.rules and entry.rules[-1].when == _ALWAYS:
        findings.warn(
            ("models", name, "targets"), "are never asked: the last rule takes every request", "give it a condition, or take it out"
        )


def never_taken(name: str, config: Config) -> dict[int, str]:
    """The rules of a virtual model that can never be taken, by place, each with the reason."""
    entry = config.models[name]
    rules = entry.rules if isinstance(entry, VirtualModel) else ()
    found: dict[int, str] = {}
    for index, rule in enumerate(rules):
        why = _impossible(rule.when, name, config)
        earlier = next((place for place in range(index) if covers(rules[place].when, rule.when)), None)
        if why is not None:
            found[index] = why
        elif earlier is not None:
            found[index] = f"`{rules[earlier].name or f'rule-{earlier + 1}'}` before it takes everything that it would"
    return found


def covers(wide: When, narrow: When) -> bool:
    """Whether `wide` holds wherever `narrow` does, as far as that can be told from how they are written."""
    return all(covered(getattr(wide, field), getattr(narrow, field)) for field, covered in _COVERED.items())


# ---- cannot be -----------------------------------------------------------------------------------------------------------


def _impossible(when: When, name: str, config: Config) -> str | None:
    """Why a condition never holds."""
    clients = config.access.keys
    asks_client = (("key", [c.name for c in clients]), ("team", [c.team for c in clients]), ("user", [c.user for c in clients]))
    for field, known in asks_client:
        wanted = many(getattr(when, field))
        if wanted and not any(one is not None and _any_matches(wanted, one) for one in known):
            return f"no client key in `access.keys` has such a {field if field != 'key' else 'name'}"
    if when.agent and not any(_any_matches(many(when.agent), agent.name) for agent in agents()):
        return "no client program is known by such a name"
    if when.model and not is_glob(name) and not is_named(name, config) and not _any_matches(many(when.model), name):
        return f"only the name `{name}` leads here"
    if when.tools is False and (when.tools_over is not None):
        return "`tools: false` and `tools_over` exclude each other"
    if when.tools is True and when.tools_under is not None and when.tools_under <= 1:
        return "`tools: true` and `tools_under` exclude each other"
    if when.not_ is not None and covers(when.not_, msgspec.structs.replace(when, not_=None)):
        return "what `not` excludes is all that the rest allows"
    inner = [_impossible(one, name, config) for one in when.any]
    if inner and None not in inner:
        return inner[0]
    return next((why for one in when.all if (why := _impossible(one, name, config)) is not None), None)


def _any_matches(globs: tuple[str, ...], text: str) -> bool:
    return any(Glob.parse(glob).matches(text) or glob == text for glob in globs)


# ---- covered by another --------------------------------------------------------------------------------------------------


def _texts(wide: Texts, narrow: Texts) -> bool:
    if not wide:
        return True
    return bool(narrow) and all(canonical(one) in map(canonical, many(wide)) or _any_matches(many(wide), one) for one in many(narrow))


def _entries(wide: Mapping[str, Texts], narrow: Mapping[str, Texts]) -> bool:
    lowered = {name.lower(): texts for name, texts in narrow.items()}
    return all(name.lower() in lowered and _texts(texts, lowered[name.lower()]) for name, texts in wide.items())


def _modalities(wide: tuple[Modality, ...], narrow: tuple[Modality, ...]) -> bool:
    return not wide or "text" in wide or (bool(narrow) and set(narrow) <= set(wide))


def _over(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and narrow >= wide)


def _under(wide: int | None, narrow: int | None) -> bool:
    return wide is None or (narrow is not None and narrow <= wide)


def _same(wide: object, narrow: object) -> bool:
    return wide in (None, ()) or wide == narrow


_COVERED: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("key", "team", "user", "model", "agent", "kind", "effort"), _texts),
    **dict.fromkeys(("headers", "metadata"), _entries),
    **dict.fromkeys(("bytes_over", "tokens_over", "tools_over"), _over),
    **dict.fromkeys(("bytes_under", "tokens_under", "tools_under"), _under),
    **dict.fromkeys(("tools", "stream", "time", "any", "all", "not_"), _same),
    "modalities": _modalities,
}
"""For each field of a condition: whether what the one says of it holds wherever what the other says does."""
