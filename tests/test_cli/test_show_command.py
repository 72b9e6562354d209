"""`dragoman show` of what is not on record."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from dragoman.cli import show as module
from dragoman.cli.show import show

ID = "ex_01a2000e54944e484d9060336687ed5b"


class Gateway:
    """One that has nothing on record."""

    address = "http://127.0.0.1:1"

    def __init__(self, gateway: str | None, config: str | None) -> None:
        """Which one does not matter."""

    def exchange(self, name: str, *, bodies: bool) -> dict[str, Any]:
        raise click.ClickException("it is not on record")

    def session(self, name: str) -> dict[str, Any]:
        raise click.ClickException("it is not on record")


def test_an_id_that_is_empty_is_a_slip() -> None:
    ended = CliRunner().invoke(show, [""])

    assert (ended.exit_code, "Error: ID is empty; `dragoman logs` lists the ids" in ended.output) == (2, True)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (ID, f"Error: `{ID}` is under way for 12.5 s, by up/m.; what it comes to is told when it ends\n"),
        (ID[:12], f"Error: `{ID}` is under way for 12.5 s, by up/m.; what it comes to is told when it ends\n"),
        ("ex_other", "Error: it is not on record\n"),
        ("a-session", "Error: it is not on record\n"),
    ],
)
def test_what_is_under_way_is_not_called_unknown(name: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    running = [{"id": ID, "provider": "up", "model": "m\x1b", "running_s": 12.5}]
    monkeypatch.setattr(module, "Source", Gateway)
    monkeypatch.setattr(module, "fetch", lambda address, path: {"running": running})

    ended = CliRunner().invoke(show, [name])

    assert (ended.exit_code, ended.output) == (1, told)


def test_of_a_request_that_was_refused_before_it_was_read_no_model_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "id": ID, "began_at": 0.0, "agent": "generic", "agent_version": None, "asked": "", "dialect_in": "responses", "stream": False,
        "provider": None, "error": "authentication", "message": "no key", "status": 401, "attempts": [], "tools": [], "warnings": [],
        "input_tokens": None, "bodies": {},
    }  # fmt: skip
    monkeypatch.setattr(module, "Source", Gateway)
    monkeypatch.setattr(Gateway, "exchange", lambda self, name, *, bodies: row)

    told = CliRunner().invoke(show, [ID]).output.splitlines()

    assert told[1:3] == ["  generic asked, of a model that was not read, by responses", "  HTTP 401, authentication: no key"]
