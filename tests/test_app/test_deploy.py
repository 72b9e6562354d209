"""What a deployment of each provider key is: where it is reached, with which secret, how long it is waited for."""

from __future__ import annotations

import pytest

from dragoman.app.deploy import Deployer
from dragoman.config.load import parse
from dragoman.core.runtime import Deployment
from dragoman.dialects.registry import dialect, names
from dragoman.routing.resolve import Resolver
from dragoman.routing.seat import Seat
from dragoman.upstream.deadlines import Deadlines

ENV = {"A": "sk-0123456789abcdef", "B": "sk-fedcba9876543210", "C": "sk-00112233445566778"}
CONFIG = b"""
providers:
  azure:
    kind: azure-openai
    base_url: https://{region}.api.example.com/openai/v1
    keys: [{key: $A, name: east, region: eastus}, {key: $B, name: west, region: westeurope}]
  two:
    kind: openai
    deadlines: {first_byte_s: 90}
    keys: [{key: $A, name: main}, {key: $C, name: other, base_url: "http://127.0.0.1:8999/own/v1"}]
models:
  far: azure/gpt-5.5
  near:
    targets:
      - two/gpt-5.5
      - {model: two/gpt-4.1, key: other, deadlines: {first_byte_s: 7, total_s: 30}}
server: {deadlines: {connect_s: 3, idle_s: 40}}
"""


def deployed(model: str) -> dict[str, Deployment]:
    """By seat, what the gateway would ask."""
    config = parse(CONFIG, ENV).config
    deployer = Deployer(config, {name: dialect(name) for name in names()}, {})
    found = Resolver.compile(config).resolve(model)
    seats: list[Seat] = [seat for entry in found.branch.entries for seat in entry.seats]
    return {seat.id: deployer.deploy(seat.target, None, seat.key).deployment for seat in seats}


@pytest.mark.parametrize(
    ("model", "places"),
    [
        (
            "far",
            {
                "azure/gpt-5.5@east": ("https://eastus.api.example.com", "/openai/v1", ENV["A"]),
                "azure/gpt-5.5@west": ("https://westeurope.api.example.com", "/openai/v1", ENV["B"]),
            },
        ),
        (
            "near",
            {
                "two/gpt-5.5@main": ("https://api.openai.com", "/v1", ENV["A"]),
                "two/gpt-5.5@other": ("http://127.0.0.1:8999", "/own/v1", ENV["C"]),
                "two/gpt-4.1@other": ("http://127.0.0.1:8999", "/own/v1", ENV["C"]),
            },
        ),
    ],
)
def test_each_key_is_used_where_config_says(model: str, places: dict[str, tuple[str, str, str]]) -> None:
    found = deployed(model)

    assert {seat: (str(one.origin), one.base_path, one.secret) for seat, one in found.items()} == places
    assert all(any(one.secret in value for _, value in one.headers) for one in found.values())


def test_deadlines_of_a_target_come_before_those_of_its_provider_and_the_servers() -> None:
    found = deployed("near")

    assert found["two/gpt-5.5@main"].deadlines == Deadlines(3, 90, 40, 3600)
    assert found["two/gpt-4.1@other"].deadlines == Deadlines(3, 7, 40, 30)
