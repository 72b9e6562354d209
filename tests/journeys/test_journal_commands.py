"""What is on record: asked by the commands and over HTTP, of a gateway that runs and of its database when none does."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from machine import BYPASS, DRAGOMAN, Machine
from patience import PATIENCE_S, until
from test_gateway_process import serve

pytestmark = pytest.mark.journey

KEY = "dgm-of-ada-0123456789"
CONFIG = f"""
providers: {{demo: {{kind: demo}}}}
models: {{fast: demo/demo}}
access: {{keys: [{{name: ada, key: {KEY}, team: red, user: ada@example.com}}]}}
"""


def ask(address: str, path: str, body: dict[str, Any] | None = None, key: str = KEY, **headers: str) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    given = {"authorization": f"Bearer {key}", **({"content-type": "application/json"} if body else {}), **headers}
    with urlopen(Request(f"{address}{path}", data, given)) as answer:
        return answer.read()


def on_record(address: str, what: str, count: int) -> list[dict[str, Any]]:
    """Exchanges or sessions, as soon as there are so many: they are written behind the answers."""

    def look() -> list[dict[str, Any]] | None:
        found = json.loads(ask(address, f"/api/{what}"))[what]
        return found if len(found) >= count else None

    found = until(look, f"{count} {what} on record")
    assert len(found) == count
    return found


def chat(text: str) -> dict[str, Any]:
    return {"model": "fast", "messages": [{"role": "user", "content": text}]}


def test_what_was_asked_is_told_by_the_gateway_and_by_its_database_alone(machine: Machine) -> None:
    (machine.work / "dragoman.yaml").write_text(CONFIG)
    process, address = serve(machine)
    ask(address, "/v1/chat/completions", chat("hello"))
    ask(address, "/v1/chat/completions", chat("do not keep my words"), **{"x-dragoman-log": "none"})
    with pytest.raises(HTTPError):
        ask(address, "/v1/chat/completions", chat("let me in"), key="sk-proj-somebody-elses-key")
    with pytest.raises(HTTPError):
        ask(address, "/api/exchanges", key="another-key-that-is-wrong")
    options = ("--gateway", address)

    rows = {row["id"]: row for row in on_record(address, "exchanges", 4)}
    logged = machine.dragoman("logs", *options, DRAGOMAN_KEY=KEY)
    told = [json.loads(line) for line in machine.dragoman("logs", "--json", *options, DRAGOMAN_KEY=KEY).out.splitlines()]
    failed = machine.dragoman("logs", "--errors", *options, DRAGOMAN_KEY=KEY)
    used = machine.dragoman("usage", "--by", "client", "--percentiles", "total_s", *options, DRAGOMAN_KEY=KEY)
    seen = machine.dragoman("top", "--once", *options, DRAGOMAN_KEY=KEY)
    lines = list(csv.DictReader(io.StringIO(ask(address, "/api/exchanges?format=csv").decode())))
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    alone = machine.dragoman("logs", "--json")
    shown = machine.dragoman("show", "--bodies", "--json", told[0]["id"][:21])
    hidden = machine.dragoman("show", "--bodies", "--json", told[1]["id"])

    assert [(row["client"], row["team"], row["status"], row["key_prefix"]) for row in told] == [
        ("ada", "red", 200, None),
        ("ada", "red", 200, None),
        ("-", None, 401, "sk-pro"),
        ("-", None, 401, "anothe"),
    ]
    assert {row["id"]: row for row in told} == rows
    assert (logged.code, len(logged.out.splitlines()), len(failed.out.splitlines())) == (0, 4, 2)
    assert sorted(line.split()[:2] for line in used.out.splitlines()[1:4]) == [["-", "2"], ["ada", "2"], ["all", "4"]]
    assert "demo/demo" in seen.out
    assert [line["id"] for line in lines] == [row["id"] for row in reversed(told)]
    assert [json.loads(line) for line in alone.out.splitlines()] == told
    assert json.loads(json.loads(shown.out)["bodies"]["client_request"]["text"]) == chat("hello")
    assert json.loads(hidden.out)["bodies"] == {}
    assert json.loads(hidden.out)["bodies_kept"] == "none"
    assert KEY not in shown.out


def test_what_ends_is_followed_and_what_begins_does_no_harm(machine: Machine) -> None:
    (machine.work / "dragoman.yaml").write_text(CONFIG)
    process, address = serve(machine)
    command = [*DRAGOMAN, "logs", "--follow", "--json", "--gateway", address]
    follower = subprocess.Popen(command, env={**machine.env, "DRAGOMAN_KEY": KEY}, cwd=machine.work, stdout=subprocess.PIPE, text=True)
    assert follower.stdout is not None
    with ThreadPoolExecutor() as threads:
        told = threads.submit(lambda: [json.loads(follower.stdout.readline()) for _ in range(2)])

        # When it listens is not told, so it is given something to hear until it has heard enough.
        def has_heard() -> bool:
            ask(address, "/v1/chat/completions", chat("hello"))
            return bool(wait([told], timeout=0.1).done)

        try:
            until(has_heard, "what is followed")
        finally:
            if not told.done():
                follower.kill()
        rows = told.result()
    follower.send_signal(signal.SIGINT)
    ended = follower.wait(timeout=PATIENCE_S)
    process.terminate()
    process.communicate(timeout=PATIENCE_S)

    assert [(row["client"], row["model"], row["status"]) for row in rows] == [("ada", "demo", 200)] * 2
    assert ended == 130


def test_a_session_of_the_real_codex_is_told_as_a_tree(machine: Machine) -> None:
    (machine.work / "dragoman.yaml").write_text(CONFIG.partition("access")[0])
    (machine.work / "app.py").write_text("def greet():\n    return 'hi'\n")
    process, address = serve(machine)

    machine.dragoman("codex", "--gateway", address, "exec", "--skip-git-repo-check", BYPASS, "read app.py")
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    rows = [json.loads(line) for line in machine.dragoman("logs", "--json").out.splitlines()]
    shown = machine.dragoman("show", rows[0]["session"])
    tree = json.loads(machine.dragoman("show", "--json", rows[0]["session"]).out)

    assert {(row["agent"], row["session"]) for row in rows} == {("codex", tree["id"])}
    assert sum(turn["sums"]["exchanges"] for turn in tree["turns"]) == tree["sums"]["exchanges"] == len(rows) > 1
    assert sum(turn["sums"]["input_tokens"] for turn in tree["turns"]) == sum(row["input_tokens"] for row in rows)
    assert tree["commands"]
    assert all(command["result_bytes"] for command in tree["commands"])
    assert shown.code == 0
    assert "what took the most tokens" in shown.out


def test_a_database_that_is_not_wanted_is_not_made(machine: Machine) -> None:
    (machine.work / "dragoman.yaml").write_text(CONFIG + "database: none\n")
    process, address = serve(machine)
    ask(address, "/v1/chat/completions", chat("hello"))

    with pytest.raises(HTTPError) as refused:
        ask(address, "/api/exchanges")
    process.terminate()
    process.communicate(timeout=PATIENCE_S)

    assert refused.value.code == 404
    assert not list(Path(machine.home).rglob("*.db"))


def test_without_gateway_and_database_both_are_named(machine: Machine) -> None:
    ran = machine.dragoman("logs")

    assert ran.code == 1
    assert "no gateway answers, and there is no journal at" in ran.err
