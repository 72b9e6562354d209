"""What a Codex command line asks for, and what is put in front of it."""

from __future__ import annotations

import tomllib

import pytest

from dragoman.cli.codex.arguments import Door, Reading, door_arguments, read_arguments

TO_THE_GATEWAY = [
    ([], Reading("gateway")),
    (["fix the bug"], Reading("gateway")),
    (["-m", "gpt-4", "hello"], Reading("gateway", model="gpt-4")),
    (["exec", "-c", 'model="gpt-4"', "hi"], Reading("gateway", subcommand="exec", model="gpt-4")),
    (["--model=o3", "exec", "hi", "-mgpt-4"], Reading("gateway", subcommand="exec", model="gpt-4")),
    (["-p", "work", "resume", "--last"], Reading("gateway", subcommand="resume", profile="work")),
    (["-i", "a.png", "b.png", "--search", "review"], Reading("gateway", subcommand="review")),
    (["-C", "login", "exec", "x"], Reading("gateway", subcommand="exec")),
    (["--local-provider", "ollama", "exec", "x"], Reading("gateway", subcommand="exec")),
    (["-c", "model_provider=dragoman"], Reading("gateway")),
    (["-c", "model_providers.dragoman.stream_max_retries=0"], Reading("gateway")),
    (["-c", "model_providers.other.base_url=http://x"], Reading("gateway")),
    (["exec", "--", "--oss", "-c", "model_provider=openai"], Reading("gateway", subcommand="exec")),
    (["--", "login"], Reading("gateway")),
]


@pytest.mark.parametrize(("arguments", "reading"), TO_THE_GATEWAY)
def test_what_asks_a_model_goes_to_the_gateway(arguments: list[str], reading: Reading) -> None:
    assert read_arguments(arguments) == reading


@pytest.mark.parametrize(
    "arguments",
    [
        ["login"],
        ["--version"],
        ["exec", "--help"],
        ["-V"],
        ["mcp", "list"],
        ["-m", "x", "completion", "zsh"],
        ["features", "list"],
        ["a", "1"],
    ],
)
def test_what_asks_no_model_runs_alone(arguments: list[str]) -> None:
    assert read_arguments(arguments).way == "alone"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--oss", "hi"], "--oss"),
        (["exec", "hi", "--oss"], "--oss"),
        (["--remote", "ws://x"], "--remote"),
        (["--remote=ws://x"], "--remote"),
        (["cloud", "exec"], "codex cloud"),
        (["remote-control"], "codex remote-control"),
        (["-c", "model_provider=openai"], "model_provider"),
        (["exec", "-cmodel_provider='other'"], "model_provider"),
        (["exec", "-c=model_provider=x"], "model_provider"),
        (["--config", "model_provider = x"], "model_provider"),
        (["--config=openai_base_url=http://x"], "openai_base_url"),
        (["-c", "model_providers={}"], "model_providers"),
        (["-c", "model_providers.dragoman={}"], "model_providers.dragoman"),
        (["-c", "model_providers.dragoman.base_url=http://x"], "model_providers.dragoman.base_url"),
        (["-c", "model_providers.dragoman.name=OpenAI"], "model_providers.dragoman.name"),
    ],
)
def test_what_leads_past_the_gateway_is_refused_by_name(arguments: list[str], named: str) -> None:
    reading = read_arguments(arguments)

    assert reading.way == "refused"
    assert f"`{named}" in reading.reason or f"`-c {named}=…`" in reading.reason


def test_door_is_two_settings_that_toml_can_read() -> None:
    flags = door_arguments(Door("http://127.0.0.1:8080", "r1"))

    assert flags[::2] == ["-c", "-c"]
    assert tomllib.loads("\n".join(flags[1::2])) == {
        "model_provider": "dragoman",
        "model_providers": {
            "dragoman": {
                "name": "Dragoman",
                "base_url": "http://127.0.0.1:8080/openai/v1",
                "env_key": "DRAGOMAN_KEY",
                "wire_api": "responses",
                "http_headers": {"x-dragoman-run": "r1"},
                "request_max_retries": 2,
                "stream_max_retries": 3,
                "stream_idle_timeout_ms": 300000,
            }
        },
    }
