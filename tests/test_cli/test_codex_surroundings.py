"""Proxies and the administrator's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.cli.codex.program import read_version
from dragoman.cli.codex.surroundings import codex_home, managed_provider, past_proxies


@pytest.mark.parametrize(
    ("text", "version"), [("codex-cli 0.169.0", (0, 169, 0)), ("codex-cli 1.2.3-alpha.1\n", (1, 2, 3)), ("", None), ("codex", None)]
)
def test_version_is_read_from_what_codex_says(text: str, version: tuple[int, ...] | None) -> None:
    assert read_version(text) == version


def test_proxies_are_kept_away_from_the_gateway() -> None:
    env = {"http_proxy": "http://p:3128", "NO_PROXY": "intra.example, 127.0.0.1"}

    assert past_proxies(env, "http://gw.example:8080") == {
        "NO_PROXY": "intra.example,127.0.0.1,localhost,::1,gw.example",
        "no_proxy": "intra.example,127.0.0.1,localhost,::1,gw.example",
    }


def test_without_a_proxy_nothing_is_added() -> None:
    assert past_proxies({"HTTPS_PROXY": "http://p:3128"}, "http://127.0.0.1:8080") == {}
    assert past_proxies({"HTTP_PROXY": "http://p:3128"}, "https://gw.example") == {}


def test_gateway_behind_tls_is_kept_from_the_proxy_for_tls() -> None:
    assert past_proxies({"HTTPS_PROXY": "http://p:3128"}, "https://gw.example")["NO_PROXY"].endswith(",gw.example")


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ('model_provider = "corp"', "corp"),
        ('[model_providers.dragoman]\nbase_url = "http://x"', "dragoman"),
        ('model = "gpt-5.5"\n[model_providers.corp]\nname = "x"', None),
        ("not toml", None),
        ('model_provider = "caf\udce9"', None),
    ],
)
def test_administrator_prescribes_a_provider_or_not(tmp_path: Path, text: str, provider: str | None) -> None:
    file = tmp_path / "managed_config.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))

    assert managed_provider(file) == provider


def test_absent_administrator_prescribes_nothing(tmp_path: Path) -> None:
    assert managed_provider(tmp_path / "none.toml") is None


def test_home_of_codex_is_told_or_below_the_users() -> None:
    assert codex_home({"CODEX_HOME": "/c", "HOME": "/h"}) == Path("/c")
    assert codex_home({"HOME": "/h"}) == Path("/h/.codex")
