"""The table of commands: each is there, told in one line, and loaded only when it is typed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dragoman.cli.main import Later, commands, main


@pytest.mark.parametrize("name", commands.commands)
def test_each_command_is_where_the_table_says_and_told_in_one_line(name: str) -> None:
    later = commands.commands[name]
    assert isinstance(later, Later)

    command = later.load()

    assert isinstance(command, click.Command)
    assert not isinstance(command, Later)
    assert later.get_short_help_str(limit=62) == later.short_help


def test_commands_are_listed_in_the_order_of_the_table() -> None:
    told = CliRunner().invoke(commands, ["--help"], prog_name="dragoman").output

    assert [line.split()[0] for line in told.partition("Commands:\n")[2].splitlines()] == list(commands.commands)


def test_every_command_has_a_row_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()

    assert re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE) == list(commands.commands)


def test_a_command_is_run_with_its_own_arguments_and_a_slip_is_told() -> None:
    ran, slip = (CliRunner().invoke(commands, arguments, prog_name="dragoman") for arguments in (["simulate", "--list-errors"], ["serv"]))

    assert (ran.exit_code, "rate_limit" in ran.output) == (0, True)
    assert (slip.exit_code, "Did you mean 'serve'?" in slip.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "told", "code"),
    [
        (["simulate", "--script", "nope"], "dragoman: script `nope` cannot be read: No such file or directory\n", 1),
        (["check", "nope"], "dragoman: the configuration has a problem:\n  ✗ nope: there is no such file", 1),
        (["route"], "Usage: dragoman route [OPTIONS] [MODEL]\n", 2),
    ],
)
def test_what_goes_wrong_is_told_in_one_voice(
    arguments: list[str], told: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["dragoman", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    assert (ended.value.code, capsys.readouterr().err.startswith(told)) == (code, True)


def test_what_is_not_typed_is_not_loaded() -> None:
    script = "import sys, dragoman.cli.main; print([room for room in ('app', 'server', 'core') if f'dragoman.{room}' in sys.modules])"

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


RUN = "from dragoman.cli.main import main; main()"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("command", ["schema", "--help"])
def test_a_full_disk_is_told_in_a_sentence(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-c", RUN, command], stdout=full, stderr=subprocess.PIPE, text=True)

    assert (ended.returncode, ended.stderr) == (1, "dragoman: standard output cannot be written: No space left on device\n")


def test_a_terminal_of_another_encoding_is_told_what_it_can_show(tmp_path: Path) -> None:
    (tmp_path / "dragoman.yaml").write_text("providers: {local: {kind: vllm}}\nmodels: {m: local/m}\n")
    env = {**os.environ, "PYTHONIOENCODING": "latin-1", "NO_COLOR": "1"}

    ended = subprocess.run([sys.executable, "-c", RUN, "check"], cwd=tmp_path, env=env, capture_output=True)

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "  models      m  ? local/m" in ended.stdout.decode("latin-1").splitlines()


def test_a_closed_output_is_no_trouble() -> None:
    shell = 'exec "$0" -c "$1" "$2" >&-'

    ended = subprocess.run(["sh", "-c", shell, sys.executable, RUN, "schema"], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_place_that_is_taken_is_told_in_few_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = CliRunner().invoke(commands, ["simulate", "--port", str(port)])

    told = f"Error: cannot listen on `127.0.0.1:{port}`: Address already in use; choose another with --host and --port\n"
    assert (ended.exit_code, ended.output) == (1, told)
