"""What works and may not be meant; what listening beyond this machine needs; what a provider comes to with its profile."""

# ruff: noqa: E501 (each message stands whole beside what it is told of)
from __future__ import annotations

import pytest

from dragoman.config.check import exposure
from dragoman.config.effective import effective_deadlines, effective_profile
from dragoman.config.load import parse
from dragoman.config.schema import Access, ClientKey, Config, Deadlines, Provider, ProviderDeadlines, Server
from dragoman.config.secrets import Secret
from dragoman.dialects.contract import Quirks
from dragoman.profiles.registry import profile

ENV = {"KEY": "sk-0123456789abcdef", "LONG": "a-client-key-of-its-own"}

WARNED = {
    "providers: {p: {kind: vllm, base_url: 'http://10.0.0.1/v1', keys: [$KEY]}}": "providers.p.base_url: sends the key unencrypted; use `https://`",
    "providers: {p: {kind: llama-cpp}}": "providers.p.base_url: has the port that this gateway listens on (8080); move one of them, or requests run "
    "in a circle",
    "providers: {gpt-4: {kind: vllm}, gpt_4: {kind: vllm}}": "providers.gpt_4: is easily mistaken for `gpt-4`; give it a name that differs in more "
    "than marks or case",
    "providers: {p: {kind: vllm}}\nmodels: {GPT-4: p/x, gpt.4: p/x}": 'models["gpt.4"]: is easily mistaken for `GPT-4`; give it a name that differs '
    "in more than marks or case",
    "providers: {p: {kind: vllm}}\nmodels: {m: {targets: [{model: p/x, weight: 80}, p/y]}}": "models.m.targets[1]: has no weight while others have "
    "one, so it counts as 1; give it a weight",
    "providers: {p: {kind: openai, keys: [$KEY]}}\naccess: {keys: [{name: a, key: $KEY}]}": "access.keys[0].key: is also the key of provider `p`; "
    "give clients a key of their own",
    "providers: {p: {kind: vllm}}\naccess: {keys: [{name: a, key: abc}]}": "access.keys[0].key: is shorter than 16 characters; take a long random one "
    "(`openssl rand -hex 24`)",
}


@pytest.mark.parametrize("text", WARNED)
def test_what_may_not_be_meant_is_warned_about(text: str) -> None:
    warnings = parse(text.encode(), ENV, file="d").warnings

    assert WARNED[text] in [warning.partition(": ")[2] for warning in warnings]


def test_a_sound_config_has_no_warnings() -> None:
    text = b"providers: {p: {kind: vllm, keys: [$KEY]}}\nmodels: {a: p/x}\naccess: {keys: [{name: a, key: $LONG}]}"

    assert parse(text, ENV).warnings == ()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gateway.example.com"])
def test_listening_beyond_this_machine_needs_keys_or_a_flag(host: str) -> None:
    key = Access(keys=(ClientKey("a", Secret("k")),))

    problem = exposure(Server(host=host), Access())

    assert problem is not None and problem.path == "server.host"
    assert exposure(Server(host=host), key) is None
    assert exposure(Server(host=host, allow_open=True), Access()) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_this_machine_needs_no_keys(host: str) -> None:
    assert exposure(Server(host=host), Access()) is None


def test_config_overrides_every_field_of_a_profile() -> None:
    provider = Provider(
        kind="deepseek",
        base_url="https://proxy.example/v1/",
        auth="x-api-key",
        key_optional=True,
        families=("my-",),
        dialects={"responses": "/r"},
        relay=("*",),
        quirks={"stream_usage": False},
    )

    made = effective_profile(provider)

    assert (made.base_url, made.auth, made.key_optional, made.families) == ("https://proxy.example/v1", "x-api-key", True, ("my-",))
    assert (made.dialects, made.relay) == ({"responses": "/r"}, frozenset({"*"}))
    assert made.quirks == Quirks(max_tokens_field="max_tokens", replay_reasoning=True, store=None, stream_usage=False)


def test_what_config_leaves_out_is_the_profiles() -> None:
    assert effective_profile(Provider(kind="groq")) == profile("groq")


def test_metadata_goes_where_both_profile_and_config_allow_it() -> None:
    allowed = {
        (kind, wish): effective_profile(Provider(kind=kind, metadata=wish)).metadata
        for kind in ("openai", "groq")
        for wish in (True, False)
    }

    assert allowed == {("openai", True): True, ("openai", False): False, ("groq", True): False, ("groq", False): False}


def test_deadlines_of_a_provider_stand_in_for_the_servers() -> None:
    config = Config(server=Server(deadlines=Deadlines(idle_s=7)))

    made = effective_deadlines(config, Provider(kind="vllm", deadlines=ProviderDeadlines(first_byte_s=2)))

    assert made == Deadlines(idle_s=7, first_byte_s=2)


def test_a_dialect_that_only_config_can_choose_comes_first_once_chosen() -> None:
    assert list(effective_profile(Provider(kind="openai-compatible")).dialects) == ["chat"]
    assert list(effective_profile(Provider(kind="openai-compatible", dialect="responses")).dialects) == ["responses", "chat"]
