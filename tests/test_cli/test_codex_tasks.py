"""Task commands: when a first word is one, what Codex gets for it, and what is refused with help."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from dragoman.cli.codex.arguments import read_arguments
from dragoman.cli.codex.command import launch
from dragoman.cli.codex.prompts import TASKS, prompt
from dragoman.cli.codex.tasks import Order, read_task

WRITES = ["-c", 'sandbox_mode="workspace-write"']
READS = ["-c", 'sandbox_mode="read-only"']


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "src" / "api").mkdir(parents=True)
    (tmp_path / "app.py").write_text("x = 1\n")
    (tmp_path / "two words.py").write_text("")
    (tmp_path / "src" / "test_auth.py").write_text("")
    return tmp_path


def arguments_of(order: Order | None) -> list[str]:
    assert order is not None and order.shown is None
    return order.arguments


@pytest.mark.parametrize(
    "arguments",
    [[], ["exec", "explain app.py"], ["explain app.py"], ["Explain", "app.py"], ["-m", "x", "explain"], ["review"], ["--", "fix"]],
)
def test_what_does_not_begin_with_a_task_is_codexs_own(here: Path, arguments: list[str]) -> None:
    assert read_task(arguments, here) is None


@pytest.mark.parametrize("name", TASKS)
def test_task_is_no_command_of_codexs(name: str) -> None:
    assert read_arguments([name]).subcommand is None


def test_explanation_may_only_read_and_needs_no_git(here: Path) -> None:
    order = read_task(["explain", "app.py"], here)

    assert arguments_of(order) == ["exec", *READS, "--skip-git-repo-check", "--", prompt(TASKS["explain"], ["app.py"])]


@pytest.mark.parametrize("name", ["fix", "refactor", "document"])
def test_other_tasks_may_write_in_the_workspace_and_codex_minds_that_there_is_git(here: Path, name: str) -> None:
    assert arguments_of(read_task([name, "app.py"], here)) == ["exec", *WRITES, "--", prompt(TASKS[name], ["app.py"])]


def test_options_of_codexs_pass_on_with_their_values_wherever_they_stand(here: Path) -> None:
    given = ["fix", "-m", "gpt-5.5", "src/test_auth.py", "--json", "-o", "app.py", "-sread-only", "--color=never", "-i", "a.png", "app.py"]

    assert arguments_of(read_task(given, here)) == [
        *("exec", *WRITES, "-m", "gpt-5.5", "--json", "-o", "app.py", "-sread-only", "--color=never", "-i", "a.png", "--"),
        prompt(TASKS["fix"], ["src/test_auth.py", "app.py"]),
    ]


def test_window_of_codexs_own_gets_the_same_prompt(here: Path) -> None:
    assert arguments_of(read_task(["explain", "--tui", "app.py"], here)) == [*READS, "--", prompt(TASKS["explain"], ["app.py"])]


def test_own_options_stand_in_the_prompt_and_do_not_pass_on(here: Path) -> None:
    order = read_task(["refactor", "app.py", "--style=modern", "--note", "Mind the dots."], here)

    text = arguments_of(order)[-1]
    assert text == prompt(TASKS["refactor"], ["app.py"], style="modern", note="Mind the dots.")
    assert "Style to reach: modern" in text and text.endswith("Besides: Mind the dots.")
    assert arguments_of(order)[:-1] == ["exec", *WRITES, "--"]


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        ([], "Explain the project in this directory to"),
        (["src/api"], "Explain everything in `src/api/` to"),
        (["src/api/"], "Explain everything in `src/api/` to"),
        (["app.py:3-9", "src/test_auth.py::test_it"], "Explain `app.py:3-9` and `src/test_auth.py::test_it` to"),
        (["app.py", "src", "app.py:3:1"], "Explain `app.py`, everything in `src/` and `app.py:3:1` to"),
        (["--", "two words.py"], "Explain `two words.py` to"),
    ],
)
def test_paths_are_named_in_the_prompt(here: Path, paths: list[str], named: str) -> None:
    assert arguments_of(read_task(["explain", *paths], here))[-1].startswith(named)


@pytest.mark.parametrize("flag", [["-C", "src"], ["-Csrc"], ["--cd=src"], ["--cd", "src"]])
def test_paths_stand_below_the_directory_that_codex_is_told(here: Path, flag: list[str]) -> None:
    assert arguments_of(read_task(["fix", *flag, "test_auth.py"], here))[:-1] == ["exec", *WRITES, *flag, "--"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fix", "ap.py"], "there is no `ap.py`; did you mean `app.py`?"),
        (["fix", "src/test_auht.py::test_it"], "there is no `src/test_auht.py`; did you mean `src/test_auth.py`?"),
        (["fix", "the", "login", "bug"], 'in words, put them in quotes: dragoman codex "fix the login bug"'),
        (["fix", "no/such/place.py"], "there is no file or directory `no/such/place.py`"),
        (["fix", "a" * 5000], "there is no file or directory"),
        (["refactor", "app.py", "--style"], "`--style` wants a value"),
        (["refactor", "app.py", "-m"], "`-m` wants a value"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_help(here: Path, arguments: list[str], sentence: str) -> None:
    with pytest.raises(click.ClickException) as caught:
        read_task(arguments, here)

    assert sentence in caught.value.message


@pytest.mark.parametrize("name", TASKS)
def test_prompt_is_shown_and_nothing_is_started(
    here: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)

    code = launch([name, "app.py", "--print-prompt", "-m", "x"], {"PATH": ""})

    assert (code, capsys.readouterr().out) == (0, prompt(TASKS[name], ["app.py"]) + "\n")


def test_help_of_a_task_tells_its_options(here: Path) -> None:
    order = read_task(["document", "--help"], here)

    assert order is not None and order.shown is not None
    assert all(option in order.shown for option in ("--style", "--note", "--print-prompt", "--tui", "dragoman codex document"))


@pytest.mark.parametrize("name", TASKS)
def test_braces_of_the_user_stay_as_they_are(name: str) -> None:
    text = prompt(TASKS[name], ["{style}.py"], style="{what}", note="{note}")

    assert "`{style}.py`" in text and "{what}" in text and text.endswith("Besides: {note}")
