"""Finding and reading a config: where it is looked for, what a good one comes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.config.load import find, load, parse
from dragoman.config.problems import ConfigError
from dragoman.config.routing_schema import ProviderKey
from dragoman.config.schema import Access, ClientKey, Config, Provider, Target, VirtualModel
from dragoman.config.secrets import Secret

ENV = {"OPENAI_API_KEY": "sk-one", "ANTHROPIC_API_KEY": "sk-two", "ADA_KEY": "ada-ada-ada-ada-ada"}

EXAMPLE = b"""
providers:
  openai-main: {kind: openai, keys: [$OPENAI_API_KEY]}
  claude:      {kind: anthropic, keys: ["${ANTHROPIC_API_KEY}"]}
  local:       {kind: openai-compatible, base_url: http://127.0.0.1:8000/v1, dialect: chat}
models:
  gpt-4: openai-main/gpt-4
  coder:
    targets:
      - {model: openai-main/gpt-5.5, weight: 80}
      - {model: local/qwen3-coder, weight: 20, params: {temperature: 0.2}}
  "*": openai-main/*
access:
  keys: [{name: ada, key: $ADA_KEY}]
"""


def test_example_of_the_docs_is_read_whole() -> None:
    loaded = parse(EXAMPLE, ENV)

    assert loaded.config == Config(
        providers={
            "openai-main": Provider(kind="openai", keys=(ProviderKey(Secret("sk-one")),)),
            "claude": Provider(kind="anthropic", keys=(ProviderKey(Secret("sk-two")),)),
            "local": Provider(kind="openai-compatible", base_url="http://127.0.0.1:8000/v1", dialect="chat"),
        },
        models={
            "gpt-4": "openai-main/gpt-4",
            "coder": VirtualModel(
                targets=(
                    Target("openai-main/gpt-5.5", 80),
                    Target("local/qwen3-coder", 20, params={"temperature": 0.2}),
                )
            ),
            "*": "openai-main/*",
        },
        access=Access(keys=(ClientKey("ada", Secret("ada-ada-ada-ada-ada")),)),
    )
    assert (loaded.warnings, loaded.found) == ((), ())


def test_without_a_file_the_environment_is_asked(tmp_path: Path) -> None:
    loaded = load(None, {"GEMINI_API_KEY": "k", "OPENROUTER_API_KEY": "k"}, tmp_path)

    assert list(loaded.config.providers) == ["gemini", "openrouter"]
    assert loaded.path is None


def test_a_file_without_providers_takes_those_of_the_environment() -> None:
    loaded = parse(b"models: {fast: openai/gpt-5.5}", ENV)

    assert list(loaded.config.providers) == ["anthropic", "openai"]
    assert [(found.provider, found.variable) for found in loaded.found] == [
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("openai", "OPENAI_API_KEY"),
    ]


def test_the_working_directory_comes_before_the_users_directory(tmp_path: Path) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    for folder in (here, home / ".config" / "dragoman"):
        folder.mkdir(parents=True)
        (folder / "dragoman.yaml").write_text("log: {}")

    assert find(None, {"HOME": str(home)}, here) == here / "dragoman.yaml"
    assert find(None, {"HOME": str(home)}, tmp_path) == home / ".config" / "dragoman" / "dragoman.yaml"


def test_xdg_directory_comes_before_the_usual_one(tmp_path: Path) -> None:
    for folder in (tmp_path / "xdg" / "dragoman", tmp_path / ".config" / "dragoman"):
        folder.mkdir(parents=True)
        (folder / "dragoman.yml").write_text("log: {}")

    found = find(None, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}, tmp_path / "nowhere")

    assert found == tmp_path / "xdg" / "dragoman" / "dragoman.yml"


def test_variable_names_a_file_and_the_option_wins(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml", "dragoman.yaml"):
        (tmp_path / name).write_text("log: {}")

    assert find(None, {"DRAGOMAN_CONFIG": "a.yaml"}, tmp_path) == tmp_path / "a.yaml"
    assert find("b.yaml", {"DRAGOMAN_CONFIG": "a.yaml"}, tmp_path) == tmp_path / "b.yaml"


@pytest.mark.parametrize(("given", "env"), [("no.yaml", {}), (None, {"DRAGOMAN_CONFIG": "no.yaml"})])
def test_a_named_file_that_is_missing_is_an_error(given: str | None, env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "dragoman.yaml").write_text("log: {}")

    with pytest.raises(ConfigError, match=r"no\.yaml: there is no such file"):
        load(given, env, tmp_path)


def test_errors_name_the_file_as_seen_from_where_the_user_is(tmp_path: Path) -> None:
    (tmp_path / "dragoman.yaml").write_text("\n\nserver: {port: many}\n")

    with pytest.raises(ConfigError) as caught:
        load(None, {}, tmp_path)

    assert str(caught.value) == "dragoman.yaml:3: server.port: is text; it must be a whole number"


def test_a_yml_beside_a_yaml_is_warned_about(tmp_path: Path) -> None:
    for name in ("dragoman.yaml", "dragoman.yml"):
        (tmp_path / name).write_text("log: {}")

    loaded = load(None, {}, tmp_path)

    assert loaded.path == tmp_path / "dragoman.yaml"
    assert loaded.warnings == (f"{tmp_path / 'dragoman.yml'} is not read: dragoman.yaml stands beside it",)


def test_aliases_and_merges_of_yaml_work() -> None:
    raw = b"""
providers:
  one: &base {kind: openai, keys: [$OPENAI_API_KEY], metadata: true}
  two: {<<: *base, metadata: false}
"""
    providers = parse(raw, ENV).config.providers

    assert providers["one"].metadata is True
    assert providers["two"] == Provider(kind="openai", keys=(ProviderKey(Secret("sk-one")),))


def test_variables_stand_in_plain_text_too() -> None:
    raw = b'providers: {x: {kind: openai-compatible, base_url: "http://${HOST_NAME}:8000/v1"}}'

    assert parse(raw, {"HOST_NAME": "127.0.0.1"}).config.providers["x"].base_url == "http://127.0.0.1:8000/v1"
