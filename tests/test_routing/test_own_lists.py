"""Names that a provider lists by itself lead to it, after whatever config and the makers say."""

from __future__ import annotations

import pytest

from dragoman.config.schema import Config, Provider
from dragoman.routing.resolve import Resolver

CONFIG = Config(
    providers={
        "lab": Provider(kind="openai-compatible", base_url="http://127.0.0.1:1/v1"),
        "shop": Provider(kind="openai-compatible", base_url="http://127.0.0.1:2/v1", models=("configured",)),
        "openai": Provider(kind="openai"),
    }
)
TOLD = {"lab": ("gpt-5.5", "homemade", "configured"), "shop": ("homemade",)}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("homemade", "lab/homemade"), ("configured", "shop/configured"), ("gpt-5.5", "openai/gpt-5.5"), ("shop/homemade", "shop/homemade")],
)
def test_list_of_a_provider_is_looked_up_after_config_and_makers(asked: str, expected: str) -> None:
    assert [target.name for target in Resolver.compile(CONFIG, TOLD).resolve(asked).targets] == [expected]


def test_what_providers_list_themselves_is_not_among_the_names_that_are_offered() -> None:
    assert Resolver.compile(CONFIG, TOLD).names() == ("shop/configured",)
