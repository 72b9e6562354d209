"""What the gateway says of the names that it offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dragoman.agents.contract import Offer
from dragoman.app.deploy import Deployer
from dragoman.app.offer import Offerer
from dragoman.config.load import load
from dragoman.config.schema import Config, Provider
from dragoman.dialects.registry import dialect, names
from dragoman.profiles.registry import kinds
from dragoman.profiles.wellknown import wellknown
from dragoman.routing.resolve import Resolver

CONFIG = """
providers:
  one: {kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", keys: [k], models: [listed-1], dialect: chat}
  two: {kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", keys: [k], capabilities: {images: false, efforts: [low, medium]}}
models:
  alias: one/gpt-4o
  same: {targets: [one/o3, two/o3]}
  mixed: {targets: [one/gpt-5.1, two/claude-sonnet-4-5], description: Whoever is there, context_window: 90000}
  half: {targets: [one/gpt-4o, one/homemade]}
  "any-*": one/*
"""


@pytest.fixture
def offerer(tmp_path: Path) -> Offerer:
    file = tmp_path / "dragoman.yaml"
    file.write_text(CONFIG)
    return offerer_of(load(str(file), {}).config)


def offerer_of(config: Config) -> Offerer:
    return Offerer(config, Resolver.compile(config), Deployer(config, {name: dialect(name) for name in names()}, {}).deploy)


def offered(offerer: Offerer, name: str, asked: Sequence[str] = ()) -> Offer:
    return next(offer for offer in offerer.offers(asked) if offer.name == name)


def test_all_that_is_listed_is_offered_then_what_is_asked_and_known(offerer: Offerer) -> None:
    found = [offer.name for offer in offerer.offers(["any-thing", "alias", "nobody/knows this"])]

    assert found == ["alias", "same", "mixed", "half", "one/listed-1", "any-thing"]


def test_one_model_behind_a_name_is_told_with_its_window(offerer: Offerer) -> None:
    assert offered(offerer, "alias") == Offer("alias", model="gpt-4o", window=128_000, efforts=())


def test_several_deployments_offer_what_all_of_them_take(offerer: Offerer) -> None:
    assert offered(offerer, "same") == Offer("same", model="o3", window=200_000, efforts=("low", "medium"), images=False)


def test_several_models_have_no_one_name_and_config_chooses_the_window(offerer: Offerer) -> None:
    offer = offered(offerer, "mixed")

    assert (offer.model, offer.window, offer.window_chosen, offer.description) == (None, 90_000, True, "Whoever is there")


def test_a_host_that_says_that_it_holds_less_is_believed(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.yaml"
    file.write_text(CONFIG)
    config = load(str(file), {}).config
    deploy = Deployer(config, {name: dialect(name) for name in names()}, {}).deploy
    lists = {("one", "gpt-4o"): 32_000, ("one", "homemade"): 8_000}

    found = Offerer(config, Resolver.compile(config), deploy, lambda provider, model: lists.get((provider, model)))

    assert [offered(found, name).window for name in ("alias", "half", "same")] == [32_000, 8_000, None]


def test_window_is_unknown_if_that_of_one_target_is(offerer: Offerer) -> None:
    assert offered(offerer, "half").window is None


def test_maker_that_lists_no_models_offers_those_it_is_known_for() -> None:
    config = load(None, {"ANTHROPIC_API_KEY": "k"}).config

    found = offerer_of(config).offers([])

    assert found[0].name.startswith("claude-") and len(found) > 2
    assert all(offer.window is not None and offer.efforts is not None for offer in found)


@pytest.mark.parametrize("kind", kinds())
def test_what_a_kind_is_known_for_is_known_here(kind: str) -> None:
    provider = Provider(kind=kind, base_url="http://127.0.0.1:1/v1", key_optional=True)
    offers = offerer_of(Config(providers={"it": provider})).offers([])

    assert {offer.name for offer in offers} == set(wellknown(kind))
    assert [offer.name for offer in offers if offer.window is None and kind != "demo"] == []
