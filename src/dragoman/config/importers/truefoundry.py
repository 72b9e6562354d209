"""TrueFoundry's `gateway-load-balancing-config`, and its accounts of providers and virtual models, in one file or several documents.

https://www.truefoundry.com/docs/ai-gateway/load-balancing-overview, https://www.truefoundry.com/docs/ai-gateway/virtual-model
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dragoman.config.importers.draft import Draft, Given
from dragoman.config.importers.truefoundry_accounts import Accounts
from dragoman.config.importers.truefoundry_targets import RETRY_REMARK, Retries, read_targets

_RULES = "gateway-load-balancing-config"
_VIRTUAL = "provider-account/virtual-model"
_ACCOUNT = "provider-account/"
_STRATEGIES: dict[str, str] = {
    "weight-based-routing": "weighted",
    "latency-based-routing": "latency",
    "priority-based-routing": "priority",
}
_SUBJECTS: dict[str, str] = {"user": "user", "team": "team", "virtualaccount": "key", "virtual-account": "key"}
_EVERYBODY = ("*", "team:everyone")
_REMEDIES: dict[str, str] = {
    "usage_limits": "there are no limits for a model yet",
    "sticky_routing": "a session stays with its target by itself (`routing.affinity`)",
    "collaborators": "every client key may ask for every model",
}
_SILENT = ("name", "type", "description", "collaborators", "model_types", "owned_by", "tags", "id")


def no_variable(text: str) -> str | None:
    """TrueFoundry keeps secrets under names of its own, so none is a variable."""
    return None


def import_truefoundry(documents: Sequence[object]) -> Draft:
    """The draft of a dragoman.yaml that routes as these documents say."""
    draft = Draft(no_variable, list(documents))
    manifests = [_manifest(one, place, len(documents), draft) for place, one in enumerate(documents) if one is not None]
    accounts = Accounts(draft)
    retries = Retries()
    typed = [(str(given.take("type")), given) for given in manifests]
    for kind, given in typed:
        if kind.startswith(_ACCOUNT) and kind != _VIRTUAL:
            accounts.read(kind.removeprefix(_ACCOUNT), given)
    for kind, given in typed:
        if kind == _VIRTUAL:
            _read_virtual(given, draft, accounts, retries)
        elif kind == _RULES:
            _read_rules(given, draft, accounts, retries)
        elif not kind.startswith(_ACCOUNT):
            draft.note(given.path or "type", f"manifests of type `{kind}` have no counterpart", "look it up in docs, or do without")
    for name in draft.models:
        for other in _named_elsewhere(name, draft):
            draft.remark(("models", name), f"`{other}` has rules of its own here, which hold on this way too")
    if retries.found:
        draft.routing["retry"] = retries.found
        draft.remark(("routing", "retry"), RETRY_REMARK)
    return draft


def _named_elsewhere(name: str, draft: Draft) -> list[str]:
    """Targets that are virtual models themselves, where TrueFoundry went to the plain model."""
    model: Any = draft.models[name]
    if not isinstance(model, dict):
        return []
    targets = list(map(_model_of, model["targets"]))  # pyright: ignore[reportUnknownArgumentType]
    return [target for target in targets if target != name and isinstance(draft.models.get(target), dict)]


def _model_of(target: Any) -> str:
    return target if isinstance(target, str) else target["model"]


def _manifest(document: object, place: int, count: int, draft: Draft) -> Given:
    """A document, or what its answer of the API wraps."""
    path = f"[{place}]" if count > 1 else ""
    given = Given(document, path, draft)
    inner = given.take("manifest")
    return Given(inner, given.at("manifest"), draft) if inner is not None else given


def _read_virtual(given: Given, draft: Draft, accounts: Accounts, retries: Retries) -> None:
    group = str(given.take("name"))
    accounts.add_group(group)
    for integration in given.each("integrations"):
        name, slug = f"{group}/{integration.take('name')}", integration.take("slug")
        routing = integration.within("routing_config")
        settings = _choice(routing, draft, accounts, retries)
        routing.rest(_REMEDIES, _SILENT)
        integration.rest(_REMEDIES, _SILENT)
        if settings is None:
            continue
        draft.models[name] = settings
        if slug:
            draft.models[str(slug)] = name
    given.rest(_REMEDIES, _SILENT)


def _choice(given: Given, draft: Draft, accounts: Accounts, retries: Retries) -> dict[str, Any] | None:
    """Targets with their strategy, as a virtual model or a rule has them; None, with a note, if there are none."""
    asked = str(given.take("type"))
    strategy = _STRATEGIES.get(asked)
    if strategy is None:
        draft.note(given.at("type"), f"the strategy `{asked}` has no counterpart", "targets are chosen by weight")
    chosen = read_targets(given, strategy or "weighted", draft, accounts, retries)
    if not chosen.targets:
        draft.note(given.at("load_balance_targets"), "names nobody who could answer", "it was left out")
        return None
    several = len(chosen.targets) > 1 and strategy not in (None, "weighted")
    return {
        "targets": chosen.targets,
        **({"strategy": strategy} if several else {}),
        **({"fallbacks": chosen.spares} if chosen.spares else {}),
    }


def _read_rules(given: Given, draft: Draft, accounts: Accounts, retries: Retries) -> None:
    for config in given.each("model_configs"):
        _read_health(config, draft)
    for rule in given.each("rules"):
        _read_rule(rule, draft, accounts, retries)
    given.rest(_REMEDIES, _SILENT)
    for name, model in draft.models.items():
        # What no rule takes goes to the model itself.
        if isinstance(model, dict) and "targets" not in model:
            draft.models[name] = {"targets": [accounts.target(name, given.path or "rules")], **model}


def _read_rule(given: Given, draft: Draft, accounts: Accounts, retries: Retries) -> None:
    name, condition = str(given.take("id") or ""), given.within("when")
    models, subjects = condition.texts("models"), condition.texts("subjects")
    metadata: Any = condition.take("metadata") or {}
    settings = _choice(given, draft, accounts, retries)
    condition.rest(_REMEDIES)
    given.rest(_REMEDIES, ("name", "description"))
    if settings is None:
        return
    when = _subjects(subjects, condition.at("subjects"), draft)
    if metadata:
        when["metadata"] = {str(key): str(value) for key, value in metadata.items()}
        draft.note(condition.at("metadata"), "was read from the header `x-tfy-metadata`", "clients send it as `x-dragoman-metadata` now")
    if not models:
        draft.note(condition.at("models"), "is missing, so the rule holds for every model", "rules belong to a model here: write it there")
    for model in models:
        _add_rule(model, name, when, settings, draft)


def _add_rule(model: str, name: str, when: dict[str, Any], settings: dict[str, Any], draft: Draft) -> None:
    """The first rule without a condition ends the list: what it says holds for all the rest."""
    entry: dict[str, Any] = draft.models.setdefault(model, {})
    if "targets" in entry:
        return
    if not when:
        rules, spares = entry.pop("rules", None), entry.pop("fallbacks", [])
        both = list(dict.fromkeys([*settings.get("fallbacks", []), *spares]))
        entry |= {**settings, **({"rules": rules} if rules else {}), **({"fallbacks": both} if both else {})}
        return
    targets = settings["targets"]
    use: Any = targets[0] if len(targets) == 1 and isinstance(targets[0], str) else targets
    strategy = {"strategy": settings["strategy"]} if "strategy" in settings else {}
    entry.setdefault("rules", []).append({"name": name, "when": when, "use": use, **strategy})
    if settings.get("fallbacks"):
        entry["fallbacks"] = list(dict.fromkeys([*entry.get("fallbacks", []), *settings["fallbacks"]]))
        draft.remark(("models", model), "targets of weight 0 stood beside a rule; as fallbacks they hold for the whole model")


def _subjects(subjects: list[str], path: str, draft: Draft) -> dict[str, Any]:
    """Whose requests: any of them. Each becomes a client key, so that it can be told apart."""
    if not subjects or any(subject in _EVERYBODY for subject in subjects):
        return {}
    found: dict[str, list[str]] = {}
    for subject in subjects:
        kind, _, name = subject.partition(":")
        field = _SUBJECTS.get(kind)
        if field is None or not name:
            draft.note(path, f"`{subject}` is nobody that is known here", "write the condition yourself")
            continue
        found.setdefault(field, []).append(name)
        _add_client(field, name, path, draft)
    parts = [{field: names[0] if len(names) == 1 else names} for field, names in found.items()]
    return {} if not parts else parts[0] if len(parts) == 1 else {"any": parts}


def _add_client(field: str, name: str, path: str, draft: Draft) -> None:
    if any(client["name"] == name for client in draft.access):
        return
    key = draft.variable(f"{name}_KEY", path)
    draft.access.append({"name": name, "key": f"${key}", **({field: name} if field != "key" else {})})


def _read_health(given: Given, draft: Draft) -> None:
    tolerance = given.within("failure_tolerance")
    failures, cooldown = tolerance.number("allowed_failures_per_minute"), tolerance.number("cooldown_period_minutes")
    if failures is not None or cooldown:
        told = {"failures": None if failures is None else int(failures) + 1, "window_s": 60, "rate": 0}
        told |= {"open_s": cooldown * 60 if cooldown else None, "open_max_s": max(300, cooldown * 60) if cooldown else None}
        draft.routing["breaker"] = {name: value for name, value in told.items() if value is not None}
        draft.remark(("routing", "breaker"), "this stood beside single models; here it holds for all")
    tolerance.rest(_REMEDIES, ("failure_status_codes",))
    given.rest(_REMEDIES, ("model",))
