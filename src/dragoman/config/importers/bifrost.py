"""Bifrost's `config.json`: providers with their keys, virtual keys, routing rules.

https://docs.getbifrost.ai/deployment-guides/config-json, https://docs.getbifrost.ai/providers/routing-rules
"""

from __future__ import annotations

from typing import Any

from dragoman.config.importers.bifrost_rules import write_rules
from dragoman.config.importers.draft import Draft, Given, provider_name, variable_after, whole
from dragoman.config.importers.kinds import UNSPOKEN, address, elsewhere, is_no_key, kind_of
from dragoman.profiles.registry import profile

_SCHEME = "env."
_SERVERS = ("ollama_key_config", "vllm_key_config", "sgl_key_config")
"""Servers of one's own, whose address stands with a key."""
_OLD = 1
"""The version in which an empty list of models stood for all of them."""
_REMEDIES: dict[str, str] = {
    "concurrency_and_buffer_size": "there is no queue for a provider; `server.max_running` bounds the whole",
    "proxy_config": "export HTTPS_PROXY before the gateway starts",
    "send_back_raw_request": "there is no such answer",
    "send_back_raw_response": "the answer is the provider's own wherever both sides speak one API",
    "custom_provider_config": "the base kind was taken; requests that it should not take are not refused",
    "vertex_key_config": "Google Vertex AI is not spoken yet",
    "bedrock_key_config": "AWS Bedrock is not spoken yet",
    "budgets": "there are no budgets yet",
    "rate_limits": "there are no limits for a key yet",
    "budget_id": "there are no budgets yet",
    "rate_limit_id": "there are no limits for a key yet",
    "auth_config": "there is no page to log in to",
    "mcp": "there are no MCP servers yet",
    "mcp_configs": "there are no MCP servers yet",
    "plugins": "there are no plugins",
    "vector_store": "there is no cache of answers",
    "guardrails_config": "there are no guards yet",
    "websocket": "WebSockets are not spoken; clients go on with POST",
    "blacklisted_models": "list the others under `models` of the key",
    "required_headers": "there is no such check",
    "max_request_body_size_mb": "set `server.limits.body_bytes`",
}
_SILENT = ("$schema", "version", "server", "encryption_key", "config_store", "logs_store", "framework", "source_of_truth", "env_label",
           "id", "description", "use_for_batch_api", "created_at", "updated_at", "config_hash")  # fmt: skip


def variable(text: str) -> str | None:
    """The variable that `env.NAME` refers to."""
    return variable_after(_SCHEME, text)


def import_bifrost(document: object) -> Draft:
    """The draft of a dragoman.yaml that routes as this config.json says."""
    draft = Draft(variable, document)
    given = Given(document, "", draft)
    is_old = given.take("version") == _OLD
    retries: list[dict[str, float]] = []
    for name, provider in given.items("providers"):
        _read_provider(name, provider, draft, retries, is_old=is_old)
    _write_retry(retries, draft)
    governance, client = given.within("governance"), given.within("client")
    _read_client(client, draft)
    write_rules(governance, draft)
    governance.rest(_REMEDIES, _SILENT)
    given.rest(_REMEDIES, _SILENT)
    return draft


def _read_provider(name: str, given: Given, draft: Draft, retries: list[dict[str, float]], *, is_old: bool) -> None:
    custom = given.within("custom_provider_config")
    label = str(custom.take("base_provider_type") or name)
    kind = kind_of(label)
    if kind is None:
        what = UNSPOKEN.get(label, f"`{label}`")
        draft.note(given.path, f"{what} is not spoken yet", "it was left out; if it has an OpenAI-compatible API, add that by hand")
        return
    own = provider_name(name, draft.providers)
    network = given.within("network_config")
    base = network.take("base_url")
    kind = elsewhere(kind) if base else kind
    made: dict[str, Any] = {"kind": kind}
    if base:
        made["base_url"] = address(kind, draft.url(base, f"{name}_BASE_URL", network.at("base_url")), adds=True)
    draft.providers[own] = made
    keys = [key for entry in given.each("keys") if (key := _read_key(own, kind, entry, draft, is_old=is_old))]
    _write_keys(made, keys, given, draft)
    _read_network(made, network, draft, retries)
    custom.rest(_REMEDIES, ("is_key_less", "allowed_requests"))
    given.rest(_REMEDIES, _SILENT)


def _read_key(provider: str, kind: str, given: Given, draft: Draft, *, is_old: bool) -> dict[str, Any] | None:
    name, value = given.take("name") or given.take("id"), given.take("value")
    enabled, weight = given.take("enabled"), given.number("weight")
    models = given.take("models")
    azure = given.within("azure_key_config")
    place, only = _read_place(provider, kind, azure, given, draft)
    names = dict([*_pairs(azure.take("deployments")), *_pairs(given.take("aliases"))])
    for alias, target in names.items():
        if alias != target:
            draft.models.setdefault(f"{provider}/{alias}", f"{provider}/{target}")
    azure.rest({"api_version": "Azure's v1 API needs none"})
    given.rest(_REMEDIES, _SILENT)
    if enabled is False or weight == 0 or (models == [] and not is_old):
        draft.note(given.path, "is never used there (it is off, weighs nothing, or may be used for no model)", "it was left out")
        return None
    has_key = value and not is_no_key(kind, str(value))
    made: dict[str, Any] = {"key": draft.secret(value, f"{provider}_{name or 'api_key'}", given.at("value"))} if has_key else {}
    if place:
        made["base_url"] = place
    told = [str(model) for model in models] if isinstance(models, list) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    told = only if "*" in told or not told else [names.get(model, model) for model in told]
    return {**made, "name": _slug(name), "weight": 1 if weight is None else weight, "models": told}


def _read_place(provider: str, kind: str, azure: Given, given: Given, draft: Draft) -> tuple[str, list[str]]:
    """The address that stands with a key (empty: none does), and the only models that there are at it (empty: any)."""
    found, only = ("", ""), list[str]()
    if endpoint := azure.take("endpoint"):
        found = (endpoint, azure.at("endpoint"))
    for name in _SERVERS:
        server = given.within(name)
        if url := server.take("url"):
            found = (url, server.at("url"))
        only += server.texts("model_name")
        server.rest(_REMEDIES)
    url, path = found
    return (address(kind, draft.url(url, f"{provider}_ENDPOINT", path), adds=True) if url else ""), only


def _pairs(value: Any) -> list[tuple[str, str]]:
    return [(str(name), str(target)) for name, target in value.items()] if isinstance(value, dict) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _slug(name: object) -> str:
    return provider_name(str(name), ()).lower() if name else ""


def _write_keys(made: dict[str, Any], keys: list[dict[str, Any]], given: Given, draft: Draft) -> None:
    weights = whole(key["weight"] for key in keys)
    written: list[Any] = []
    for key, weight in zip(keys, weights, strict=True):
        if "base_url" in key and len({one.get("base_url") for one in keys}) == 1:
            made["base_url"] = key.pop("base_url") if key is keys[-1] else key["base_url"]
        told = {"key": key.get("key"), "name": key["name"] if len(keys) > 1 else "", "weight": weight if len(set(weights)) > 1 else None}
        told |= {"models": key["models"], "base_url": key.get("base_url") if made.get("base_url") != key.get("base_url") else None}
        said = {name: value for name, value in told.items() if value not in (None, "", [])}
        if "key" not in said:
            if profile(made["kind"]).key_optional:
                continue
            draft.note(given.at("keys"), "a key without a value was left out", "write `keys` yourself if the provider needs one")
            continue
        written.append(said["key"] if said.keys() == {"key"} else said)
    if written:
        made["keys"] = written


def _read_network(made: dict[str, Any], network: Given, draft: Draft, retries: list[dict[str, float]]) -> None:
    sent = draft.headers(network.take("extra_headers"), network.at("extra_headers"))
    if sent:
        made["headers"] = sent
    timeout = network.number("default_request_timeout_in_seconds")
    if timeout:
        made["deadlines"] = {"first_byte_s": timeout}
    count = network.number("max_retries")
    first, most = network.number("retry_backoff_initial"), network.number("retry_backoff_max")
    told = {"attempts": None if count is None else int(count) + 1, "backoff_s": _seconds(first), "backoff_max_s": _seconds(most)}
    retries.append({name: value for name, value in told.items() if value})
    network.rest(_REMEDIES, ("allow_private_network",))


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _write_retry(retries: list[dict[str, float]], draft: Draft) -> None:
    """Ours is one setting for all providers: the most that any of them had."""
    found: dict[str, float] = {}
    for one in retries:
        found = {**found, **{name: max(value, found.get(name, 0)) for name, value in one.items()}}
    if found:
        draft.routing["retry"] = found
        draft.remark(("routing", "retry"), "Bifrost counted retries for each provider; these are the tries of an exchange in all")


def _read_client(client: Given, draft: Draft) -> None:
    origins = [origin for origin in client.texts("allowed_origins") if origin != "*"]
    if origins:
        draft.server["allowed_origins"] = origins
    client.rest(_REMEDIES, _CLIENT_SILENT, default="nothing needs doing, or see docs/reference/configuration.md")


_CLIENT_SILENT = ("drop_excess_requests", "initial_pool_size", "enable_logging", "log_retention_days", "enforce_auth_on_inference",
                  "enforce_governance_header", "allow_direct_keys", "prometheus_labels", "compat", "disable_content_logging")  # fmt: skip
