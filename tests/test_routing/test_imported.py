"""What was imported from other gateways leads where their documentation says, asked of the resolver itself."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from dragoman.config.importers.registry import import_config
from dragoman.config.load import parse
from dragoman.routing.resolve import Resolver


def _litellm(name: str, model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, "api_key": "os.environ/K", **params}}


FILES: dict[str, tuple[str, Any]] = {
    "litellm": (
        "litellm",
        {
            "model_list": [
                _litellm("g", "openai/gpt-4o", rpm=900),
                _litellm("g", "groq/llama-3.3-70b-versatile", rpm=100),
                _litellm("anthropic/*", "anthropic/*"),
                _litellm("mine/*", "openai/*"),
            ],
            "router_settings": {"model_group_alias": {"old": "g"}},
        },
    ),
    "bifrost": (
        "bifrost",
        {
            "providers": {
                "openai": {"keys": [{"value": "env.K", "models": ["*"], "weight": 1}]},
                "azure": {
                    "keys": [
                        {
                            "value": "env.K",
                            "models": ["*"],
                            "weight": 1,
                            "azure_key_config": {"endpoint": "https://x.openai.azure.com", "deployments": {"gpt-4o": "mine"}},
                        }
                    ]
                },
            }
        },
    ),
    "truefoundry": (
        "truefoundry",
        {
            "type": "gateway-load-balancing-config",
            "rules": [
                {
                    "id": "r",
                    "type": "weight-based-routing",
                    "when": {"models": ["prod/chat"]},
                    "load_balance_targets": [
                        {"target": "openai-main/gpt-4o", "weight": 75},
                        {"target": "anthropic-main/claude-opus-4-8", "weight": 25},
                    ],
                }
            ],
        },
    ),
}


class _Environment(dict[str, str]):
    def get(self, name: str, default: Any = None) -> Any:
        return f"stands-in-for-{name}"


@pytest.mark.parametrize(
    ("file", "asked", "expected"),
    [
        ("litellm", "g", {"openai/gpt-4o": 9, "groq/llama-3.3-70b-versatile": 1}),
        ("litellm", "old", {"openai/gpt-4o": 9, "groq/llama-3.3-70b-versatile": 1}),
        ("litellm", "anthropic/claude-opus-4-8", {"anthropic/claude-opus-4-8": 1}),
        ("litellm", "mine/gpt-5.5", {"openai/gpt-5.5": 1}),
        ("bifrost", "azure/gpt-4o", {"azure/mine": 1}),
        ("bifrost", "openai/gpt-4o", {"openai/gpt-4o": 1}),
        ("truefoundry", "prod/chat", {"openai-main/gpt-4o": 3, "anthropic-main/claude-opus-4-8": 1}),
    ],
)
def test_name_leads_to_the_same_places_in_the_same_proportion(file: str, asked: str, expected: dict[str, int]) -> None:
    gateway, document = FILES[file]
    imported = import_config(gateway, yaml.safe_dump(document).encode(), "theirs")

    found = Resolver.compile(parse(imported.text.encode(), _Environment()).config).resolve(asked).targets

    assert {target.name: target.weight for target in found} == expected
