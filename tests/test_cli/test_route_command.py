"""`dragoman route` without a gateway: the decision and its reasons from the config alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dragoman.cli.route import route

CONFIG = """\
providers:
  o: {kind: openai, keys: [$KEY, {key: $KEY2, name: second}]}
  c: {kind: anthropic, keys: [$KEY]}
prices:
  "o/*": {input: 1, output: 10}
models:
  coder:
    strategy: priority
    targets: [{model: o/gpt-5.5, priority: 1}, {model: c/claude-opus-5, priority: 2}]
    rules:
      - {name: titles, when: {headers: {x-kind: title}}, use: o/gpt-5-mini}
      - {name: ours, when: {team: core}, use: c/claude-opus-5}
access: {keys: [{name: ada, key: $ADA, team: core}]}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("KEY", "the-key-of-o"), ("KEY2", "the-other-key"), ("ADA", "the-client-key-of-ada"), ("HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DRAGOMAN_CONFIG", raising=False)
    monkeypatch.delenv("DRAGOMAN_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("dragoman.yaml").write_text(CONFIG)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(route, ["--offline", *arguments])


def told(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json").output)


def seats(*arguments: str) -> list[str]:
    return [place["seat"] for place in told(*arguments)["places"]]


def test_the_first_candidates_are_those_of_the_first_priority() -> None:
    found = seats("coder")

    assert (sorted(found[:2]), found[2:]) == (["o/gpt-5.5@key-1", "o/gpt-5.5@second"], ["c/claude-opus-5@key-1"])


def test_a_header_and_a_key_choose_the_rule() -> None:
    by_header, by_key = told("coder", "--header", "X-Kind=title"), told("coder", "--key", "ada")

    assert (by_header["rule"], by_header["places"][0]["seat"].partition("@")[0]) == ("titles", "o/gpt-5-mini")
    assert (by_key["rule"], by_key["asked"]["team"]) == ("ours", "core")
    assert [one["rule"] for one in by_key["passed"]] == ["titles"]


def test_the_request_of_a_file_is_looked_at() -> None:
    body = {"model": "coder", "messages": [{"role": "user", "content": "x" * 40_000}], "max_tokens": 100, "stream": True}
    Path("request.json").write_text(json.dumps(body))

    found = told("--file", "request.json")

    asked = found["asked"]
    assert (asked["model"], asked["stream"], asked["output_tokens"], 9_000 < asked["tokens"] < 11_000) == ("coder", True, 100, True)
    place = found["places"][0]
    assert (place["dialect"], place["price_usd"]) == ("chat", pytest.approx(asked["tokens"] * 1e-6 + 100 * 10e-6))


def test_a_model_beside_a_file_takes_the_place_of_its_own() -> None:
    Path("request.json").write_text('{"model": "nobody", "input": "hi"}')

    assert told("o/gpt-5.5", "--file", "request.json")["asked"]["model"] == "o/gpt-5.5"


def test_what_is_printed_is_for_people() -> None:
    lines = run("c/claude-opus-5").output.splitlines()

    assert lines[0] == "by dragoman.yaml alone: nothing is known of health and sessions"
    assert lines[2].startswith("c/claude-opus-5 (direct")
    assert lines[-1].split()[:2] == ["c/claude-opus-5@key-1", "messages"] and lines[-1].endswith("ready")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["codr"], "no model is known as `codr`; did you mean `coder`?"),
        (["coder", "--key", "bob"], "no client key is named `bob`; the keys are `ada`"),
    ],
)
def test_what_is_not_known_is_told_with_what_is_near(arguments: list[str], sentence: str) -> None:
    assert str(run(*arguments).exception).startswith(sentence)


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"\xff": 1}', b"[" * 100_000])
def test_a_file_that_is_no_json_object_is_told_as_such(body: bytes) -> None:
    Path("request.json").write_bytes(body)

    assert "request.json is not a JSON object: " in run("m", "--file", "request.json").output


def test_without_a_model_and_a_file_it_says_what_it_needs() -> None:
    assert "name a MODEL, or give a request that names one with --file" in run().output


def test_no_key_of_anybody_is_shown() -> None:
    output = run("coder", "--json").output + run("coder").output

    assert [secret for secret in ("the-key-of-o", "the-other-key", "the-client-key-of-ada") if secret in output] == []


def test_what_costs_nothing_is_told_as_free() -> None:
    Path("dragoman.yaml").write_text("providers: {demo: {kind: demo}}\nmodels: {m: demo/x}\n")

    assert run("m").output.splitlines()[-1].split() == ["demo/x", "responses", "free", "ready"]
