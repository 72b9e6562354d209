"""One entry of LiteLLM's model_list, and the providers that come of all of them."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.config.importers.draft import Draft, Given, provider_name
from dragoman.config.importers.kinds import UNSPOKEN, address, elsewhere, is_no_key, kind_of, kind_of_model, needs_address, variable_of

_DEFAULT = "openai"
"""What LiteLLM takes a model for whose maker it does not know."""
_PARAMS = (
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "presence_penalty", "frequency_penalty",
    "reasoning_effort",
    "service_tier", "user", "n", "response_format", "tool_choice", "parallel_tool_calls", "thinking", "metadata", "top_k",
)  # fmt: skip
_PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "output_cost_per_reasoning_token": "reasoning",
}
_MODES = ("chat", "completion", "responses", None)
_REMEDIES = {
    "rpm": "there are no limits for a target yet; where no `weight` stood it became one",
    "tpm": "there are no limits for a target yet; where no `weight` stood it became one",
    "api_version": "Azure's v1 API needs none",
    "max_retries": "set `routing.retry`",
    "num_retries": "set `models.X.retry`",
    "cooldown_time": "set `routing.breaker`",
    "max_budget": "there are no budgets yet",
    "budget_duration": "there are no budgets yet",
    "tags": "write a rule with `when: {metadata: ...}`",
    "access_groups": "every client key may ask for every model",
    "mock_response": "use `dragoman simulate`",
}
_SILENT = (
    "id",
    "db_model",
    "base_model",
    "supports_function_calling",
    "supports_vision",
    "max_tokens",
    "max_output_tokens",
    "litellm_provider",
)


class Deployment(msgspec.Struct):
    """One place where a group is answered. key: how its provider key is written, None: it has none. shares: weight, rpm, tpm."""

    path: str
    group: str
    provider: str
    model: str
    key: str | None
    order: int = 1
    shares: dict[str, float] = {}
    params: dict[str, Any] = {}
    headers: dict[str, str] = {}
    deadlines: dict[str, float] = {}
    first_token_s: float | None = None
    window: int | None = None


class Providers:
    """The providers so far: one for each kind and address, with all keys that were used there."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._names: dict[tuple[str, str | None], str] = {}
        self._keys: dict[str, list[str]] = {}

    def of(self, label: str, kind: str, base_url: str | None) -> str:
        """The name of the provider of this kind at this address."""
        place = (kind, base_url)
        if place not in self._names:
            name = self._names[place] = provider_name(label, self._draft.providers)
            self._draft.providers[name] = {"kind": kind, **({"base_url": base_url} if base_url else {})}
            self._keys[name] = []
        return self._names[place]

    def add_key(self, provider: str, key: str | None) -> None:
        """A key that is used there, as it is written."""
        if key is not None and key not in self._keys[provider]:
            self._keys[provider].append(key)

    def name_keys(self) -> None:
        """Write the keys, with names where there are several."""
        for name, keys in self._keys.items():
            several = len(keys) > 1
            written: list[Any] = [{"key": key, "name": _key_name(key)} for key in keys] if several else list(keys)
            if written:
                self._draft.providers[name]["keys"] = written

    def keys_of(self, provider: str) -> tuple[str, ...]:
        """The names of a provider's keys; none if it has one only."""
        keys = self._keys[provider]
        return tuple(map(_key_name, keys)) if len(keys) > 1 else ()

    def key_name(self, one: Deployment) -> str | None:
        """The key that a deployment is bound to; None where its provider has one only."""
        return _key_name(one.key) if one.key is not None and len(self._keys[one.provider]) > 1 else None


def read_deployment(entry: Given, draft: Draft, providers: Providers, credentials: dict[str, Any]) -> Deployment | None:
    """One entry of model_list; None, with a note, if nothing can be made of it."""
    group = entry.take("model_name")
    given, info = entry.within("litellm_params"), entry.within("model_info")
    entry.rest(_REMEDIES)
    full = given.take("model")
    if not isinstance(group, str) or not isinstance(full, str):
        draft.note(entry.path, "lacks `model_name` or `litellm_params.model`", "it was left out")
        return None
    mode = info.take("mode")
    if mode not in _MODES:
        draft.note(info.at("mode"), f"models for `{mode}` are not carried", "it was left out")
        return None
    for name, value in _credential(given, credentials).items():
        given = _with(given, name, value, draft)
    label, model = _split(full, given.take("custom_llm_provider"))
    kind = kind_of(label)
    if kind is None:
        what = UNSPOKEN.get(label, f"`{label}`")
        draft.note(given.at("model"), f"{what} is not spoken yet", "it was left out; if it has an OpenAI-compatible API, add that by hand")
        return None
    return _read(group, label, kind, model, given, info, draft, providers)


def _read(group: str, label: str, kind: str, model: str, given: Given, info: Given, draft: Draft, providers: Providers) -> Deployment:
    base, key = given.take("api_base") or given.take("base_url"), given.take("api_key")
    kind = elsewhere(kind) if base else kind
    url = address(kind, draft.url(base, f"{label}_API_BASE", given.at("api_base")), adds=False) if base else None
    if url is None and needs_address(kind):
        url = address(kind, f"${{{draft.variable(f'{label}_API_BASE', given.at('api_base'))}}}", adds=False)
        draft.note(given.at("api_base"), "is missing, and this kind of provider has no address of its own", "export the variable with it")
    provider = providers.of(label, kind, url)
    variable = variable_of(kind) if base is None else None
    told = None if key is None or is_no_key(kind, str(key)) else draft.secret(key, f"{label}_API_KEY", given.at("api_key"))
    written = told or (f"${variable}" if variable else None)
    providers.add_key(provider, written)
    found = Deployment(
        given.path,
        group,
        provider,
        model,
        written,
        order=int(given.number("order") or 1),
        shares={name: value for name in ("weight", "rpm", "tpm") if (value := given.number(name)) is not None},
        params={name: value for name in _PARAMS if (value := given.take(name)) is not None},
        headers=_headers(given, draft),
        deadlines={"first_byte_s": value} if (value := given.number("timeout")) else {},
        first_token_s=given.number("stream_timeout") or None,
        window=_window(info),
    )
    if model == "*" and "*" in group and not group.endswith("/*") and group != "*":
        draft.remark(("models", group), "LiteLLM sent on what stood for the `*` alone; here the whole name goes there")
    _read_prices((given, info), provider, model, draft)
    if {"rpm", "tpm"} & found.shares.keys():
        draft.note(given.at("rpm" if "rpm" in found.shares else "tpm"), "is no limit here", _REMEDIES["rpm"])
    given.rest(_REMEDIES, _SILENT)
    info.rest(_REMEDIES, _SILENT)
    return found


def _split(full: str, told: object) -> tuple[str, str]:
    """(provider, model): the prefix, if it is one of a provider; a bare name belongs to its maker."""
    if isinstance(told, str) and told:
        return told, full.removeprefix(f"{told}/")
    head, slash, rest = full.partition("/")
    if slash and (kind_of(head) is not None or head in UNSPOKEN):
        return head, rest.removeprefix("responses/").removeprefix("chat/")
    if full == "*":
        return _DEFAULT, full
    return (kind_of_model(full) or _DEFAULT) if not slash else head, full if not slash else rest


def _credential(given: Given, credentials: dict[str, Any]) -> dict[str, Any]:
    named = credentials.get(str(given.take("litellm_credential_name")))
    return {str(name): value for name, value in named.items()} if isinstance(named, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _with(given: Given, name: str, value: Any, draft: Draft) -> Given:
    left = {key: given.take(key) for key in list(given.names())}
    return Given({name: value, **left}, given.path, draft)


def _headers(given: Given, draft: Draft) -> dict[str, str]:
    headers = draft.headers(given.take("extra_headers"), given.at("extra_headers"))
    organization = given.take("organization")
    if organization is not None:
        headers["openai-organization"] = draft.text(organization, "organization", given.at("organization"))
    return headers


def _window(info: Given) -> int | None:
    window = info.number("max_input_tokens")
    return int(window) if window else None


def _read_prices(parts: tuple[Given, ...], provider: str, model: str, draft: Draft) -> None:
    for part in parts:
        for name, unit in _PRICES.items():
            value = part.number(name)
            if value is not None:
                draft.prices.setdefault(f"{provider}/{model}", {})[unit] = round(value * 1_000_000, 9)


def _key_name(key: str) -> str:
    """A key's name: its variable, in small letters."""
    return key.strip("${}").lower().replace("_", "-")
