"""`dragoman codex explain|fix|refactor|document [PATHS]`: a well-written prompt for the real Codex, which refuses such words itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from dragoman.cli.codex.arguments import WITH_VALUE, options_of
from dragoman.cli.codex.prompts import TASKS, Task, prompt

_PLACE = re.compile(r"(::.*|(:\d+){1,2}(-\d+)?)$")
"""What may follow a path: a test (`tests/test_a.py::test_b`), a line, a line and a column, some lines."""
_HELP = """\
dragoman codex {name} [--style TEXT] [--note TEXT] [--print-prompt] [--tui] [PATH ...] [anything that codex exec takes]

  {about}

  PATH            files and directories, as they stand from here or from `--cd`; `file:12`, `file:12-30` and `file::test` too;
                  none means the project in this directory
  --style TEXT    the style to reach
  --note TEXT     what else Codex should know
  --print-prompt  show what Codex would be asked, and stop
  --tui           ask it in Codex's own window, where you can go on talking, and not by `codex exec`"""


class Order(msgspec.Struct, frozen=True):
    """What a task command comes to. shown: this is all that is wanted; else `arguments` are what Codex gets."""

    arguments: list[str] = []
    shown: str | None = None


class _Words(msgspec.Struct):
    """The words behind a task's name. passed: options that are Codex's, with their values, in order."""

    paths: list[str] = []
    passed: list[str] = []
    style: str | None = None
    note: str | None = None
    is_tui: bool = False
    is_shown: bool = False
    is_help: bool = False


def read_task(arguments: list[str], here: Path) -> Order | None:
    """The order, if the first word is a task; None: the arguments are Codex's own. Raises ClickException for what cannot be meant."""
    task = TASKS.get(arguments[0]) if arguments else None
    if task is None:
        return None
    words = _read(arguments[1:])
    if words.is_help:
        return Order(shown=_HELP.format(name=arguments[0], about=task.about))
    folders = [value for option, value in options_of(words.passed) if option in ("-C", "--cd")]
    root = here / (folders[-1] if folders else ".")
    text = prompt(task, [_checked(path, root, arguments) for path in words.paths], style=words.style, note=words.note)
    return Order(shown=text) if words.is_shown else Order(_command(task, words, text))


def _command(task: Task, words: _Words, text: str) -> list[str]:
    """`-c` and not `--sandbox`: what the user says about the sandbox comes later and wins, where two `--sandbox` would be refused."""
    sandbox = ["-c", f'sandbox_mode="{"workspace-write" if task.writes else "read-only"}"']
    if words.is_tui:
        return [*sandbox, *words.passed, "--", text]
    # Codex guards directories without git from changes that cannot be undone; there are none here.
    unguarded = [] if task.writes or "--skip-git-repo-check" in words.passed else ["--skip-git-repo-check"]
    return ["exec", *sandbox, *unguarded, *words.passed, "--", text]


def _read(rest: list[str]) -> _Words:
    words = _Words()
    left = list(rest)
    while left:
        word = left.pop(0)
        if word == "--":
            words.paths += left
            break
        if not word.startswith("-") or word == "-":
            words.paths.append(word)
            continue
        name, equals, value = word.partition("=")
        if name in _SWITCHES:
            _SWITCHES[name](words)
        elif name in _VALUES:
            _VALUES[name](words, value if equals else _value(name, left))
        else:
            words.passed += [word, _value(word, left)] if word in WITH_VALUE else [word]
    return words


def _value(name: str, left: list[str]) -> str:
    if not left:
        raise click.ClickException(f"`{name}` wants a value")
    return left.pop(0)


def _checked(path: str, root: Path, arguments: list[str]) -> str:
    """The path as the prompt names it: a directory ends in `/`."""
    bare = _PLACE.sub("", path) or path
    found = next((known for known in (path, bare) if _exists(root / known)), None)
    if found is None:
        raise click.ClickException(_missing(bare, root, arguments))
    return path if path.endswith("/") or not (root / found).is_dir() else f"{path}/"


def _exists(path: Path) -> bool:
    """A name that is too long or has a null byte is no file either."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _missing(path: str, root: Path, arguments: list[str]) -> str:
    near = _nearest(path, root)
    if near:
        return f"there is no `{path}`; did you mean `{near}`?"
    words = " ".join(word for word in arguments if not word.startswith("-"))
    where = "here" if root == Path.cwd() else f"in {root}"
    return f'there is no file or directory `{path}` {where}; to ask Codex in words, put them in quotes: dragoman codex "{words}"'


def _nearest(path: str, root: Path) -> str | None:
    """A name in the same directory that is spelt alike, else the same name somewhere below."""
    parent, name = (root / path).parent, Path(path).name
    try:
        names = [entry.name for entry in parent.iterdir()]
    except (OSError, ValueError):
        return None
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return (Path(path).parent / near[0]).as_posix() if near else None


def _be_tui(words: _Words) -> None:
    words.is_tui = True


def _be_shown(words: _Words) -> None:
    words.is_shown = True


def _be_help(words: _Words) -> None:
    words.is_help = True


def _take_style(words: _Words, value: str) -> None:
    words.style = value


def _take_note(words: _Words, value: str) -> None:
    words.note = value


_SWITCHES: dict[str, Callable[[_Words], None]] = {
    "--tui": _be_tui,
    "--print-prompt": _be_shown,
    "-h": _be_help,
    "--help": _be_help,
}
_VALUES: dict[str, Callable[[_Words, str], None]] = {"--style": _take_style, "--note": _take_note}
