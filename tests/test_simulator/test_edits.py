"""Edits do what the request says, and patches made of them are true: applied to the old file they give the new one."""

from __future__ import annotations

import ast

import pytest
from desk import apply_update
from hypothesis import given
from hypothesis import strategies as st

from dragoman.simulator.coder import named_file
from dragoman.simulator.edits import find_edit, first_content, update_patch

GREET = ["def greet():", "    return 'hello!'"]
SHOUT = ["#!/usr/bin/env python3", "def greet(loud):", "    print('hi')", "", "def main():", "    greet(True)"]


@pytest.mark.parametrize(
    ("path", "old", "request_", "new"),
    [
        ("a.py", GREET, "make greet take a name", ["def greet(name='world'):", "    return f'hello {name}!'"]),
        ("a.py", GREET, "add a name parameter to greet", ["def greet(name='world'):", "    return f'hello {name}!'"]),
        (
            "a.py",
            SHOUT,
            "let it accept an argument called who",
            [SHOUT[0], "def greet(loud, who='world'):", "    print(f'hi {who}')", *SHOUT[3:]],
        ),
        ("a.py", SHOUT, "add a docstring to main", [*SHOUT[:5], '    """What `main` does, in one sentence."""', SHOUT[5]]),
        ("a.py", SHOUT, "rename greet to salute", [SHOUT[0], "def salute(loud):", *SHOUT[2:5], "    salute(True)"]),
        ("a.py", GREET, "replace 'hello!' by 'bye'", ["def greet():", "    return 'bye'"]),
        ("a.py", SHOUT, "tidy up a.py", [SHOUT[0], "# Demo edit: tidy up a.py", *SHOUT[1:]]),
        (
            "a.js",
            ["function f() {", '  return "hey";', "}"],
            "f takes a name",
            ['function f(name = "world") {', "  return `hey ${name}`;", "}"],
        ),
        ("a.css", ["p {}"], "improve a.css", ["/* Demo edit: improve a.css */", "p {}"]),
        ("a.md", [], "write a.md", ["<!-- Demo edit: write a.md -->"]),
    ],
)
def test_edit_does_what_is_asked(path: str, old: list[str], request_: str, new: list[str]) -> None:
    edit = find_edit(path, old, request_)

    assert edit is not None
    assert edit.lines == new


def test_no_edit_is_known_for_a_kind_of_file_without_comments() -> None:
    assert find_edit("data.json", ["{}"], "improve data.json") is None


def test_added_function_leaves_a_file_that_parses() -> None:
    edit = find_edit("a.py", GREET, 'add a function called `wave` to a.py that says """hi"""')

    assert edit is not None
    assert [node.name for node in ast.parse("\n".join(edit.lines)).body if isinstance(node, ast.FunctionDef)] == ["greet", "wave"]


@given(st.text(max_size=200))
def test_new_python_file_parses_whatever_was_asked(request_: str) -> None:
    ast.parse("\n".join(first_content("new.py", request_)))


LINES = st.lists(st.sampled_from(["a", "b", "", "    a", "c", "d"]), max_size=30)


@given(LINES, LINES)
def test_patch_turns_the_old_file_into_the_new_one(old: list[str], new: list[str]) -> None:
    if old == new:
        return

    patch = update_patch("f.txt", old, new).split("\n")

    assert patch[:2] == ["*** Begin Patch", "*** Update File: f.txt"]
    assert apply_update("".join(f"{line}\n" for line in old), patch[2:-2]) == "\n".join(new) + "\n"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("change greet in app.py so that it takes a name", "app.py"),
        ("fix `src/my-app/main.test.ts`.", "src/my-app/main.test.ts"),
        ("look at ./run.sh, please", "run.sh"),
        ("look at /etc/demo.toml", "/etc/demo.toml"),
        ("edit the Makefile", "Makefile"),
        ("read ../notes.txt", "../notes.txt"),
        ("see https://example.com/index.html", None),
        ("use version 3.11 of it, e.g. now", None),
        ("call os.path.join(a)", None),
        ("hello", None),
    ],
)
def test_file_named_in_a_text(text: str, path: str | None) -> None:
    assert named_file(text) == path
