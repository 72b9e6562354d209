"""Where Codex's settings lead, judged without asking anybody."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from dragoman.cli.doctor.finding import Finding
from dragoman.cli.doctor.place import judge_base_url
from dragoman.cli.doctor.settings import Settings, check_settings
from dragoman.cli.gateway import Look, Sight

GATEWAY = "http://127.0.0.1:8080"
STREET = {
    "http://127.0.0.1:8080": Look(Sight.GATEWAY),
    "http://127.0.0.1:9999": Look(Sight.GATEWAY),
    "http://127.0.0.1:3000": Look(Sight.OTHER, detail="`GET /health` answered 404, as no gateway does"),
}


def look(address: str) -> Look:
    return STREET.get(address, Look(Sight.NOBODY, detail="Connection refused"))


def examine(text: str, env: dict[str, str] | None = None, **more: Any) -> list[tuple[str, str]]:
    findings = check_settings(Settings(tomllib.loads(text), **more), GATEWAY, env or {}, look)
    return [(finding.level, finding.about) for finding in findings]


def provider(lines: str) -> str:
    return f'model_provider = "x"\n[model_providers.x]\nname = "X"\n{lines}'


@pytest.mark.parametrize(
    "url",
    [
        f"{GATEWAY}/openai/v1",
        f"{GATEWAY}/openai",
        f"{GATEWAY}/v1",
        f"{GATEWAY}/v1/",
        "http://localhost:8080/openai",
        "http://[::1]:8080/v1",
        "http://127.0.0.1:9999/v1",
    ],
)
def test_url_that_leads_to_a_gateway_is_well(url: str) -> None:
    assert judge_base_url("base_url", url, GATEWAY, look).level == "ok"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (GATEWAY, "no path"),
        (f"{GATEWAY}/", "no path"),
        (f"{GATEWAY}/v1/responses", "has the path `/v1/responses`"),
        (f"{GATEWAY}/api", "has the path `/api`"),
        ("http://127.0.0.1:9999/x", "has the path `/x`"),
        ("https://127.0.0.1:8080/v1", "says https, the gateway speaks http"),
        ("http://127.0.0.1:8081/v1", "nothing answers there (Connection refused)"),
        ("http://127.0.0.1:3000/v1", "another program answers there"),
        ("127.0.0.1:8080/v1", "no http address"),
        ("http://127.0.0.1:eighty/v1", "no address"),
    ],
)
def test_url_that_leads_elsewhere_is_told_why_and_what_is_right(url: str, why: str) -> None:
    finding = judge_base_url("base_url", url, GATEWAY, look)

    assert (finding.level, why in finding.message, "/openai/v1" in finding.remedy) == ("problem", True, True)


def test_machine_without_settings_is_warned_that_codex_goes_elsewhere() -> None:
    findings = list(check_settings(Settings({}), GATEWAY, {}, look))

    assert [(finding.level, "api.openai.com" in finding.message) for finding in findings] == [("warning", True)]
    assert f'base_url = "{GATEWAY}/openai/v1"' in findings[0].remedy


def test_stored_login_says_where_codex_goes() -> None:
    (finding,) = check_settings(Settings({}, login="chatgpt"), GATEWAY, {}, look)

    assert "chatgpt.com with the stored login" in finding.message


CASES: list[tuple[str, list[tuple[str, str]]]] = [
    (provider(f'base_url = "{GATEWAY}/openai/v1"'), [("ok", "model_providers.x.base_url")]),
    (provider(""), [("problem", "model_providers.x.base_url")]),
    (
        provider(f'base_url = "{GATEWAY}/v1"\nwire_api = "chat"'),
        [("problem", "model_providers.x.wire_api"), ("ok", "model_providers.x.base_url")],
    ),
    (
        provider(f'base_url = "{GATEWAY}/v1"\nsupports_websockets = true'),
        [("ok", "model_providers.x.base_url"), ("warning", "model_providers.x.supports_websockets")],
    ),
    (
        provider(f'base_url = "{GATEWAY}/v1"\nenv_key = "NOT_THERE"'),
        [("ok", "model_providers.x.base_url"), ("problem", "model_providers.x.env_key")],
    ),
    ('model_provider = "nope"', [("problem", "model_provider")]),
    (f'[model_providers.x]\nbase_url = "{GATEWAY}/v1"', [("problem", "model_provider")]),
    (f'openai_base_url = "{GATEWAY}/openai"', [("ok", "openai_base_url")]),
    (f'openai_base_url = "{GATEWAY}"', [("problem", "openai_base_url")]),
    (
        f'openai_base_url = "{GATEWAY}/v1"\n[model_providers.openai]\nname = "x"',
        [("problem", "model_providers.openai"), ("ok", "openai_base_url")],
    ),
    (
        f'model_provider = "x"\n[model_providers.x]\nname = "OpenAI"\nbase_url = "{GATEWAY}/v1"',
        [("ok", "model_providers.x.base_url"), ("warning", "model_providers.x.name")],
    ),
]


@pytest.mark.parametrize(("text", "found"), CASES)
def test_settings_are_judged(text: str, found: list[tuple[str, str]]) -> None:
    assert examine(text) == found


def test_key_that_is_set_is_no_finding() -> None:
    assert examine(provider(f'base_url = "{GATEWAY}/v1"\nenv_key = "K"'), {"K": "x"}) == [("ok", "model_providers.x.base_url")]


def test_login_that_travels_to_the_gateway_is_told() -> None:
    by_base_url = examine(f'openai_base_url = "{GATEWAY}/v1"', login="chatgpt")
    by_provider = examine(provider(f'base_url = "{GATEWAY}/v1"\nrequires_openai_auth = true'), login="chatgpt")

    assert by_base_url == [("ok", "openai_base_url"), ("warning", "stored login")]
    assert by_provider == [("ok", "model_providers.x.base_url"), ("warning", "stored login")]


def test_project_cannot_choose_the_provider() -> None:
    found = examine(provider(f'base_url = "{GATEWAY}/v1"'), project={"model_provider": "y", "model": "gpt-4"})

    assert found == [("ok", "model_providers.x.base_url"), ("warning", ".codex/config.toml")]


def test_profiles_are_judged_with_the_providers_of_both_files() -> None:
    table = provider(f'base_url = "{GATEWAY}/v1"\n[model_providers.y]\nbase_url = "https://elsewhere.example/v1"')

    found = examine(table, profiles={"here": {"model_provider": "x"}, "there": {"model_provider": "y"}, "plain": {"model": "gpt-4"}})

    assert found == [("ok", "model_providers.x.base_url"), ("ok", "profile here"), ("warning", "profile there")]


def test_values_of_odd_types_do_not_confuse_it() -> None:
    assert examine('model_provider = "x"\nmodel_providers = 3') == [("problem", "model_provider")]
    assert examine('model_provider = "x"\n[model_providers]\nx = 1') == [("problem", "model_providers.x.base_url")]
    assert isinstance(next(iter(check_settings(Settings({"model_provider": 7}), GATEWAY, {}, look))), Finding)
