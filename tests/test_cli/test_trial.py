"""Trying a task with a stand-in for Codex that edits as its model's name says: worktrees, comparison, keeping and dropping."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from dragoman.cli.codex.arguments import Door
from dragoman.cli.trial import crew, launch
from dragoman.cli.trial.command import tries
from dragoman.cli.trial.fitting import Fitted, fit
from dragoman.cli.trial.launch import Surroundings, prepare, run_trial
from dragoman.cli.trial.repository import Repository, find_repository
from dragoman.cli.trial.state import Trial, load_all, tries_folder
from dragoman.cli.trial.wishes import Wishes, labels, read_wishes, refuse_stray

STAND_IN = f"""#!{sys.executable}
import pathlib, sys, time
words = sys.argv[1:]
model = words[words.index("-m") + 1]
last = pathlib.Path(words[words.index("-o") + 1])
if model == "broken":
    print("ERROR: no such luck")
    sys.exit(7)
if model == "slow":
    pathlib.Path("begun.txt").write_text("begun")
    time.sleep(600)
text = pathlib.Path("a.txt").read_text()
pathlib.Path("a.txt").write_text(text.replace("one", model))
pathlib.Path("new.txt").write_text(sys.stdin.read() or model)
if model == "mute":
    pathlib.Path("new.txt").unlink()
    pathlib.Path("a.txt").write_text(text)
last.write_text(f"I am {{model}}.\\nMore.")
"""


class House:
    """A repository with an uncommitted change, an untracked and an ignored file; a program; a place for the state."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self.program = folder / "codex"
        self.program.write_text(STAND_IN)
        self.program.chmod(0o755)
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
        (self.work / "a.txt").write_text("one\n2\n3\n4\n5\n6\n7\n8\nnine\n")
        (self.work / ".gitignore").write_text("secret\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", "--all")
        self.git("-c", "user.name=u", "-c", "user.email=u@h", "commit", "-qm", "start")
        (self.work / "a.txt").write_text("one\n2\n3\n4\n5\n6\n7\n8\nnine of mine\n")
        (self.work / "mine.txt").write_text("untracked")
        (self.work / "secret").write_text("ignored")

    def git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.work, env=self.env, capture_output=True, text=True, check=True).stdout

    def state(self) -> tuple[str, str, str, str]:
        """What must not change: status, index, branches and stash, what git keeps of worktrees."""
        return self.git("status", "--short"), self.git("ls-files", "-s"), self.git("branch", "-a"), self.git("stash", "list")

    def try_(self, *models: str, jobs: int = 4, limit_s: float | None = None) -> int:
        prepared = prepare(Wishes(models, jobs, limit_s), ["exec", "do it"], self.env)
        return run_trial(
            prepared, Surroundings(str(self.program), "http://127.0.0.1:9", self.env, lambda run, model: Door("http://g", run))
        )

    @property
    def trial(self) -> Trial:
        (trial,) = load_all(self.env)
        return trial

    def tries(self, *arguments: str) -> Any:
        return CliRunner().invoke(tries, list(arguments), env=self.env)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = House(tmp_path)
    monkeypatch.chdir(house.work)
    monkeypatch.setattr("sys.stdin", None)
    return house


@pytest.mark.long
def test_models_work_in_worktrees_and_the_users_tree_stays_as_it_is(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    before = house.state()

    code = house.try_("ada", "bob/b")

    folder = tries_folder(house.env) / house.trial.id
    told = capsys.readouterr().out
    assert (code, house.state()) == (0, before)
    assert [(folder / name / "a.txt").read_text().splitlines()[0] for name in ("ada", "bob-b")] == ["ada", "bob/b"]
    assert (folder / "ada" / "a.txt").read_text().endswith("nine of mine\n")
    assert (folder / "ada" / "mine.txt").exists() and not (folder / "ada" / "secret").exists()
    assert "1  ada    done     2      +2 -1" in told
    assert "ada: I am ada.\n  a.txt    +1 -1\n  new.txt  +1 -0" in told
    assert f"dragoman tries keep {house.trial.id} ada" in told
    assert "unknown" not in told, "nothing was asked, so nothing is of unknown cost"


@pytest.mark.long
def test_keeping_one_merges_it_with_what_changed_meanwhile_and_stages_nothing(house: House) -> None:
    house.try_("ada", "bob")
    (house.work / "a.txt").write_text("one\n2\n3\n4\n5\n6\n7\n8\nnine, once more\n")
    index = house.git("ls-files", "-s")

    kept = house.tries("keep", house.trial.id[:3], "ad")

    assert kept.exit_code == 0, kept.output
    assert (house.work / "a.txt").read_text() == "ada\n2\n3\n4\n5\n6\n7\n8\nnine, once more\n"
    assert (house.work / "new.txt").read_text() == "ada"
    assert (house.git("ls-files", "-s"), house.trial.kept) == (index, "ada")


@pytest.mark.long
@pytest.mark.parametrize("conflict", ["a.txt", "new.txt", "ignored new.txt"])
def test_keeping_one_never_overwrites_what_the_user_changed(house: House, conflict: str) -> None:
    house.try_("ada")
    name = conflict.split()[-1]
    if conflict.startswith("ignored"):
        (house.work / ".gitignore").write_text("secret\nnew.txt\n")
    (house.work / name).write_text("mine\n")
    files = {path.name: path.read_bytes() for path in house.work.iterdir() if path.is_file()}

    kept = house.tries("keep", house.trial.id, "ada")

    assert (kept.exit_code, "nothing was changed" in kept.output, name in kept.output) == (1, True, True)
    assert {path.name: path.read_bytes() for path in house.work.iterdir() if path.is_file()} == files


@pytest.mark.long
def test_dropping_leaves_nothing_behind(house: House) -> None:
    before = house.git("for-each-ref"), house.git("worktree", "list")
    house.try_("ada", "broken")

    dropped = house.tries("drop", "--all")

    assert dropped.exit_code == 0, dropped.output
    assert (house.git("for-each-ref"), house.git("worktree", "list")) == before
    assert list(tries_folder(house.env).iterdir()) == []


@pytest.mark.long
def test_one_that_changed_nothing_is_shown_by_its_words_and_not_offered(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.try_("mute", "ada")

    assert f"dragoman tries keep {house.trial.id} ada" in capsys.readouterr().out
    assert house.tries("show", house.trial.id, "mute").output == "I am mute.\nMore.\n"
    assert "`mute` changed nothing" in house.tries("keep", house.trial.id, "mute").output


@pytest.mark.long
def test_work_survives_the_loss_of_its_worktree(house: House) -> None:
    house.try_("ada")
    house.git("worktree", "remove", "--force", str(tries_folder(house.env) / house.trial.id / "ada"))
    house.git("gc", "-q", "--prune=now")

    kept = house.tries("keep", house.trial.id, "1")

    assert kept.exit_code == 0, kept.output
    assert (house.work / "new.txt").read_text() == "ada"


@pytest.mark.long
def test_one_that_fails_or_takes_too_long_does_not_keep_the_others(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def passed_s() -> float:
        """No time passes before `slow` alone is at work: how long the others take is up to the machine."""
        begun = tries_folder(house.env) / house.trial.id / "slow" / "begun.txt"
        at_work = [entry.label for entry in house.trial.entries if entry.state != "ended"]
        return 61.0 if at_work == ["slow"] and begun.exists() and begun.read_text() else 0.0

    monkeypatch.setattr(crew, "time", SimpleNamespace(monotonic=passed_s, time=time.time, sleep=time.sleep))
    code = house.try_("broken", "ada", "slow", jobs=3, limit_s=60.0)

    told = capsys.readouterr().out
    assert code == 0
    assert [(entry.label, entry.state, entry.code) for entry in house.trial.entries] == [
        ("broken", "ended", 7),
        ("ada", "ended", 0),
        ("slow", "timeout", 130),
    ]
    assert "broken: ERROR: no such luck" in told
    assert "out of time  1      +1 -0" in told


@pytest.mark.long
def test_without_one_that_came_to_its_end_the_code_is_1(house: House) -> None:
    assert house.try_("broken", "broken") == 1
    assert [entry.label for entry in house.trial.entries] == ["broken", "broken#2"]


@pytest.mark.long
def test_what_was_piped_in_reaches_every_model(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "piped").write_text("from the pipe")
    with (tmp_path / "piped").open() as piped:
        monkeypatch.setattr("sys.stdin", piped)
        house.try_("ada", "bob")

    folder = tries_folder(house.env) / house.trial.id
    assert [(folder / name / "new.txt").read_text() for name in ("ada", "bob")] == ["from the pipe"] * 2


@pytest.mark.long
def test_inside_a_directory_of_the_repository_models_work_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = house.work / "deep"
    inside.mkdir()
    (inside / "a.txt").write_text("one")
    monkeypatch.chdir(inside)

    house.try_("ada")

    assert (tries_folder(house.env) / house.trial.id / "ada" / "deep" / "a.txt").read_text() == "ada"


def test_place_without_a_repository_or_a_commit_is_told(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    with pytest.raises(click.ClickException, match="is not in a git repository"):
        find_repository(tmp_path, env)

    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=env, check=True)
    with pytest.raises(click.ClickException, match="has no commit"):
        find_repository(tmp_path, env)


@pytest.mark.long
def test_state_inside_the_repository_is_refused(house: House) -> None:
    with pytest.raises(click.ClickException, match="set XDG_STATE_HOME elsewhere"):
        prepare(Wishes(("ada",)), ["hi"], {**house.env, "XDG_STATE_HOME": str(house.work / ".state")})


@pytest.mark.long
def test_worktrees_that_cannot_be_made_leave_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = house.git("for-each-ref"), house.git("worktree", "list")

    def fail(self: Repository, place: Path, commit: str) -> None:
        raise click.ClickException("no room")

    monkeypatch.setattr(launch.Repository, "add_worktree", fail)
    with pytest.raises(click.ClickException, match="no room"):
        house.try_("ada")

    assert ((house.git("for-each-ref"), house.git("worktree", "list")), load_all(house.env)) == (before, [])


@pytest.mark.long
def test_broken_state_of_one_try_hides_no_other(house: House) -> None:
    house.try_("ada")
    bad = tries_folder(house.env) / "bad"
    bad.mkdir()
    (bad / "try.json").write_text(json.dumps({"id": 3}))

    assert house.tries().output.splitlines()[1].startswith(house.trial.id)


@pytest.mark.parametrize(
    ("found", "wishes"),
    [
        ({}, None),
        ({"--try": "a, b/c"}, Wishes(("a", "b/c"))),
        ({"--try": "a", "--try-jobs": "2", "--try-limit": "1.5m"}, Wishes(("a",), 2, 90.0)),
    ],
)
def test_wishes_are_read(found: dict[str, str], wishes: Wishes | None) -> None:
    assert read_wishes(found) == wishes


@pytest.mark.parametrize(
    "found",
    [{"--try": ","}, {"--try": "--gateway"}, {"--try-jobs": "2"}, {"--try": "a", "--try-jobs": "0"}, {"--try": "a", "--try-limit": "soon"}],
)
def test_wishes_that_are_none_are_refused(found: dict[str, str]) -> None:
    with pytest.raises(click.ClickException, match="--try"):
        read_wishes(found)


def test_option_of_ours_among_codexs_is_told() -> None:
    refuse_stray(["exec", "--", "--try"])
    with pytest.raises(click.ClickException, match="stands before what is Codex's"):
        refuse_stray(["exec", "--try=a,b", "hi"])


@pytest.mark.parametrize(
    ("arguments", "fitted"),
    [
        (["hi"], Fitted((), ("hi",), True)),
        (["-c", "x=1", "exec", "--json", "hi"], Fitted(("-c", "x=1"), ("--json", "hi"), True)),
        (["e", "-s", "read-only", "hi"], Fitted((), ("-s", "read-only", "hi"), False)),
        (["exec", "-c", "sandbox_mode=danger-full-access", "hi"], Fitted((), ("-c", "sandbox_mode=danger-full-access", "hi"), False)),
    ],
)
def test_command_line_becomes_one_of_exec(arguments: list[str], fitted: Fitted) -> None:
    assert fit(arguments) == fitted


@pytest.mark.parametrize(
    "arguments", [["resume"], ["exec", "-m", "x", "hi"], ["-C", "d", "hi"], ["exec", "-o", "f", "hi"], ["exec", "-of", "hi"]]
)
def test_what_cannot_be_tried_is_refused(arguments: list[str]) -> None:
    with pytest.raises(click.ClickException, match=r"--try|every try"):
        fit(arguments)


def test_labels_tell_the_same_model_apart() -> None:
    assert labels(("a", "b", "a", "a")) == ("a", "b", "a#2", "a#3")
