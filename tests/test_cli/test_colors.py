"""Colours, where they are wanted."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dragoman.cli import top


def shown(env: dict[str, str], cwd: Path, *arguments: str) -> str:
    """What a terminal gets."""
    hand, terminal = pty.openpty()
    surroundings = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")} | env
    with os.fdopen(hand, "rb", buffering=0) as seen:
        with os.fdopen(terminal) as out:
            subprocess.run([sys.executable, "-m", "dragoman", *arguments], stdout=out, stderr=out, cwd=cwd, env=surroundings)
        # It takes less than a terminal holds, and the last hand is off: what is left can be read, and then nothing more.
        return os.read(seen.fileno(), 65_536).decode()


@pytest.mark.parametrize(
    ("env", "is_colored"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
@pytest.mark.parametrize("text", ["providers: {local: {kind: vllm}}\n", "providers: {local: {kind: nope}}\n"])
def test_a_terminal_gets_colors_unless_they_are_not_wanted(env: dict[str, str], is_colored: bool, text: str, tmp_path: Path) -> None:
    (tmp_path / "dragoman.yaml").write_text(text)

    told = shown(env, tmp_path, "check")

    assert ("dragoman.yaml" in told, "\x1b[" in told) == (True, is_colored)


def test_a_screen_without_colors_is_still_drawn_over_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(top.top, color=False):
        top._draw([click.style("a", dim=True)])  # pyright: ignore[reportPrivateUsage]

    assert capsys.readouterr().out == "\x1b[Ha\x1b[K\n\x1b[J"
