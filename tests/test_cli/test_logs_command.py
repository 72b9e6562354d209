"""`dragoman logs`: exchanges in the order of time, and what can be followed."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from dragoman.cli import logs as module
from dragoman.cli.logs import logs

DAY_S = 86_400.0


def row(number: int, began_at: float) -> dict[str, Any]:
    plain = dict.fromkeys(("agent", "provider", "model", "lane", "error", "message", "input_tokens", "first_token_s", "cost_usd"))
    return {**plain, "id": f"ex_{number}", "began_at": began_at, "client": "ada", "asked": "fast", "status": 200, "total_s": 1.0}


class Gateway:
    """One that has three exchanges of two days, long ago, and one of just now."""

    address = "http://127.0.0.1:1"
    name = "the gateway"
    asked: dict[str, str] = {}
    rows = [row(4, time.time()), row(3, 40 * DAY_S + 60), row(2, 40 * DAY_S), row(1, 38 * DAY_S)]

    def __init__(self, gateway: str | None, config: str | None) -> None:
        """Which one does not matter."""

    def exchanges(self, given: dict[str, str]) -> dict[str, Any]:
        Gateway.asked = given
        return {"exchanges": self.rows, "next": None}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setattr(module, "Source", Gateway)
    return CliRunner().invoke(logs, arguments)


def test_days_are_told_where_they_begin_and_the_last_exchange_stands_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    days = [time.strftime("-- %Y-%m-%d", time.localtime(each["began_at"])) for each in reversed(Gateway.rows)]

    told = run(monkeypatch).output.splitlines()

    assert [line if line.startswith("--") else line.split()[-1] for line in told] == [
        days[0], "ex_1", days[1], "ex_2", "ex_3", days[3], "ex_4",
    ]  # fmt: skip


def test_json_is_an_object_a_line_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    told = run(monkeypatch, "--json", "--errors", "--since", "7d").output.splitlines()

    assert [json.loads(line) for line in told] == list(reversed(Gateway.rows))
    assert Gateway.asked == {"since": "7d", "error": "any", "limit": "50"}


def test_what_was_dear_or_slow_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--min-cost", "0.5", "--min-total", "60")

    assert Gateway.asked == {"min_cost_usd": "0.5", "min_total_s": "60", "limit": "50"}
    assert "not with --min-cost" in run(monkeypatch, "--follow", "--min-cost", "1").output


class Feed(BaseHTTPRequestHandler):
    """A live feed that tells of one exchange that is in the list as well, of another, and says goodbye."""

    opened: list[str] = []

    def do_GET(self) -> None:
        self.opened.append(self.path)
        told = [b"data: %b\n" % json.dumps(row(number, 40 * DAY_S)).encode() for number in (3, 5)]
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n: hello\n\n" + b"".join(b"event: exchange\n" + each + b"\n" for each in told))
        self.wfile.write(b'event: end\ndata: {"end":"the gateway stops"}\n\n')

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def test_what_ends_while_the_list_is_asked_for_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Feed.opened = []
    before: list[list[str]] = []

    class Busy(Gateway):
        def exchanges(self, given: dict[str, str]) -> dict[str, Any]:
            before.append(list(Feed.opened))
            return super().exchanges(given)

    with HTTPServer(("127.0.0.1", 0), Feed) as server:
        server.timeout = 30
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setattr(Busy, "address", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(module, "Source", Busy)
        ended = CliRunner().invoke(logs, ["--follow", "--json", "--model", "m"])
        thread.join()

    assert before == [["/api/live?model=m"]]
    assert [json.loads(line)["id"] for line in ended.stdout.splitlines()] == ["ex_1", "ex_2", "ex_3", "ex_4", "ex_5"]
    assert (ended.exit_code, ended.stderr) == (1, "Error: the gateway stops\n")


@pytest.mark.parametrize("address", ["nonsense", "http://localhost:99999"])
def test_what_is_no_address_cannot_be_followed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gateway, "address", address)

    ended = run(monkeypatch, "--follow")

    assert (ended.exit_code, ended.stderr.endswith("; write it as `http://127.0.0.1:8080`\n")) == (1, True)


def test_without_a_gateway_nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run(monkeypatch, "--follow")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "no gateway answers at http://127.0.0.1:1 (Connection refused), so nothing will follow" in ended.stderr


def test_what_cannot_be_followed_is_said_by_the_names_of_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run(monkeypatch, "--follow", "--until", "1h")

    assert ended.exit_code == 2
    assert (
        "--follow goes with --model, --provider, --key, --user, --team, --session, --agent, --status, --error, not with --until"
        in ended.output
    )


@pytest.mark.parametrize(("arguments", "told"), [((), "nothing is on record yet"), (("--errors",), "nothing like that is on record")])
def test_an_empty_journal_is_told_from_filters_that_nothing_passes(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.setattr(Gateway, "rows", [])

    assert run(monkeypatch, *arguments).output == f"{told}, says the gateway\n"
