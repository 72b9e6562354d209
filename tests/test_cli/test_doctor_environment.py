"""What variables do to Codex."""

from __future__ import annotations

import pytest

from dragoman.cli.codex.program import Program
from dragoman.cli.doctor.environment import check_environment, is_exempt

GATEWAY = "http://127.0.0.1:8080"
NEW = Program("/bin/codex", (0, 169, 0))
OLD = Program("/bin/codex", (0, 42, 0))


def examine(env: dict[str, str], program: Program | None = NEW) -> list[tuple[str, str]]:
    return [(finding.level, finding.about) for finding in check_environment(env, program, GATEWAY)]


def test_base_url_variable_is_ignored_by_new_releases_and_followed_by_old_ones() -> None:
    env = {"OPENAI_BASE_URL": f"{GATEWAY}/openai"}

    assert examine(env) == [("warning", "OPENAI_BASE_URL")]
    assert examine(env, OLD) == [("ok", "OPENAI_BASE_URL")]


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        (GATEWAY, f"{GATEWAY}/openai"),
        (f"{GATEWAY}/", f"{GATEWAY}/openai"),
        (GATEWAY.replace("127.0.0.1", "localhost"), f"{GATEWAY.replace('127.0.0.1', 'localhost')}/openai"),
        (f"{GATEWAY}/v1", f"{GATEWAY}/v1"),
        ("https://elsewhere.example", "https://elsewhere.example"),
        (GATEWAY.replace("127.0.0.1", "gpu-box"), GATEWAY.replace("127.0.0.1", "gpu-box")),
        ("http://[::1", "http://[::1"),
    ],
)
def test_what_is_to_be_written_in_place_of_the_variable_reaches_the_gateway(url: str, meant: str) -> None:
    (finding,) = check_environment({"OPENAI_BASE_URL": url}, None, GATEWAY)

    assert f'`openai_base_url = "{meant}"`' in finding.remedy


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxy_that_catches_the_gateway_is_a_problem_unless_exempt(name: str) -> None:
    assert examine({name: "http://p:1"}) == [("problem", "proxy")]
    assert examine({name: "http://p:1", "NO_PROXY": "localhost,127.0.0.1"}) == [("ok", "proxy")]


def test_https_proxy_does_not_catch_plain_http() -> None:
    assert examine({"HTTPS_PROXY": "http://p:1"}) == []


def test_remedy_keeps_what_was_exempt_before() -> None:
    (finding,) = check_environment({"HTTP_PROXY": "http://p:1", "NO_PROXY": "intra.example"}, NEW, GATEWAY)

    assert finding.remedy.splitlines()[0] == "export NO_PROXY=intra.example,127.0.0.1"


@pytest.mark.parametrize(
    ("host", "exempt", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.0/8", True),
        ("127.0.0.1", "*", True),
        ("127.0.0.1", "localhost", False),
        ("gw.example.com", ".example.com", True),
        ("gw.example.com", "example.com", True),
        ("gw.example.com", "ample.com", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "10.0.0.0/8, intra", False),
    ],
)
def test_exemptions_are_read_as_proxies_clients_read_them(host: str, exempt: str, expected: bool) -> None:
    assert is_exempt(host, exempt) is expected
