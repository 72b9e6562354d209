"""LiteLLM's `config.yaml`: model_list, router_settings, litellm_settings, general_settings.

https://docs.litellm.ai/docs/proxy/configs, https://docs.litellm.ai/docs/routing, https://docs.litellm.ai/docs/proxy/reliability
"""

from __future__ import annotations

from typing import Any

from dragoman.config.importers.draft import Draft, Given, alias_or_mapping, variable_after, whole
from dragoman.config.importers.litellm_deployment import Deployment, Providers, read_deployment

_SCHEME = "os.environ/"
_STRATEGIES: dict[str, str] = {
    "simple-shuffle": "weighted",
    "least-busy": "least-busy",
    "usage-based-routing": "usage",
    "usage-based-routing-v2": "usage",
    "latency-based-routing": "latency",
    "cost-based-routing": "cheapest",
}
_BY_RATE = ("rpm", "tpm")
_OWN = "nothing needs doing: Dragoman does this by itself"
_TOLD = "there are no callbacks; set `telemetry.otlp` for traces, scrape `/metrics`, or read `dragoman logs`"
_REMEDIES: dict[str, str] = {
    "drop_params": _OWN,
    "modify_params": _OWN,
    "set_verbose": "use `log.level: debug`",
    "json_logs": "set `log.format: json`",
    "cache": "there is no cache of answers; prompt caches of the providers stay warm by themselves",
    "cache_params": "there is no cache of answers",
    "callbacks": _TOLD,
    "success_callback": _TOLD,
    "failure_callback": _TOLD,
    "database_url": "keys and settings stand in dragoman.yaml; where exchanges are kept is `database`",
    "store_model_in_db": "models stand in dragoman.yaml; export those of the database to the file first",
    "content_policy_fallbacks": "a refusal of a provider is told to the client as it is",
    "redis_host": "the state of routing is kept by the one process",
    "redis_port": "the state of routing is kept by the one process",
    "redis_password": "the state of routing is kept by the one process",
    "redis_url": "the state of routing is kept by the one process",
    "enable_pre_call_checks": "a request too long for a model goes to one with a larger window, if the chain has one",
    "retry_policy": "which errors are tried again is the same for all models (docs/errors.md)",
    "model_group_retry_policy": "which errors are tried again is the same for all models; how often is `models.X.retry`",
    "allowed_fails_policy": "set `routing.breaker`",
    "environment_variables": "export these variables before the gateway starts",
    "include": "import each of those files too, and join the sections",
    "routing_strategy_args": "set `routing`",
    "max_parallel_requests": "set `server.max_running`",
    "guardrails": "there are no guards yet",
    "mcp_servers": "there are no MCP servers yet",
}


def variable(text: str) -> str | None:
    """The variable that `os.environ/NAME` refers to."""
    return variable_after(_SCHEME, text)


def import_litellm(document: object) -> Draft:
    """The draft of a dragoman.yaml that routes as this config.yaml says."""
    draft = Draft(variable, document)
    given = Given(document, "", draft)
    settings, router, general = (given.within(name) for name in ("litellm_settings", "router_settings", "general_settings"))
    providers = Providers(draft)
    credentials = {str(one.take("credential_name")): one.take("credential_values") for one in given.each("credential_list")}
    groups: dict[str, list[Deployment]] = {}
    for entry in given.each("model_list"):
        read = read_deployment(entry, draft, providers, credentials)
        if read is not None:
            groups.setdefault(read.group, []).append(read)
    providers.name_keys()
    strategy = _strategy(router, draft)
    for name, deployments in groups.items():
        _write_group(name, deployments, strategy, draft, providers)
    _write_aliases(router, draft)
    _write_fallbacks((router, settings), draft)
    _write_reliability(router, settings, draft)
    _write_access(general, draft)
    for part in (settings, router, general, given):
        part.rest(_REMEDIES)
    return draft


def _strategy(router: Given, draft: Draft) -> str:
    asked = router.take("routing_strategy") or "simple-shuffle"
    found = _STRATEGIES.get(str(asked))
    if found is None:
        draft.note(router.at("routing_strategy"), f"the strategy `{asked}` has no counterpart", "targets are chosen by weight")
    return found or "weighted"


def _write_group(name: str, deployments: list[Deployment], strategy: str, draft: Draft, providers: Providers) -> None:
    path = ("models", name)
    settings: dict[str, Any] = {}
    orders = {one.order for one in deployments}
    if len(orders) > 1:
        if strategy != "weighted":
            draft.remark(path, f"LiteLLM chose by `{strategy}` among those of the same order; here their weights decide")
        strategy = "priority"
    if len(deployments) > 1 and strategy != "weighted":
        settings["strategy"] = strategy
    weights = _weights(deployments) if strategy in ("weighted", "priority") else [1] * len(deployments)
    targets: list[dict[str, Any]] = []
    for one, weight in zip(deployments, weights, strict=True):
        if not weight:
            draft.note(one.path, "has the weight 0, so it is never chosen", "it was left out")
            continue
        targets.append(_target(one, weight if len(set(weights)) > 1 else None, strategy == "priority", providers))
    if not targets:
        return
    windows = {one.window for one in deployments if one.window is not None}
    if windows:
        settings["context_window"] = min(windows)
    written = alias_or_mapping(_joined(targets, providers), settings)
    if written == name:
        return
    draft.models[name] = written


def _weights(deployments: list[Deployment]) -> list[int]:
    """LiteLLM's shuffle goes by `weight`, else by `rpm`, else by `tpm`; without any all are alike."""
    for field in ("weight", *_BY_RATE):
        found = [one.shares.get(field) for one in deployments]
        if any(value is not None for value in found):
            return whole(value if value is not None else (1 if field == "weight" else 0) for value in found)
    return [1] * len(deployments)


def _target(one: Deployment, weight: int | None, ordered: bool, providers: Providers) -> dict[str, Any]:
    key = providers.key_name(one)
    told = {
        "model": f"{one.provider}/{one.model}",
        "weight": weight,
        "priority": max(1, one.order) if ordered else None,
        "key": key,
        "params": one.params,
        "headers": one.headers,
        "deadlines": one.deadlines,
        "first_token_s": one.first_token_s,
    }
    return {name: value for name, value in told.items() if value not in (None, {})}


def _joined(targets: list[dict[str, Any]], providers: Providers) -> list[dict[str, Any]]:
    """Targets that differ in nothing but the key become one, if between them they have all keys of their provider."""
    by_rest: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        by_rest.setdefault(repr(sorted((name, value) for name, value in target.items() if name != "key")), []).append(target)
    joined: list[dict[str, Any]] = []
    for alike in by_rest.values():
        provider = alike[0]["model"].partition("/")[0]
        every = {target.get("key") for target in alike} == set(providers.keys_of(provider)) and len(by_rest) == 1
        joined += [{name: value for name, value in alike[0].items() if name != "key"}] if every and len(alike) > 1 else alike
    return joined


def _write_aliases(router: Given, draft: Draft) -> None:
    aliases = router.within("model_group_alias")
    for name in list(aliases.names()):
        inner: Any = aliases.take(name)
        target = str(inner.get("model")) if isinstance(inner, dict) else str(inner)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        _write_reference(str(name), target, router.at("model_group_alias"), draft)


def _write_reference(name: str, target: str, path: str, draft: Draft) -> None:
    if target in draft.models or _is_direct(target, draft):
        draft.models.setdefault(name, target)
    else:
        draft.note(path, f"`{name}` leads to `{target}`, which is no model of this file", "add it under `models`")


def _is_direct(name: str, draft: Draft) -> bool:
    return name.partition("/")[0] in draft.providers and "/" in name


def _write_fallbacks(parts: tuple[Given, ...], draft: Draft) -> None:
    for part in parts:
        default = [name for name in part.texts("default_fallbacks") if _known(name, part.at("default_fallbacks"), draft)]
        for field, remark in (
            ("fallbacks", None),
            ("context_window_fallbacks", "some of the fallbacks were for requests that are too long; here they follow any failure"),
        ):
            for entry in part.each(field):
                for name in list(entry.names()):
                    _add_fallbacks(name, entry.texts(name), entry.at(name), remark, draft)
        for name in list(draft.models) if default else ():
            _add_fallbacks(name, [one for one in default if one != name], part.at("default_fallbacks"), None, draft)


def _known(name: str, path: str, draft: Draft) -> bool:
    if name in draft.models or _is_direct(name, draft):
        return True
    draft.note(path, f"`{name}` is no model of this file", "add it under `models`, and to the fallbacks")
    return False


def _add_fallbacks(name: str, fallbacks: list[str], path: str, remark: str | None, draft: Draft) -> None:
    if name not in draft.models:
        if name == "*" or not _is_direct(name, draft):
            draft.note(path, f"`{name}` is no model of this file", "add it under `models`, with these `fallbacks`")
            return
        draft.models[name] = name
    entry: Any = draft.models[name]
    made: dict[str, Any] = {"targets": [entry]} if isinstance(entry, str) else entry
    before: list[str] = made.get("fallbacks", [])
    added = [one for one in dict.fromkeys(fallbacks) if one != name and one not in before and _known(one, path, draft)]
    if added:
        draft.models[name] = {**made, "fallbacks": [*before, *added]}
        if remark is not None:
            draft.remark(("models", name), remark)


def _write_reliability(router: Given, settings: Given, draft: Draft) -> None:
    retries = _either(router, settings, "num_retries")
    chain = max((len(model.get("fallbacks", ())) for model in draft.models.values() if isinstance(model, dict)), default=0)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType, reportUnknownVariableType]
    if retries is not None:
        draft.routing["retry"] = {"attempts": int(retries) + 1 + chain}
        draft.remark(("routing", "retry"), "LiteLLM counted retries for each group; these are the tries of an exchange in all")
    breaker: dict[str, Any] = {}
    fails, cooldown = _either(router, settings, "allowed_fails"), _either(router, settings, "cooldown_time")
    if fails is not None:
        # More than so many failures in a minute; whatever share of the requests that is.
        breaker |= {"failures": int(fails) + 1, "window_s": 60, "rate": 0}
    if cooldown:
        breaker["open_s"] = cooldown
    if breaker:
        draft.routing["breaker"] = breaker
    timeout = _either(router, settings, "timeout") or settings.number("request_timeout")
    if timeout:
        draft.server["deadlines"] = {"first_byte_s": timeout}
        draft.remark(("server", "deadlines"), "LiteLLM's timeout; here it is the wait for the answer to begin")


def _either(one: Given, other: Given, name: str) -> float | None:
    first, second = one.number(name), other.number(name)
    return second if first is None else first


def _write_access(general: Given, draft: Draft) -> None:
    master = general.take("master_key")
    if master is not None:
        draft.access.append({"name": "master", "key": draft.secret(master, "DRAGOMAN_MASTER_KEY", general.at("master_key"))})
        draft.note(general.at("master_key"), "became the only client key", "give each client its own under `access.keys`")
