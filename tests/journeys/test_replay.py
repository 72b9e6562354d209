"""`dragoman replay`: what Codex and other clients asked is asked again of other models, and told side by side."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
from machine import CODER, DRAGOMAN, Machine, Ran, provider_of, requests, ruled, stats
from parts import gateway, simulator
from patience import PATIENCE_S, until
from upstreams import DIALECTS, MODELS, door, got, provider

from dragoman.app.replay_turns import DIFFERED, FAILED, OWN

pytestmark = pytest.mark.journey

HOSTILE = "</pre><script>alert(1)</script> ``` | <b>bold</b>"
OTHER = ruled({"reply": [{"text": f"Another answer. {HOSTILE}"}]})
PRICES = {"old/*": {"input": 1.0, "output": 2.0}, "new/*": {"input": 10.0, "output": 20.0}}
NOBODY = {"port": 1}
"""Where the commands look for a gateway: none is there."""


@pytest.fixture
def two(machine: Machine) -> Iterator[tuple[str, str, str]]:
    """A gateway in front of two providers: its address, and those of the providers."""
    with simulator(CODER) as old, simulator(OTHER) as new:
        config = {"providers": {"old": provider_of(old, "responses"), "new": provider_of(new, "chat")}, "prices": PRICES, "server": NOBODY}
        with gateway(machine.home, config) as address:
            yield address, old, new


def kept(machine: Machine, question: str) -> list[Any]:
    """What the database answers, once it has an answer."""

    def look() -> list[Any] | None:
        with contextlib.suppress(sqlite3.OperationalError), sqlite3.connect(machine.home / ".local/share/dragoman/journal.db") as database:
            return database.execute(question).fetchall()
        return None

    return until(look, f"an answer to `{question}`")


def kept_session(machine: Machine, count: int) -> str:
    """The one session on record, once all these exchanges of it are: they are written behind the answers."""
    question = f"select session from dragoman_exchanges where session is not null group by session having count(*) = {count}"
    ((session,),) = kept(machine, question)
    return session


def ask(address: str, words: str, **more: Any) -> str:
    """One exchange; its id."""
    body = {"model": "old/m-1", "messages": [{"role": "user", "content": words}], "user": "ada@example.com", **more}
    sent = Request(f"{address}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(sent) as answer:
        answer.read()
        return answer.headers["x-dragoman-exchange"]


def replay(machine: Machine, *arguments: str) -> Ran:
    return machine.dragoman("replay", *arguments, "--config", str(machine.home / "dragoman.yaml"))


def test_session_of_codex_is_asked_again_of_another_model(machine: Machine, two: tuple[str, str, str]) -> None:
    address, old, new = two
    machine.configure(door(address))
    ran = machine.exec("Write the file hello.txt.", "-m", "old/gpt-5.5")
    assert ran.code == 0, ran.err
    count = len(requests(old))
    session = kept_session(machine, count)

    done = replay(machine, session, "--model", "new/m-2", "--out", "report.json")
    told = json.loads((machine.work / "report.json").read_text())

    assert done.code == 0, done.err
    assert "requests to new/m-2: about $" in done.err
    assert len(told["requests"]) == len(requests(new)) > 1
    assert len(requests(old)) == count
    assert {each["answers"]["new/m-2"]["by"] for each in told["requests"]} == {"new/m-2"}
    assert all("Another answer." in each["answers"]["new/m-2"]["text"] for each in told["requests"])
    # What is told of cost is what the journal holds, recorded as replays of their originals and in no session.
    rows = kept(machine, "select kind, replays, session, cost_pico from dragoman_exchanges where model = 'm-2'")
    assert {row[:3] for row in rows} == {("replay", each["id"], None) for each in told["requests"]}
    assert sum(row[3] for row in rows) == told["sums"]["new/m-2"]["cost_pico"] > 0
    # Nothing of what names the user's machine goes along.
    sent = json.dumps(requests(new))
    assert "client_metadata" not in sent and session not in sent and "x-codex" not in sent


def test_turns_of_codex_go_on_by_themselves_at_whoever_calls_the_same(machine: Machine) -> None:
    (machine.work / "app.py").write_text("def greet():\n    return 'hi'\n")
    models = {name: f"{name}/{MODELS[name]}" for name in DIALECTS}
    with simulator(CODER) as old, simulator(CODER) as same, simulator(OTHER) as other:
        providers = {name: provider(same, name) for name in DIALECTS}
        away = {"kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "keys": ["k"]}
        all_of_them = {"old": provider_of(old, "responses"), **providers, "other": provider_of(other, "chat"), "away": away}
        with gateway(machine.home, {"providers": all_of_them, "server": NOBODY, "routing": {"retry": {"attempts": 1}}}) as address:
            machine.configure(door(address))
            ran = machine.exec("Add a docstring to greet in app.py.", "-m", "old/gpt-5.5")
            assert ran.code == 0, ran.err
            edited = (machine.work / "app.py").read_text()
            steps = len(got(old))
            session = kept_session(machine, steps)

            chosen = [word for model in (*models.values(), "other/m", "away/m") for word in ("--model", model)]
            done = replay(machine, session, *chosen, "--gateway", address, "--out", "r.json")
            told = json.loads((machine.work / "r.json").read_text())
            apart = replay(machine, session, "--model", models["responses"], "--gateway", address, "--out", "a.json", "--apart")
            told_apart = json.loads((machine.work / "a.json").read_text())

        # One model that is not there fails; the others are told all the same, and nothing was run again.
        assert (done.code, apart.code) == (1, 0), done.err
        assert (machine.work / "app.py").read_text() == edited
        assert steps > 2
        ways = {model: [each["answers"][model]["after"] for each in told["requests"]] for model in told["models"]}
        assert ways == {
            **{model: ["", *[OWN] * (steps - 1)] for model in models.values()},
            "other/m": ["", *[DIFFERED] * (steps - 1)],
            "away/m": ["", *[FAILED] * (steps - 1)],
        }
        sums = told["sums"]
        alike = {(sums[model]["same"], sums[model]["own"], sums[model]["failed"]) for model in models.values()}
        assert alike == {(steps, steps - 1, 0)}
        assert (sums["other/m"]["failed"], sums["away/m"]["failed"]) == (0, steps)
        assert {each["answers"][models["responses"]]["after"] for each in told_apart["requests"]} == {""}
        # Each provider sees the calls that it made itself, with the recorded results, and its own thoughts come back to it.
        assert (stats(same)["violations"], stats(other)["violations"]) == ([], [])
        for dialect in DIALECTS:
            sent = [request for request in got(same) if request.dialect == dialect][:steps]
            assert [len(request.results) for request in sent] == list(range(steps))
            assert [text for _, text in sent[-1].results] == [text for _, text in got(old)[-1].results]
            if dialect != "chat":
                assert [bool(request.proofs) for request in sent] == [False] + [True] * (steps - 1)


def test_exchange_is_told_beside_its_replays_with_everything_escaped(machine: Machine, two: tuple[str, str, str]) -> None:
    address, _, new = two
    name = ask(address, f"Say something. {HOSTILE}")
    kept(machine, f"select 1 from dragoman_exchanges where id = '{name}'")

    done = replay(machine, name, "--model", "new/m-2", "--model", "new/m-3", "--out", "r.html")
    page = (machine.work / "r.html").read_text()

    assert done.code == 0, done.err
    assert "Another answer." in done.out
    assert {request["body"]["model"] for request in requests(new)} == {"m-2", "m-3"}
    assert "ada@example.com" not in json.dumps(requests(new))
    assert ("<script>alert" in page, "&lt;script&gt;alert" in page) == (False, True)


def test_exchange_whose_bodies_were_not_kept_says_so(machine: Machine, two: tuple[str, str, str]) -> None:
    address, _, _ = two
    body = json.dumps({"model": "old/m-1", "messages": [{"role": "user", "content": "hi"}]}).encode()
    headers = {"content-type": "application/json", "x-dragoman-log": "none"}
    with urlopen(Request(f"{address}/v1/chat/completions", body, headers)) as answer:
        name = answer.headers["x-dragoman-exchange"]
    kept(machine, f"select 1 from dragoman_exchanges where id = '{name}'")

    done = replay(machine, name, "--model", "new/m-2")

    assert done.code == 1
    assert f"`{name}` cannot be run again: its bodies were not kept" in done.err


def test_gateway_of_our_own_is_started_where_none_runs(machine: Machine) -> None:
    with simulator(CODER) as old, simulator(OTHER) as new:
        config = {"providers": {"old": provider_of(old, "responses"), "new": provider_of(new, "chat")}, "server": NOBODY}
        with gateway(machine.home, config) as address:
            name = ask(address, "Say something.")
            kept(machine, f"select 1 from dragoman_exchanges where id = '{name}'")

        done = replay(machine, name, "--model", "new/m-2", "--out", "r.md")

        assert done.code == 0, done.err
        assert "the price is not known" in done.err
        assert "Another answer." in (machine.work / "r.md").read_text()
        assert len(requests(new)) == 1


def test_gateway_that_is_named_is_asked_for_what_it_recorded(machine: Machine, two: tuple[str, str, str]) -> None:
    address, _, new = two
    name = ask(address, "Say something.")
    kept(machine, f"select 1 from dragoman_exchanges where id = '{name}'")

    done = machine.dragoman("replay", name, "--model", "new/m-2", "--gateway", address, XDG_DATA_HOME=str(machine.home / "elsewhere"))

    assert done.code == 0, done.err
    assert "Another answer." in done.out
    assert len(requests(new)) == 1
    ((replays, kind),) = kept(machine, "select replays, kind from dragoman_exchanges where kind = 'replay'")
    assert (replays, kind) == (name, "replay")


def test_ctrl_c_ends_it_and_shows_what_is_there(machine: Machine) -> None:
    slow = {"match": {"model": "m-3"}, "reply": [{"text": "Too late."}], "fault": {"stall": {"at": "head", "for_s": 600}}}
    with simulator(CODER) as old, simulator(ruled(slow, {"reply": [{"text": "In time."}]})) as new:
        config = {"providers": {"old": provider_of(old, "responses"), "new": provider_of(new, "chat")}, "server": NOBODY}
        with gateway(machine.home, config) as address:
            name = ask(address, "Say something.")
            kept(machine, f"select 1 from dragoman_exchanges where id = '{name}'")
            asked = ["replay", name, "--model", "new/m-2", "--model", "new/m-3", "--concurrency", "1", "--gateway", address]
            process = subprocess.Popen(
                [*DRAGOMAN, *asked], env=machine.env, cwd=machine.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            assert process.stderr is not None
            # The first one is answered, and the second one waits for an answer that does not come.
            told = next(line for line in process.stderr if "1/2" in line)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE_S)

    assert "new/m-2" in told
    assert (process.returncode, "stopped after 1 of 2" in err, "Traceback" in err) == (1, True, False)
    assert ("In time." in out, "Too late." in out) == (True, False)
