"""Ctrl-C, whenever it comes: no traceback."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# Has Ctrl-C come at the very moment at which a module is sought.
SCRIPT = """
import os, signal, sys

class Interrupted:
    def find_spec(name, path=None, target=None):
        if name == {moment!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupted)
sys.argv = ["dragoman", *{arguments!r}]
# As Python has it, whoever started the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
{first}
from dragoman.__main__ import main
main()
"""


def interrupted(moment: str, *arguments: str, first: str = "") -> tuple[int, str]:
    script = SCRIPT.format(moment=moment, arguments=arguments, first=first)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return ended.returncode, ended.stderr


def test_nothing_of_ours_is_loaded_before_ctrl_c_is_settled() -> None:
    script = "import sys, dragoman.__main__; print(sorted(name for name in sys.modules if name.startswith('dragoman')))"

    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert told == "['dragoman', 'dragoman.__main__']\n"


@pytest.mark.parametrize("moment", ["dragoman.cli.main", "click", "msgspec", "dragoman.cli.serve", "dragoman.app.gateway"])
def test_ctrl_c_while_it_is_loaded_ends_it_without_a_word(moment: str) -> None:
    assert interrupted(moment, "serve", "--port", "0") == (-signal.SIGINT, "")


def test_ctrl_c_stays_ignored_where_it_is() -> None:
    assert interrupted("dragoman.cli.main", "--version", first="signal.signal(signal.SIGINT, signal.SIG_IGN)") == (0, "")


def test_ctrl_c_in_a_command_is_its_own_matter() -> None:
    first = "import click, dragoman.cli.check\ndragoman.cli.check.schema.callback = lambda: os.kill(os.getpid(), signal.SIGINT)"

    assert interrupted("", "schema", first=first) == (130, "\n")
