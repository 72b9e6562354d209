"""`dragoman config`: revisions and how they differ, told by settings and without secrets; the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dragoman.app.revisions import Revisions
from dragoman.cli.config import config
from dragoman.config.written import read_written

ONE = "# by ada\nserver: {port: 1}\nproviders: {a: {kind: openai, keys: [a-key-in-plain]}}\nmodels: {m: a/x}\n"
TWO = "server: {port: 1}\nproviders: {a: {kind: openai, keys: [a-key-in-plain]}}\nmodels: {m: a/y, n: {targets: [a/x]}}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a config of two revisions."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("DRAGOMAN_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    for text in (ONE, TWO):
        Path("dragoman.yaml").write_text(text)
        Revisions.of(Path("dragoman.yaml"), {"HOME": str(tmp_path / "home")}).keep(read_written(text.encode()))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(config, arguments)


def test_revisions_are_listed_with_what_each_changed(place: Path) -> None:
    newest, oldest = run("revisions").output.splitlines()

    assert (newest.split()[0], newest.split("  ")[-2:]) == ("2", ["~models.m, +models.n", "as the file is now"])
    assert (oldest.split()[0], oldest.split("  ")[-1]) == ("1", "the oldest that is kept")


def test_differences_are_told_by_settings(place: Path) -> None:
    assert run("diff", "1", "2").output == 'revision 1 → revision 2:\n  ~ models.m: a/x → a/y\n  + models.n: {"targets":["a/x"]}\n'


def test_the_newest_revision_is_compared_with_the_file(place: Path) -> None:
    Path("dragoman.yaml").write_text(TWO + "log: {level: debug}\n")

    assert run("diff").output == 'revision 2 → dragoman.yaml:\n  + log: {"level":"debug"}\n'


def test_what_is_the_same_is_told_as_that(place: Path) -> None:
    same = run("diff").output
    Path("dragoman.yaml").write_text(TWO + "# a thought\n")

    assert same == "revision 2 and dragoman.yaml say the same\n"
    assert run("diff").output == "revision 2 and dragoman.yaml differ in comments or layout only\n"


def test_differences_as_json(place: Path) -> None:
    assert json.loads(run("diff", "1", "2", "--json").output) == [
        {"setting": "models.m", "old": "a/x", "new": "a/y"},
        {"setting": "models.n", "new": {"targets": ["a/x"]}},
    ]


def test_no_key_is_ever_shown(place: Path) -> None:
    Path("dragoman.yaml").write_text("providers: {b: {kind: openai, keys: [another-key-in-plain]}}\nserver: {port: 1}\n")

    output = run("diff").output + run("diff", "--json").output + run("revisions", "--json").output

    assert "in-plain" not in output
    assert '+ providers.b: {"kind":"openai","keys":["***"]}' in output


def test_a_rollback_brings_the_file_back(place: Path) -> None:
    rolled = run("rollback", "1")

    assert (rolled.exit_code, Path("dragoman.yaml").read_text()) == (0, ONE)
    assert rolled.output == "dragoman.yaml says again what revision 1 said; no gateway runs on it\n"
    assert run("rollback", "1").output == "dragoman.yaml says already what revision 1 said; no gateway runs on it\n"


def test_revisions_are_listed_though_the_file_is_broken(place: Path) -> None:
    Path("dragoman.yaml").write_text("models: [\n")

    assert [line.split()[0] for line in run("revisions").output.splitlines()] == ["2", "1"]


def test_a_file_that_never_was_is_told_as_that(place: Path) -> None:
    assert (
        run("diff", "--config", "nowhere.yaml").output == "Error: there is no file nowhere.yaml, and no revision of it; correct the path\n"
    )


def test_without_revisions_it_is_said_how_they_come_about(place: Path) -> None:
    Path("other.yaml").write_text(ONE)

    listed, differing = run("revisions", "--config", "other.yaml"), run("diff", "--config", "other.yaml")

    sentence = "no revision of other.yaml is kept yet: a running gateway keeps one whenever it takes up a changed file"
    assert (listed.output, differing.output) == (f"{sentence}\n", f"Error: {sentence}\n")
