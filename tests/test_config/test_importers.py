"""What other gateways' configuration becomes: routes as their documentation says, no secret copied, nothing lost without a word."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from dragoman.config.importers.registry import Imported, gateways, import_config
from dragoman.config.load import parse
from dragoman.config.problems import ConfigError

AZURE = "https://{}.openai.azure.com/"


class Environment(dict[str, str]):
    """Every variable is set, each to something else."""

    def __missing__(self, name: str) -> str:
        return "https://host.example" if name.endswith(("_BASE", "_URL", "_ENDPOINT")) else f"stands-in-for-{name}"

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]


def made(gateway: str, *documents: Any) -> Imported:
    """Imported, and found to hold."""
    found = import_config(gateway, yaml.safe_dump_all(documents).encode(), "theirs")
    parse(found.text.encode(), Environment())
    return found


def settings(gateway: str, *documents: Any) -> dict[str, Any]:
    return yaml.safe_load(made(gateway, *documents).text)


def notes(gateway: str, *documents: Any) -> dict[str, str]:
    return {note.path: note.what for note in made(gateway, *documents).notes}


def deployment(group: str, model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": group, "litellm_params": {"model": model, "api_key": "os.environ/KEY", **params}}


# ---- LiteLLM ---------------------------------------------------------------------------------------------------------


def litellm(*deployments: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {"model_list": list(deployments), **sections}


def test_litellm_alias_stays_an_alias() -> None:
    assert settings("litellm", litellm(deployment("fast", "groq/llama-3.1-8b-instant", api_key="os.environ/GROQ_API_KEY"))) == {
        "providers": {"groq": {"kind": "groq", "keys": ["$GROQ_API_KEY"]}},
        "models": {"fast": "groq/llama-3.1-8b-instant"},
    }


@pytest.mark.parametrize("field", ["weight", "rpm", "tpm"])
def test_litellm_shuffle_goes_by_weight_or_rates(field: str) -> None:
    two = (deployment("g", "azure/x", api_base=AZURE.format(name), **{field: share}) for name, share in (("one", 900), ("two", 100)))

    found = settings("litellm", litellm(*two))

    assert found["models"]["g"] == {"targets": [{"model": "azure/x", "weight": 9}, {"model": "azure-2/x", "weight": 1}]}
    assert found["providers"]["azure"]["base_url"] == "https://one.openai.azure.com/openai/v1"


def test_litellm_order_becomes_priority() -> None:
    found = settings("litellm", litellm(deployment("g", "gpt-4o", order=1), deployment("g", "anthropic/claude-opus-4-8", order=2)))

    assert found["models"]["g"] == {
        "targets": [{"model": "openai/gpt-4o", "priority": 1}, {"model": "anthropic/claude-opus-4-8", "priority": 2}],
        "strategy": "priority",
    }


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("least-busy", "least-busy"),
        ("usage-based-routing-v2", "usage"),
        ("latency-based-routing", "latency"),
        ("cost-based-routing", "cheapest"),
    ],
)
def test_litellm_strategies_have_their_counterparts(theirs: str, ours: str) -> None:
    two = (deployment("g", "openai/a"), deployment("g", "groq/b"))

    assert settings("litellm", litellm(*two, router_settings={"routing_strategy": theirs}))["models"]["g"]["strategy"] == ours


def test_litellm_keys_of_one_place_become_a_pool() -> None:
    found = settings("litellm", litellm(*(deployment("g", "openai/gpt-5.5", api_key=f"os.environ/KEY_{n}") for n in "AB")))

    assert found["providers"]["openai"]["keys"] == [{"key": "$KEY_A", "name": "key-a"}, {"key": "$KEY_B", "name": "key-b"}]
    assert found["models"] == {"g": "openai/gpt-5.5"}


def test_litellm_deployment_keeps_its_own_key_where_others_have_more() -> None:
    found = settings(
        "litellm", litellm(deployment("g", "openai/x", api_key="os.environ/A"), deployment("h", "openai/x", api_key="os.environ/B"))
    )

    assert found["models"]["g"] == {"targets": [{"model": "openai/x", "key": "a"}]}


def test_litellm_server_of_ones_own_is_openai_compatible() -> None:
    found = settings("litellm", litellm(deployment("g", "openai/qwen", api_base="http://localhost:8000/v1", api_key="none")))

    assert found["providers"] == {"openai": {"kind": "openai-compatible", "base_url": "http://localhost:8000/v1"}}


def test_litellm_fallbacks_and_reliability() -> None:
    config = litellm(
        deployment("a", "openai/x"),
        deployment("b", "openai/y"),
        deployment("c", "openai/z"),
        litellm_settings={"fallbacks": [{"a": ["b"]}], "context_window_fallbacks": [{"a": ["c"]}], "default_fallbacks": ["c"]},
        router_settings={"num_retries": 2, "allowed_fails": 3, "cooldown_time": 30, "timeout": 20, "model_group_alias": {"old": "a"}},
    )

    found = settings("litellm", config)

    assert found["models"] == {
        "a": {"targets": ["openai/x"], "fallbacks": ["b", "c"]},
        "b": {"targets": ["openai/y"], "fallbacks": ["c"]},
        "c": "openai/z",
        "old": {"targets": ["a"], "fallbacks": ["c"]},
    }
    assert found["routing"] == {"retry": {"attempts": 5}, "breaker": {"failures": 4, "window_s": 60, "rate": 0, "open_s": 30}}
    assert found["server"] == {"deadlines": {"first_byte_s": 20}}


def test_litellm_fallbacks_for_long_requests_are_remarked_on_where_there_are_some() -> None:
    def remarked(longer: str) -> bool:
        fallbacks = {"fallbacks": [{"a": ["b"]}], "context_window_fallbacks": [{"a": [longer]}]}
        config = litellm(*(deployment(name, f"openai/{name}") for name in "abc"), litellm_settings=fallbacks)
        return "requests that are too long" in made("litellm", config).text

    assert [remarked(longer) for longer in ("c", "b", "nobody")] == [True, False, False]


def test_litellm_wildcards_lead_where_they_did() -> None:
    found = settings("litellm", litellm(deployment("anthropic/*", "anthropic/*"), deployment("claude-*", "anthropic/claude-*")))

    assert found["models"] == {"claude-*": "anthropic/claude-*"}


def test_litellm_prices_and_params_come_along() -> None:
    one = deployment("g", "openai/x", temperature=0.2, stream_timeout=5, input_cost_per_token=0.0000015, output_cost_per_token=6e-06)

    found = settings("litellm", litellm(one))

    assert found["prices"] == {"openai/x": {"input": 1.5, "output": 6}}
    assert found["models"]["g"] == {"targets": [{"model": "openai/x", "params": {"temperature": 0.2}, "first_token_s": 5}]}


def test_litellm_what_has_no_counterpart_is_told_with_its_path() -> None:
    config = litellm(
        deployment("g", "openai/x"),
        deployment("b", "bedrock/anthropic.claude", aws_region_name="us-east-1"),
        {"model_name": "e", "litellm_params": {"model": "text-embedding-3-small"}, "model_info": {"mode": "embedding"}},
        litellm_settings={"success_callback": ["x"], "fallbacks": [{"g": ["nobody"]}]},
        general_settings={"database_url": "postgresql://u:p@h/db"},
        something_new={"x": 1},
    )

    assert notes("litellm", config) == {
        "model_list[1].litellm_params.model": "AWS Bedrock is not spoken yet",
        "model_list[2].model_info.mode": "models for `embedding` are not carried",
        "litellm_settings.fallbacks[0].g": "`nobody` is no model of this file",
        "litellm_settings.success_callback": "has no counterpart",
        "general_settings.database_url": "has no counterpart",
        "something_new": "has no counterpart",
    }


# ---- Bifrost ---------------------------------------------------------------------------------------------------------


def bifrost(providers: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {"providers": providers, **sections}


def pool(*keys: dict[str, Any], **network: Any) -> dict[str, Any]:
    return {"keys": [{"models": ["*"], "weight": 1, **key} for key in keys], "network_config": network}


OPENAI = pool({"name": "main", "value": "env.OPENAI_API_KEY"})
ANTHROPIC = pool({"name": "main", "value": "env.ANTHROPIC_API_KEY"})


def test_bifrost_key_pool_keeps_weights_and_models() -> None:
    keys = ({"name": "one", "value": "env.A", "weight": 0.7}, {"name": "two", "value": "env.B", "weight": 0.3, "models": ["gpt-4o-mini"]})

    assert settings("bifrost", bifrost({"openai": pool(*keys)}))["providers"] == {
        "openai": {
            "kind": "openai",
            "keys": [{"key": "$A", "name": "one", "weight": 7}, {"key": "$B", "name": "two", "weight": 3, "models": ["gpt-4o-mini"]}],
        }
    }


@pytest.mark.parametrize(("version", "expected"), [(2, ["$A"]), (1, [{"key": "$A", "name": "one"}, {"key": "$B", "name": "two"}])])
def test_bifrost_empty_list_of_models_denies_all_but_in_the_old_version(version: int, expected: list[Any]) -> None:
    keys = ({"name": "one", "value": "env.A"}, {"name": "two", "value": "env.B", "models": []})

    assert settings("bifrost", bifrost({"openai": pool(*keys)}, version=version))["providers"]["openai"]["keys"] == expected


def test_bifrost_azure_deployments_are_found_under_their_names() -> None:
    azure = {"endpoint": "env.AZURE_ENDPOINT", "deployments": {"gpt-4o": "mine"}}

    found = settings("bifrost", bifrost({"azure": pool({"name": "a", "value": "env.K", "azure_key_config": azure})}))

    assert found == {
        "providers": {"azure": {"kind": "azure-openai", "base_url": "${AZURE_ENDPOINT}/openai/v1", "keys": ["$K"]}},
        "models": {"azure/gpt-4o": "azure/mine"},
    }


def test_bifrost_azure_key_for_some_models_may_be_used_for_their_deployments() -> None:
    azure = {"endpoint": "https://x.openai.azure.com", "deployments": {"gpt-4o": "mine"}}
    key = {"name": "a", "value": "env.K", "models": ["gpt-4o", "o3"], "azure_key_config": azure}

    found = settings("bifrost", bifrost({"azure": pool(key)}))

    assert found["providers"]["azure"]["keys"] == [{"key": "$K", "models": ["mine", "o3"]}]


def test_bifrost_servers_of_ones_own_are_at_the_address_of_their_key() -> None:
    ollama = {"name": "o", "value": "", "models": ["*"], "ollama_key_config": {"url": "http://gpu:11434"}}
    first, second = (
        {
            "name": name,
            "value": f"env.{name}",
            "models": ["*"],
            "vllm_key_config": {"url": f"http://{name}:8000", "model_name": f"q-{name}"},
        }
        for name in ("A", "B")
    )

    found = settings("bifrost", bifrost({"ollama": pool(ollama), "vllm": pool(first, second)}))

    assert found["providers"] == {
        "ollama": {"kind": "ollama", "base_url": "http://gpu:11434/v1"},
        "vllm": {
            "kind": "vllm",
            "keys": [
                {"key": "$A", "name": "a", "models": ["q-A"], "base_url": "http://A:8000/v1"},
                {"key": "$B", "name": "b", "models": ["q-B"], "base_url": "http://B:8000/v1"},
            ],
        },
    }


def test_bifrost_custom_provider_is_of_its_base_kind() -> None:
    custom = {
        **pool({"name": "v", "value": "dummy"}, base_url="http://vllm:8000"),
        "custom_provider_config": {"base_provider_type": "openai"},
    }

    assert settings("bifrost", bifrost({"mine": custom}))["providers"] == {
        "mine": {"kind": "openai-compatible", "base_url": "http://vllm:8000/v1"}
    }


def test_bifrost_network_settings() -> None:
    network = {
        "default_request_timeout_in_seconds": 30,
        "max_retries": 2,
        "retry_backoff_initial": 500,
        "retry_backoff_max": 5000,
        "extra_headers": {"x-team": "blue", "x-api-token": "abc"},
    }

    found = settings("bifrost", bifrost({"openai": pool({"name": "o", "value": "env.K"}, **network)}))

    assert found["providers"]["openai"] == {
        "kind": "openai",
        "keys": ["$K"],
        "headers": {"x-team": "blue", "x-api-token": "$X_API_TOKEN"},
        "deadlines": {"first_byte_s": 30},
    }
    assert found["routing"] == {"retry": {"attempts": 3, "backoff_s": 0.5, "backoff_max_s": 5}}


def test_bifrost_virtual_key_spreads_a_model_over_providers() -> None:
    configs = [
        {"provider": name, "weight": weight, "allowed_models": ["gpt-4o"]} for name, weight in (("openai", 0.8), ("openrouter", 0.2))
    ]
    governance = {
        "teams": [{"id": "t", "name": "red"}],
        "virtual_keys": [{"id": "v", "name": "dev", "value": "env.DEV", "team_id": "t", "provider_configs": configs}],
    }

    found = settings("bifrost", bifrost({"openai": OPENAI, "openrouter": pool({"value": "env.R"})}, governance=governance))

    assert found["access"] == {"keys": [{"name": "dev", "key": "$DEV", "team": "red"}]}
    assert found["models"]["gpt-4o"] == {
        "targets": ["openai/gpt-4o"],
        "rules": [{"when": {"key": "dev"}, "use": [{"model": "openai/gpt-4o", "weight": 4}, {"model": "openrouter/gpt-4o", "weight": 1}]}],
    }


def rule(expression: str, *, to: str = "anthropic/claude-opus-4-8", **fields: Any) -> dict[str, Any]:
    provider, _, model = to.partition("/")
    return {
        "name": "r",
        "cel_expression": expression,
        "targets": [{"provider": provider, "model": model, "weight": 1}],
        "scope": "global",
        **fields,
    }


_EITHER = {"any": [{"team": "a"}, {"not": {"headers": {"h": "v"}}}]}


@pytest.mark.parametrize(
    ("expression", "name", "when"),
    [
        ('model == "gpt-4o" && headers["X-Tier"] == "premium"', "gpt-4o", {"headers": {"x-tier": "premium"}}),
        ('model == "gpt-4o" && team_name in ["a", "b"]', "gpt-4o", {"team": ["a", "b"]}),
        ('model.startsWith("gpt-4") && !(virtual_key_name == "x")', "gpt-4*", {"not": {"key": "x"}}),
        (
            'model == "gpt-4o" && (team_name == "a" || headers["h"] != "v")',
            "gpt-4o",
            {"any": [{"team": "a"}, {"not": {"headers": {"h": "v"}}}]},
        ),
    ],
)
def test_bifrost_routing_rule_becomes_a_rule_of_its_model(expression: str, name: str, when: dict[str, Any]) -> None:
    governance = {"routing_rules": [rule(expression)]}

    model = settings("bifrost", bifrost({"openai": OPENAI, "anthropic": ANTHROPIC}, governance=governance))["models"][name]

    assert model == {"targets": [f"openai/{name}"], "rules": [{"name": "r", "when": when, "use": "anthropic/claude-opus-4-8"}]}


def test_bifrost_rules_stand_in_the_order_of_scope_and_priority() -> None:
    rules = [
        rule('model == "m" && headers["a"] == "1"', name="late", priority=5),
        rule('model == "m" && headers["a"] == "2"', name="early", priority=1),
        rule('model == "m"', name="team", scope="team", scope_id="t", priority=9),
    ]
    governance = {"teams": [{"id": "t", "name": "red"}], "routing_rules": rules}

    model = settings("bifrost", bifrost({"openai": OPENAI, "anthropic": ANTHROPIC}, governance=governance))["models"]["m"]

    assert [one["name"] for one in model["rules"]] == ["team", "early", "late"]
    assert model["rules"][0]["when"] == {"team": "red"}


@pytest.mark.parametrize("expression", ["budget_used > 80", 'params["x"] == "y"', "model ==", 'model == "m" &&', "1 + 1"])
def test_bifrost_condition_that_cannot_be_said_is_told(expression: str) -> None:
    told = notes("bifrost", bifrost({"openai": OPENAI, "anthropic": ANTHROPIC}, governance={"routing_rules": [rule(expression)]}))

    assert list(told) == ["governance.routing_rules[0].cel_expression"]


# ---- TrueFoundry -----------------------------------------------------------------------------------------------------


def truefoundry(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "x", "type": "gateway-load-balancing-config", "rules": list(rules), **fields}


def to(*targets: dict[str, Any], kind: str = "weight", models: tuple[str, ...] = ("openai-main/gpt-4o",), **when: Any) -> dict[str, Any]:
    return {"id": "r", "type": f"{kind}-based-routing", "when": {"models": list(models), **when}, "load_balance_targets": list(targets)}


GPT, CLAUDE = {"target": "openai-main/gpt-4o"}, {"target": "anthropic-main/claude-opus-4-8"}


def test_truefoundry_weights() -> None:
    found = settings("truefoundry", truefoundry(to({**GPT, "weight": 90}, {**CLAUDE, "weight": 10})))

    assert found["models"] == {
        "openai-main/gpt-4o": {
            "targets": [{"model": "openai-main/gpt-4o", "weight": 9}, {"model": "anthropic-main/claude-opus-4-8", "weight": 1}]
        }
    }
    assert found["providers"] == {
        "openai-main": {"kind": "openai", "keys": ["$OPENAI_MAIN_API_KEY"]},
        "anthropic-main": {"kind": "anthropic", "keys": ["$ANTHROPIC_MAIN_API_KEY"]},
    }


def test_truefoundry_target_without_weight_answers_where_others_fail() -> None:
    found = settings("truefoundry", truefoundry(to({**GPT, "weight": 100}, {**CLAUDE, "weight": 0})))

    assert found["models"]["openai-main/gpt-4o"] == {"targets": ["openai-main/gpt-4o"], "fallbacks": ["anthropic-main/claude-opus-4-8"]}


def test_truefoundry_priority_begins_at_one() -> None:
    found = settings(
        "truefoundry", truefoundry(to({**GPT, "priority": 0}, {**CLAUDE, "priority": 1}, kind="priority", models=("prod/chat",)))
    )

    assert found["models"]["prod/chat"] == {
        "targets": [{"model": "openai-main/gpt-4o", "priority": 1}, {"model": "anthropic-main/claude-opus-4-8", "priority": 2}],
        "strategy": "priority",
    }


def test_truefoundry_first_rule_that_matches_is_taken_and_one_for_all_ends_the_list() -> None:
    first = to({**CLAUDE, "weight": 100}, subjects=["team:ml", "user:ada"], metadata={"environment": "production"})
    rest = to({**GPT}, {**CLAUDE}, kind="latency", subjects=["*"])
    never = to({**CLAUDE, "weight": 100})

    found = settings("truefoundry", truefoundry(first, rest, never))

    assert found["models"]["openai-main/gpt-4o"] == {
        "targets": ["openai-main/gpt-4o", "anthropic-main/claude-opus-4-8"],
        "strategy": "latency",
        "rules": [
            {
                "name": "r",
                "when": {"any": [{"team": "ml"}, {"user": "ada"}], "metadata": {"environment": "production"}},
                "use": "anthropic-main/claude-opus-4-8",
            }
        ],
    }
    assert found["access"] == {"keys": [{"name": "ml", "key": "$ML_KEY", "team": "ml"}, {"name": "ada", "key": "$ADA_KEY", "user": "ada"}]}


def test_truefoundry_request_that_no_rule_takes_goes_to_the_model_itself() -> None:
    found = settings("truefoundry", truefoundry(to({**CLAUDE, "weight": 100}, subjects=["team:ml"])))

    assert found["models"]["openai-main/gpt-4o"]["targets"] == ["openai-main/gpt-4o"]


def test_truefoundry_settings_of_a_target() -> None:
    target = {
        **GPT,
        "weight": 100,
        "retry_config": {"attempts": 3, "delay": 200, "on_status_codes": ["429"]},
        "fallback_status_codes": ["400", "429", "500"],
        "override_params": {"temperature": 0.5},
        "sla_cutoff": {"time_to_first_token_ms": 2000},
        "timeout_ms": 30_000,
        "headers_override": {"set": {"x-team": "blue"}, "remove": ["x-debug"]},
    }

    found = settings("truefoundry", truefoundry(to(target)))

    assert found["models"]["openai-main/gpt-4o"]["targets"] == [
        {
            "model": "openai-main/gpt-4o",
            "params": {"temperature": 0.5},
            "headers": {"x-team": "blue", "x-debug": None},
            "deadlines": {"first_byte_s": 30},
            "first_token_s": 2,
            "fall_back_on": [400],
        }
    ]
    assert found["routing"] == {"retry": {"attempts": 4, "backoff_s": 0.2}}


def test_truefoundry_virtual_models_and_accounts() -> None:
    account = {
        "type": "provider-account/openai",
        "name": "acme",
        "auth_data": {"type": "api-key", "api_key": "tfy-secret://acme:g:k"},
        "integrations": [{"name": "four", "type": "integration/model/openai", "model_id": "gpt-4o"}],
    }
    virtual = {
        "type": "provider-account/virtual-model",
        "name": "group",
        "integrations": [
            {
                "name": "smart",
                "slug": "smart",
                "type": "integration/model/virtual",
                "routing_config": {"type": "weight-based-routing", "load_balance_targets": [{"target": "acme/four", "weight": 100}]},
            }
        ],
    }

    assert settings("truefoundry", virtual, account) == {
        "providers": {"acme": {"kind": "openai", "keys": ["$ACME_API_KEY"]}},
        "models": {"group/smart": {"targets": ["acme/gpt-4o"]}, "smart": "group/smart"},
    }


# ---- All of them -----------------------------------------------------------------------------------------------------

SECRET = "sk-live-0123456789abcdefghij"
WITH_SECRETS: dict[str, tuple[Any, ...]] = {
    "litellm": (
        litellm(
            deployment("g", "openai/x", api_key=SECRET, extra_headers={"authorization": SECRET, "x-plain": SECRET}),
            general_settings={"master_key": SECRET},
            environment_variables={"OPENAI_API_KEY": SECRET},
        ),
    ),
    "bifrost": (
        bifrost(
            {"openai": pool({"name": "a", "value": SECRET}, extra_headers={"x-plain": SECRET})},
            encryption_key=SECRET,
            governance={"virtual_keys": [{"id": "v", "name": "dev", "value": SECRET}]},
        ),
    ),
    "truefoundry": (
        truefoundry(to({**GPT, "weight": 100})),
        {"type": "provider-account/openai", "name": "openai-main", "auth_data": {"api_key": SECRET}},
    ),
}


@pytest.mark.parametrize("gateway", gateways())
def test_no_secret_stands_in_the_file_or_in_what_is_told(gateway: str) -> None:
    found = made(gateway, *WITH_SECRETS[gateway])

    assert SECRET not in found.text
    assert SECRET not in " ".join(map(str, found.notes))
    assert found.exports


def test_variable_that_the_file_refers_to_is_never_given_to_another_secret() -> None:
    found = made(
        "litellm", litellm(deployment("a", "openai/x", api_key=SECRET), deployment("b", "groq/y", api_key="os.environ/OPENAI_API_KEY"))
    )

    assert found.exports == (("OPENAI_API_KEY_2", "model_list[0].litellm_params.api_key"),)


@pytest.mark.parametrize("raw", [b"", b"- 1", b"just words", b"{", b"\xff\xfe", b"a: [", json.dumps({"providers": {}}).encode()])
@pytest.mark.parametrize("gateway", gateways())
def test_what_is_no_configuration_is_refused(gateway: str, raw: bytes) -> None:
    with pytest.raises(ConfigError):
        import_config(gateway, raw, "theirs")


@pytest.mark.parametrize("gateway", gateways())
@pytest.mark.parametrize("odd", [None, 7, "x", [1], {"a": 1}, [[{}]], [{"keys": 3}], {"openai": {"keys": [{"value": 3, "weight": "x"}]}}])
def test_odd_values_are_told_and_never_a_fall(gateway: str, odd: Any) -> None:
    names = ("model_list", "router_settings", "litellm_settings", "providers", "governance", "rules", "integrations", "type", "client")
    for name in names:
        with pytest.raises(ConfigError):
            import_config(gateway, json.dumps({name: odd}).encode(), "theirs")
            raise ConfigError([])


@pytest.mark.parametrize("number", [float("inf"), float("nan"), -1])
def test_numbers_that_are_none_are_told(number: float) -> None:
    entry = {"model_name": "a", "litellm_params": {"model": "openai/gpt-5", "api_key": "x", "weight": number, "order": number}}

    told = notes("litellm", {"model_list": [entry], "router_settings": {"num_retries": number}})

    params = "model_list[0].litellm_params"
    assert told == dict.fromkeys((f"{params}.order", f"{params}.weight", "router_settings.num_retries"), "is no number that can be used")


@pytest.mark.parametrize("gateway", gateways())
def test_what_contains_itself_is_refused(gateway: str) -> None:
    raw = b"type: gateway-load-balancing-config\nproviders: {}\nmodel_list: &all\n- *all\n"

    with pytest.raises(ConfigError, match="contains itself through an alias"):
        import_config(gateway, raw, "theirs")


def test_a_rule_of_endless_brackets_is_refused() -> None:
    rule = {"cel_expression": "(" * 3000, "targets": [{"provider": "openai"}]}

    with pytest.raises(ConfigError, match="nested too deep"):
        import_config("bifrost", json.dumps({"governance": {"routing_rules": [rule]}}).encode(), "theirs")


def test_remarks_stand_above_what_was_approximated() -> None:
    text = made("litellm", litellm(deployment("g", "openai/x"), router_settings={"num_retries": 1})).text

    assert "  # LiteLLM counted retries for each group; these are the tries of an exchange in all\n  retry: {attempts: 2}\n" in text
