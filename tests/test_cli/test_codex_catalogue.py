"""The launcher tells the gateway what the installed Codex knows, and falls back to the plain door where that cannot be."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from dragoman.cli.codex.arguments import KEY_VARIABLE, Door, door_arguments
from dragoman.cli.codex.catalogue import open_door
from dragoman.cli.codex.program import Program
from dragoman.cli.codex.surroundings import configured_models

MODELS = {"models": [{"slug": "own", "priority": 1}]}
CODEX = f"""#!{sys.executable}
import os, sys
assert sys.argv[1:] == ["debug", "models", "--bundled"], sys.argv
with open(os.environ["DIARY"], "a") as diary:
    diary.write("asked\\n")
print(os.environ["SAYS"])
"""


class Gateway(http.server.BaseHTTPRequestHandler):
    """Writes down what it is told."""

    told: list[tuple[str, str | None, Any]]
    asked: list[tuple[str, str | None, str | None]]
    status = 204
    gives: Any = None

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("authorization"), self.headers.get("x-dragoman-run")))
        body = json.dumps(self.gives).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.told.append((self.path, self.headers.get("authorization"), json.loads(body)))
        self.send_response(self.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Generator[tuple[str, type[Gateway]]]:
    handler = type("Fresh", (Gateway,), {"told": [], "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    path = tmp_path / "codex"
    path.write_text(CODEX)
    path.chmod(0o755)
    return Program(str(path), (0, 169, 0))


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PATH": "", "DIARY": str(tmp_path / "diary"), "SAYS": json.dumps(MODELS), KEY_VARIABLE: "ada's key"}


def times_asked(env: dict[str, str]) -> int:
    return len(Path(env["DIARY"]).read_text().splitlines())


def test_gateway_is_told_and_codex_is_asked_once_only(program: Program, env: dict[str, str], gateway: tuple[str, type[Gateway]]) -> None:
    address, heard = gateway

    doors = [open_door(program, address, run, ["claude-x"], env) for run in ("run-0001", "run-0002")]

    body = {**MODELS, "asked": ["claude-x"]}
    assert heard.told == [(f"/api/runs/{run}/models", "Bearer ada's key", body) for run in ("run-0001", "run-0002")]
    assert all(door.key_command for door in doors)
    assert times_asked(env) == 1


def test_codex_that_was_installed_anew_is_asked_again(program: Program, env: dict[str, str], gateway: tuple[str, type[Gateway]]) -> None:
    address, _ = gateway
    open_door(program, address, "run-0001", [], env)

    Path(program.path).write_text(CODEX + "# newer\n")
    open_door(program, address, "run-0002", [], env)

    assert times_asked(env) == 2


@pytest.mark.parametrize("says", ["", "no json", "[]", '{"other": 1}'])
def test_codex_that_tells_nothing_gets_the_plain_door(
    program: Program, env: dict[str, str], gateway: tuple[str, type[Gateway]], says: str
) -> None:
    address, heard = gateway

    assert open_door(program, address, "run-0001", [], {**env, "SAYS": says}) == Door(address, "run-0001")
    assert heard.told == []


def test_gateway_that_does_not_take_it_is_used_by_the_plain_door(
    program: Program, env: dict[str, str], gateway: tuple[str, type[Gateway]]
) -> None:
    address, heard = gateway
    heard.status = 404

    assert open_door(program, address, "run-0001", [], env) == Door(address, "run-0001")


@pytest.mark.parametrize("path", ["/usr/bin:/bin", ""], ids=["printenv", "python"])
def test_key_is_printed_by_the_command_and_shown_in_no_argument(
    program: Program, env: dict[str, str], gateway: tuple[str, type[Gateway]], path: str
) -> None:
    address, _ = gateway
    surroundings = {**env, "PATH": path}

    door = open_door(program, address, "run-0001", [], surroundings)
    printed = subprocess.run(door.key_command, env=surroundings, capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "ada's key"
    assert "ada's key" not in " ".join(door_arguments(door))


def test_door_with_a_command_has_no_other_way_to_the_key() -> None:
    with_command, plain = (door_arguments(Door("http://g", "r", command))[3] for command in (("printenv", "K"), ()))

    assert '"auth" = {"command" = "printenv", "args" = ["K"]}' in with_command and "env_key" not in with_command
    assert f'"env_key" = "{KEY_VARIABLE}"' in plain and "auth" not in plain


@pytest.mark.parametrize("setting", ['env_key = "K"', 'experimental_bearer_token = "t"', "requires_openai_auth = true"])
@pytest.mark.parametrize("file", ["config.toml", "work.config.toml"])
def test_own_block_that_goes_with_no_command_gets_the_catalogue_as_a_file(
    program: Program, env: dict[str, str], gateway: tuple[str, type[Gateway]], setting: str, file: str
) -> None:
    address, heard = gateway
    heard.gives = {"models": [{"slug": "ours"}]}
    settings(env, file, f"[model_providers.dragoman]\n{setting}\n")

    door = open_door(program, address, "run-0001", [], env)

    assert door == Door(address, "run-0001", catalogue=door.catalogue)
    assert json.loads(Path(door.catalogue).read_text()) == {"models": [*MODELS["models"], {"slug": "ours"}]}
    assert heard.asked == [("/openai/v1/models?client_version=0.169.0", "Bearer ada's key", "run-0001")]
    assert door_arguments(door)[4:] == ["-c", f'model_catalog_json="{door.catalogue}"']


def test_catalogue_of_the_users_own_is_not_replaced(program: Program, env: dict[str, str], gateway: tuple[str, type[Gateway]]) -> None:
    address, _ = gateway
    settings(env, "config.toml", 'model_catalog_json = "mine.json"\n[model_providers.dragoman]\nenv_key = "K"\n')

    assert open_door(program, address, "run-0001", [], env) == Door(address, "run-0001")


@pytest.mark.parametrize("gives", [None, [], {"object": "list", "data": []}])
def test_gateway_without_a_catalogue_leaves_codex_its_own(
    program: Program, env: dict[str, str], gateway: tuple[str, type[Gateway]], gives: Any
) -> None:
    address, heard = gateway
    heard.gives = gives
    settings(env, "config.toml", '[model_providers.dragoman]\nenv_key = "K"\n')

    assert open_door(program, address, "run-0001", [], env) == Door(address, "run-0001")


def settings(env: dict[str, str], file: str, text: str) -> None:
    home = Path(env["HOME"]) / ".codex"
    home.mkdir()
    (home / file).write_text(text)


def test_models_of_the_users_settings_are_found(tmp_path: Path) -> None:
    home = tmp_path / "codex"
    home.mkdir()
    (home / "config.toml").write_text('model = "a"\nreview_model = "b"\n[profiles.work]\nmodel = "c"\n')
    (home / "work.config.toml").write_text('model = "d"\n')
    env = {"CODEX_HOME": str(home)}

    assert configured_models(env, None) == ["a", "b"]
    assert configured_models(env, "work") == ["c", "d", "a", "b"]
    assert configured_models({"CODEX_HOME": str(tmp_path)}, "work") == []
