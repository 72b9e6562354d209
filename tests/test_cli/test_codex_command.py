"""The launcher with a stand-in for Codex that writes down what it was given, and a stand-in for the gateway."""

from __future__ import annotations

import http.server
import json
import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import click
import pytest

from dragoman.cli.codex.arguments import KEY_VARIABLE
from dragoman.cli.codex.command import Own, codex_environment, launch, split_own_options

HEALTH = {"status": "ok", "name": "dragoman", "version": "1"}
RUN = {"requests": 2, "turns": 1, "input_tokens": 10, "output_tokens": 5, "models": {"a/b": 2}, "waited_s": {"a": 1.0}}
STAND_IN = f"""#!{sys.executable}
import json, os, sys
if sys.argv[1:] == ["--version"]:
    print("codex-cli 0.169.0")
    sys.exit(0)
with open(os.environ["DIARY"], "w") as diary:
    json.dump({{"arguments": sys.argv[1:], "key": os.environ.get("{KEY_VARIABLE}")}}, diary)
sys.exit(3)
"""


class Gateway(http.server.BaseHTTPRequestHandler):
    """Tells that it is a gateway, and the sums of any run."""

    def do_GET(self) -> None:
        body = json.dumps(RUN if self.path.startswith("/api/runs/") else HEALTH).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Generator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A machine whose only program is the stand-in."""
    program = tmp_path / "bin" / "codex"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return {"PATH": str(program.parent), "HOME": str(tmp_path), "DIARY": str(tmp_path / "diary.json")}


def diary(env: dict[str, str]) -> dict[str, object] | None:
    path = Path(env["DIARY"])
    return json.loads(path.read_text()) if path.exists() else None


def test_codex_gets_the_door_first_and_its_own_arguments_after_it(
    env: dict[str, str], gateway: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = launch(["--gateway", f"{gateway}/v1", "--", "exec", "-c", "model=x", "hi"], env)

    noted = diary(env)
    assert noted is not None
    arguments = noted["arguments"]
    assert isinstance(arguments, list)
    assert code == 3
    assert arguments[:2] == ["-c", 'model_provider="dragoman"']
    assert f'"base_url" = "{gateway}/openai/v1"' in arguments[3]
    assert arguments[4:] == ["exec", "-c", "model=x", "hi"]
    assert noted["key"] == "dragoman"
    assert capfd.readouterr().err == "dragoman: 1 turn (2 requests) · 10 tokens in, 0 % cached, 5 out · a/b · waited 1.0 s on a\n"


def test_commands_that_ask_no_model_get_no_door(env: dict[str, str]) -> None:
    assert launch(["--gateway", "http://127.0.0.1:9", "features", "list"], env) == 3
    assert diary(env) == {"arguments": ["features", "list"], "key": None}


def test_what_is_refused_starts_nothing(env: dict[str, str], gateway: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert launch(["exec", "--oss"], {**env, "DRAGOMAN_URL": gateway}) == 1
    assert diary(env) is None
    assert capfd.readouterr().err.startswith("dragoman: `--oss` makes Codex talk to a local server")


def test_named_address_without_a_gateway_is_an_error_and_not_a_reason_to_start_one(
    env: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert launch(["hi"], {**env, "DRAGOMAN_URL": "http://127.0.0.1:9"}) == 1
    assert diary(env) is None
    assert "no gateway answers at http://127.0.0.1:9 " in capfd.readouterr().err


def test_missing_codex_is_told_with_the_way_to_get_it(capfd: pytest.CaptureFixture[str]) -> None:
    assert launch(["hi"], {"PATH": "/nowhere"}) == 1
    assert "npm install -g @openai/codex" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "own", "rest"),
    [
        ([], Own(), []),
        (["exec", "--gateway", "x"], Own(), ["exec", "--gateway", "x"]),
        (["--gateway=http://g", "hi"], Own("http://g"), ["hi"]),
        (["--gateway-config", "f.yaml", "--gateway", "http://g", "--", "-h"], Own("http://g", "f.yaml"), ["-h"]),
        (["--", "--gateway", "x"], Own(), ["--", "--gateway", "x"]),
    ],
)
def test_own_options_stand_first(arguments: list[str], own: Own, rest: list[str]) -> None:
    assert split_own_options(arguments, {}) == (own, rest)


def test_variables_say_what_options_do_not() -> None:
    env = {"DRAGOMAN_URL": "http://e", "DRAGOMAN_CONFIG": "e.yaml"}

    assert split_own_options(["--gateway", "http://g"], env) == (Own("http://g", "e.yaml"), [])


def test_option_without_its_value_is_refused() -> None:
    with pytest.raises(click.ClickException, match="`--gateway` wants a value"):
        split_own_options(["--gateway"], {})


def test_environment_is_the_users_with_a_key_and_a_way_around_proxies() -> None:
    env = {"A": "1", "HTTP_PROXY": "http://p", KEY_VARIABLE: "mine"}

    assert codex_environment(env, "http://gw:1") == {
        **env,
        "NO_PROXY": "127.0.0.1,localhost,::1,gw",
        "no_proxy": "127.0.0.1,localhost,::1,gw",
    }


def test_launcher_leaves_its_own_environment_alone(env: dict[str, str], gateway: str) -> None:
    before = dict(os.environ)

    launch(["hi"], {**env, "DRAGOMAN_URL": gateway})

    assert dict(os.environ) == before
