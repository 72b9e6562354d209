"""The installed Codex as the doctor sees it, with a stand-in that says what the real one says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dragoman.cli.codex.program import Program, find_program
from dragoman.cli.doctor.codex import check_configuration, check_home, check_program, project_file, read_settings, stored_login

REFUSED = {"error": {"code": -32600, "data": {"detail": 'config.toml:5:10: `wire_api = "chat"` is no\nlonger supported.'}, "message": "m"}}


def stand_in(folder: Path, lenient: object, strict: object) -> Program:
    """A Codex that prints these when it is asked for its start-up configuration."""
    path = folder / "codex"
    answers = {"--print-startup-config": lenient, "--strict-config": strict}
    path.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps({answers!r}[sys.argv[2]]))\n")
    path.chmod(0o755)
    return Program(str(path), (0, 169, 0))


def found(program: Program, folder: Path) -> list[tuple[str, str]]:
    return [(finding.level, finding.message) for finding in check_configuration(program, {"HOME": str(folder)}, folder)]


def test_settings_that_codex_refuses_are_told_in_its_words(tmp_path: Path) -> None:
    program = stand_in(tmp_path, REFUSED, REFUSED)

    assert found(program, tmp_path) == [
        ("problem", 'Codex refuses to start: config.toml:5:10: `wire_api = "chat"` is no longer supported.')
    ]


def test_settings_that_only_the_strict_codex_refuses_are_ignored_ones(tmp_path: Path) -> None:
    strict = {"error": {"message": "unknown configuration field `x`"}}
    program = stand_in(tmp_path, {"appServerVersion": "0.169.0"}, strict)

    assert found(program, tmp_path) == [("warning", "Codex ignores a part of it: unknown configuration field `x`")]


def test_codex_that_cannot_be_asked_says_nothing(tmp_path: Path) -> None:
    assert found(stand_in(tmp_path, "an old release", []), tmp_path) == []
    assert found(Program(str(tmp_path / "gone"), None), tmp_path) == []


@pytest.mark.parametrize(
    ("program", "level"),
    [
        (None, "problem"),
        (Program("/c", (0, 42, 0)), "warning"),
        (Program("/c", (0, 169, 0)), "ok"),
        (Program("/c", (1, 0, 0)), "ok"),
        (Program("/c", None), "ok"),
        (Program("/c", None, "env: node: No such file or directory"), "problem"),
    ],
)
def test_version_is_judged(program: Program | None, level: str) -> None:
    assert [finding.level for finding in check_program(program)] == [level]


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        ({"auth_mode": "chatgpt", "tokens": {"access_token": "t"}}, "chatgpt"),
        ({"tokens": {"access_token": "t"}}, "chatgpt"),
        ({"OPENAI_API_KEY": "sk-x"}, "apikey"),
        ({"OPENAI_API_KEY": None}, None),
        (["no table"], None),
    ],
)
def test_kind_of_login_is_told(tmp_path: Path, stored: object, kind: str | None) -> None:
    (tmp_path / "auth.json").write_text(json.dumps(stored))

    assert stored_login(tmp_path) == kind


def test_a_login_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "auth.json").write_bytes(b'{"auth_mode": "\xff"}')

    assert stored_login(tmp_path) is None


def test_settings_files_of_home_and_project_are_read(tmp_path: Path) -> None:
    home, work = tmp_path / "home" / ".codex", tmp_path / "repository" / "folder"
    for folder in (home, work, tmp_path / "repository" / ".codex", tmp_path / "repository" / ".git"):
        folder.mkdir(parents=True)
    (home / "config.toml").write_text('model = "a"')
    (home / "work.config.toml").write_text('model = "b"')
    (tmp_path / "repository" / ".codex" / "config.toml").write_text('model = "c"')

    settings, unreadable = read_settings({"HOME": str(tmp_path / "home")}, work)

    assert (settings.table, settings.profiles, settings.project, unreadable) == (
        {"model": "a"},
        {"work": {"model": "b"}},
        {"model": "c"},
        [],
    )


def test_users_own_settings_are_no_projects(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text('model = "a"')

    assert project_file(tmp_path / "work", tmp_path / ".codex") is None


def test_file_that_is_no_toml_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("= nothing")

    _, (finding,) = read_settings({"CODEX_HOME": str(tmp_path)}, tmp_path)

    assert (finding.level, finding.about) == ("problem", str(tmp_path / "config.toml"))


def test_what_cannot_be_read_is_told_without_the_systems_number(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    _, (finding,) = read_settings({"CODEX_HOME": str(tmp_path / "file")}, tmp_path)

    assert finding.message == "cannot be read: Not a directory"


def test_home_that_is_not_there_and_administrators_file_are_problems(tmp_path: Path) -> None:
    managed = tmp_path / "managed_config.toml"
    managed.write_text('model_provider = "corp"')

    findings = list(check_home({"CODEX_HOME": str(tmp_path / "none")}, managed))

    assert [(finding.level, finding.about) for finding in findings] == [("problem", "CODEX_HOME"), ("problem", "administrator")]


def test_codex_that_does_not_run_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "codex"
    broken.write_text("#!/nowhere/at/all\n")
    broken.chmod(0o755)

    assert find_program({"PATH": str(tmp_path)}) == Program(str(broken), None, "No such file or directory")
