"""Bifrost's virtual keys and routing rules: client keys, and virtual models with rules."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.config.importers.cel import CelError, When, read_cel
from dragoman.config.importers.draft import Draft, Given, provider_name, whole

_SCOPES = ("virtual_key", "team", "customer", "global")
"""The order in which rules are looked through."""
_NO_LIMITS = "there are no limits and budgets for a key yet"
_LIMITS: dict[str, str] = {
    **dict.fromkeys(("budget_id", "rate_limit_id", "budgets", "rate_limit", "budget"), _NO_LIMITS),
    "mcp_configs": "there are no MCP servers yet",
}
_SILENT = ("id", "description", "created_at", "updated_at", "config_hash", "query", "enabled", "customer_id")


class _Key:
    """A virtual key: its name here, its team, and the (provider, models, weight) that it may use."""

    def __init__(self, name: str, team: str | None) -> None:
        self.name = name
        self.team = team
        self.shares: list[tuple[str, list[str], float]] = []


class _Rule(msgspec.Struct):
    """A routing rule. targets: (provider, model, weight), None for the one that was asked for. order: where it stands among all."""

    path: str
    name: str
    when: When
    targets: list[tuple[str | None, str | None, float]]
    fallbacks: list[str]
    order: tuple[int, float]


def write_rules(governance: Given, draft: Draft) -> None:
    """Client keys, and the rules that choose by them or by what a request says."""
    teams = {str(team.take("id")): str(team.take("name")) for team in governance.each("teams")}
    keys: dict[str, _Key] = {}
    for given in governance.each("virtual_keys"):
        _read_key(given, teams, keys, draft)
    rules = [rule for given in governance.each("routing_rules") if (rule := _read_rule(given, keys, teams, draft))]
    for rule in sorted(rules, key=lambda rule: rule.order):
        _write_rule(rule, draft)
    for key in keys.values():
        _write_shares(key, draft)
    _complete(draft)


def _read_key(given: Given, teams: dict[str, str], keys: dict[str, _Key], draft: Draft) -> None:
    own = str(given.take("id"))
    name, value = given.take("name") or own, given.take("value")
    team = teams.get(str(given.take("team_id")))
    active = given.take("is_active")
    configs = given.each("provider_configs")
    given.rest(_LIMITS, _SILENT)
    if active is False:
        draft.note(given.path, "is not active", "it was left out")
        return
    key = keys[own] = _Key(str(name), team)
    variable = f"{provider_name(str(name), ())}_KEY"
    secret = draft.secret(value, variable, given.at("value")) if value else f"${draft.variable(variable, given.at('value'))}"
    draft.access.append({"name": key.name, "key": secret, **({"team": team} if team else {})})
    for config in configs:
        provider, weight = config.take("provider"), config.number("weight")
        models = config.texts("allowed_models")
        config.take("key_ids")
        config.rest(_LIMITS, _SILENT)
        if weight is not None and provider in draft.providers:
            key.shares.append((str(provider), models, weight))
        if models and "*" not in models:
            draft.note(config.at("allowed_models"), "limits what the key may use", "every client key may ask for every model here")


def _read_rule(given: Given, keys: dict[str, _Key], teams: dict[str, str], draft: Draft) -> _Rule | None:
    expression, name, enabled = str(given.take("cel_expression") or "true"), given.take("name"), given.take("enabled")
    scope, owner, priority = str(given.take("scope") or "global"), str(given.take("scope_id")), given.number("priority") or 0
    targets, fallbacks = _targets(given), given.texts("fallbacks")
    chained = given.take("chain_rule")
    given.rest({}, _SILENT)
    if enabled is False:
        draft.note(given.path, "is not enabled", "it was left out")
        return None
    if chained:
        draft.note(
            given.at("chain_rule"), "goes on to other rules, which none does here", "let it lead to a virtual model with rules of its own"
        )
    try:
        when = _scoped(read_cel(expression), scope, owner, keys, teams)
    except CelError as error:
        draft.note(given.at("cel_expression"), f"{error}", "write the rule yourself: docs/routing.md lists the conditions")
        return None
    order = (_SCOPES.index(scope) if scope in _SCOPES else len(_SCOPES), priority)
    return _Rule(given.path, str(name or ""), when, targets, fallbacks, order)


def _targets(given: Given) -> list[tuple[str | None, str | None, float]]:
    told = [(one.take("provider"), one.take("model"), one.number("weight")) for one in given.each("targets")]
    provider, model = given.take("provider"), given.take("model")
    return [(p or None, m or None, 1 if w is None else w) for p, m, w in told] or [(provider or None, model or None, 1)]


def _scoped(when: When, scope: str, owner: str, keys: dict[str, _Key], teams: dict[str, str]) -> When:
    if scope == "virtual_key" and owner in keys:
        return {"key": keys[owner].name, **when}
    if scope == "team" and owner in teams:
        return {"team": teams[owner], **when}
    if scope != "global":
        raise CelError(f"the scope `{scope}` of `{owner}` has no counterpart")
    return when


def _write_rule(rule: _Rule, draft: Draft) -> None:
    """Into each virtual model that it is about: those that the condition names, else all there are."""
    when: When = dict(rule.when)
    named: Any = when.pop("model", None)
    names: list[str] = list(draft.models) if named is None else [str(one) for one in named] if isinstance(named, list) else [str(named)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if named is None:
        draft.note(rule.path, "holds for whatever model is asked for", "rules belong to a model here: add it where it is lacking")
    fallbacks = [one for one in rule.fallbacks if one.partition("/")[0] in draft.providers]
    for name in names:
        uses = [_use(name, provider, model, weight, draft) for provider, model, weight in rule.targets]
        known = [(use, weight) for use, weight in uses if use.partition("/")[0] in draft.providers]
        if len(known) < len(uses):
            draft.note(rule.path, "leads to a provider that is not there", "add the provider, then the rule")
        if known:
            _add_rule(name, rule.name, when, known, fallbacks, draft)


def _use(asked: str, provider: str | None, model: str | None, weight: float, draft: Draft) -> tuple[str, float]:
    return f"{provider or _owner(asked, draft)}/{model or _plain(asked, draft)}", weight


def _add_rule(name: str, called: str, when: When, uses: list[tuple[str, float]], fallbacks: list[str], draft: Draft) -> None:
    entry = _entry(name, draft)
    weights = whole(weight for _, weight in uses)
    targets: list[Any] = [
        {"model": use, "weight": weight} if len(set(weights)) > 1 else use for (use, _), weight in zip(uses, weights, strict=True) if weight
    ]
    if fallbacks:
        entry["fallbacks"] = list(dict.fromkeys([*entry.get("fallbacks", []), *fallbacks]))
        draft.remark(("models", name), "fallbacks stood beside a rule; here they hold for the whole model")
    if when:
        use: Any = targets[0] if len(targets) == 1 and isinstance(targets[0], str) else targets
        entry.setdefault("rules", []).append({**({"name": called} if called else {}), "when": when, "use": use})
    elif "targets" not in entry:
        entry["targets"] = targets


def _write_shares(key: _Key, draft: Draft) -> None:
    """Where a virtual key spreads a model over providers, a rule for that key."""
    models = dict.fromkeys(model for _, models, _ in key.shares for model in models if model != "*")
    for model in models:
        uses = [(f"{provider}/{model}", weight) for provider, allowed, weight in key.shares if model in allowed or "*" in allowed]
        if any(weight for _, weight in uses):
            _add_rule(model, "", {"key": key.name}, uses, [], draft)


def _entry(name: str, draft: Draft) -> dict[str, Any]:
    """The virtual model, as a mapping that may be added to."""
    known = draft.models.get(name)
    if not isinstance(known, dict):
        draft.models[name] = {"targets": [known]} if isinstance(known, str) else {}
    return draft.models[name]


def _complete(draft: Draft) -> None:
    """A virtual model needs targets for requests that no rule takes: what would answer without any rule."""
    models: dict[str, Any] = draft.models
    for name, model in models.items():
        if isinstance(model, dict) and "targets" not in model:
            owner = _owner(name, draft)
            target = f"{owner}/{_plain(name, draft)}" if owner is not None else _first_use(model["rules"][0])  # pyright: ignore[reportUnknownArgumentType]
            models[name] = {"targets": [target], **model}


def _first_use(rule: dict[str, Any]) -> str:
    first: Any = rule["use"] if isinstance(rule["use"], str) else rule["use"][0]
    return first if isinstance(first, str) else first["model"]


def _owner(name: str, draft: Draft) -> str | None:
    """The provider that a name goes to by itself: the one that it names, else the one that makes it."""
    head, slash, _ = name.partition("/")
    if slash and head in draft.providers:
        return head
    return draft.maker_of(name)


def _plain(name: str, draft: Draft) -> str:
    head, slash, rest = name.partition("/")
    return rest if slash and head in draft.providers else name
