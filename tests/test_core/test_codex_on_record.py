"""Conversations in the shape in which Codex 0.169 asks (headers, metadata, items), written by hand: from the exchange itself through the
journal to the tree that is told, and to what a replay makes of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from stand import provider, stand

from dragoman.app.asking import Asking
from dragoman.app.pricing import record_price
from dragoman.app.recorded import Records
from dragoman.app.replay import case_of, request_for
from dragoman.app.replay_turns import chains, links
from dragoman.config.journal_schema import Journal as Settings
from dragoman.config.price_schema import ModelPrice
from dragoman.core.completion import Completion
from dragoman.core.runtime import Capture
from dragoman.ir.record import Record
from dragoman.observe.journal import Journal
from dragoman.policy.book import PriceBook
from dragoman.store.open import open_store

Json = dict[str, Any]
ROOT, HELPER, TITLE = "0199-aaaa", "0199-bbbb", "0199-cccc"
PRICES = PriceBook({"up/*": ModelPrice(input=2.0, cache_read=0.2, output=10.0)}, {"up": None})


def headers(session: str, turn: str, kind: str = "turn", source: str = "user", **more: str) -> dict[str, str]:
    metadata = {
        "session_id": session, "thread_id": session, "agent_name": "/root", "turn_id": turn, "request_kind": kind, "thread_source": source,
        "sandbox": "seccomp", "workspaces": {"/home/ada/shop": {"latest_git_commit_hash": "c0ffee", "has_changes": True}},
    }  # fmt: skip
    return {
        "originator": "codex_exec",
        "user-agent": "codex_exec/0.169.0 (Linux; x86_64) xterm-256color (codex_exec; 0.169.0)",
        "accept": "text/event-stream",
        "x-codex-turn-metadata": json.dumps(metadata),
        "session-id": session,
        "thread-id": session,
        **more,
    }


def message(role: str, text: str) -> Json:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def thought(name: str) -> Json:
    return {"type": "reasoning", "id": f"rs_{name}", "summary": [], "content": None, "encrypted_content": f"sealed-{name}"}


def command(name: str, line: str) -> Json:
    arguments = json.dumps({"cmd": line, "yield_time_ms": 1000})
    return {"type": "function_call", "id": f"fc_{name}", "call_id": f"call_{name}", "name": "exec_command", "arguments": arguments}


def patch(name: str) -> Json:
    text = "*** Begin Patch\n*** Update File: pay.py\n@@\n-x\n+y\n*** End Patch"
    return {"type": "custom_tool_call", "id": f"ctc_{name}", "call_id": f"call_{name}", "name": "apply_patch", "input": text}


def output(call: Json, text: str) -> Json:
    return {"type": f"{call['type']}_output", "call_id": call["call_id"], "output": f"Exit code: 0\nOutput:\n{text}"}


def asked(*items: Json, session: str = ROOT) -> Json:
    return {
        "model": "up/m", "stream": True, "instructions": "You are Codex.", "input": list(items), "tool_choice": "auto", "store": False,
        "tools": [{"type": "function", "name": "exec_command", "parameters": {}}, {"type": "custom", "name": "apply_patch"}],
        "parallel_tool_calls": True, "include": ["reasoning.encrypted_content"], "prompt_cache_key": session,
        "client_metadata": {"x-codex-installation-id": "0199-install"},
    }  # fmt: skip


def stream(*items: Json, given: int, cached: int, made: int) -> bytes:
    """What the provider answers."""
    usage = {
        "input_tokens": given, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": given + made,
    }  # fmt: skip
    reply = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": list(items)}
    events = [{"type": "response.created", "response": {**reply, "status": "in_progress", "output": []}}]
    for index, item in enumerate(items):
        events += [{"type": f"response.output_item.{moment}", "output_index": index, "item": item} for moment in ("added", "done")]
    events.append({"type": "response.completed", "response": {**reply, "status": "completed", "usage": usage}})
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps({**event, "sequence_number": number}).encode())
        for number, event in enumerate(events)
    )


LOOK, EDIT, COUNT = command("look", "git diff --stat"), patch("edit"), command("count", "wc -l pay.py")
FIRST = [message("developer", "<permissions>"), message("user", "Mend the sum.")]
SECOND = [*FIRST, thought("1"), LOOK, output(LOOK, " pay.py | 2 +-\n" * 30)]
THIRD = [*SECOND, message("assistant", "Now I edit."), EDIT, output(EDIT, "Success. Updated pay.py")]
SUMMED = [*THIRD, message("assistant", "Done."), message("user", "Summarize the conversation for a handoff.")]
LATER = [message("user", "Summary of what went before: the sum is mended."), message("user", "Count the lines.")]

# headers, request, answer; tokens are chosen so that each exchange costs something else.
TALK: list[tuple[dict[str, str], Json, bytes]] = [
    (headers(ROOT, "t1"), asked(*FIRST), stream(thought("1"), LOOK, given=1000, cached=0, made=100)),
    (
        headers(TITLE, "t0", source="thread_title"), asked(message("user", "Name it."), session=TITLE),
        stream(message("assistant", '{"title": "Sums"}'), given=50, cached=0, made=5),
    ),
    (headers(ROOT, "t1"), asked(*SECOND), stream(message("assistant", "Now I edit."), EDIT, given=2000, cached=1000, made=200)),
    (
        headers(ROOT, "h1", **{"thread-id": HELPER, "x-openai-subagent": "collab_spawn", "x-codex-parent-thread-id": ROOT}),
        asked(message("user", "Count the lines."), session=HELPER), stream(COUNT, given=300, cached=0, made=30),
    ),
    (headers(ROOT, "t1"), asked(*THIRD), stream(message("assistant", "Done."), given=3000, cached=2000, made=50)),
    (
        headers(ROOT, "t2", kind="compaction"), asked(*SUMMED),
        stream(message("assistant", "The sum is mended."), given=4000, cached=3000, made=400),
    ),
    (headers(ROOT, "t2"), asked(*LATER), stream(message("assistant", "Nine."), given=500, cached=0, made=10)),
]  # fmt: skip


def pico(given: int, cached: int, made: int) -> int:
    """By hand, in units of 1e-12 dollar: 2, 0.2 and 10 dollars a million."""
    return (given - cached) * 2_000_000 + cached * 200_000 + made * 10_000_000


async def had() -> list[Record]:
    """The records of the conversation, as the exchanges leave them."""
    numbers = iter(range(len(TALK)))

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Any) -> None:
        body = TALK[next(numbers)][2]
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    async with provider(script) as up, stand(up.url, kind="openai-compatible", settings=", dialect: responses") as gateway:
        gateway.runtime = msgspec.structs.replace(gateway.runtime, capture=Capture())
        for told, body, _ in TALK:
            await gateway.ask("responses", body, told)
        return gateway.records.all


def on_record(folder: Path) -> Asking:
    url = f"sqlite:///{folder / 'journal.db'}"
    settings = Settings(flush_s=0.01, search=False, paths=True)
    complete = Completion(paths=lambda: True).complete
    journal = Journal(lambda: open_store(url), settings, folder, price=record_price(PRICES), complete=complete)
    for record in asyncio.run(asyncio.wait_for(had(), 120)):
        journal.put(record)
    journal.start()
    journal.close_now(30)
    assert journal.stats().written == len(TALK)
    return Asking(lambda: open_store(url))


def told(asking: Asking, path: str) -> Any:
    """What `GET` of these paths tells."""
    name = path.rpartition("/")[2].partition("?")[0]
    if path.startswith("/api/sessions/"):
        return asyncio.run(asking.session(name))
    return asyncio.run(asking.exchange(name, bodies=path.endswith("bodies=true")))


def test_it_is_told_as_a_tree_with_costs_tools_and_places(tmp_path: Path) -> None:
    asking = on_record(tmp_path)

    tree, title = (asyncio.run(asking.session(name)) for name in (ROOT, TITLE))
    asking.close()

    (helper,) = tree["agents"]
    shape = [(turn["id"], [(row["id"], row["kind"], row["cost_pico"]) for row in turn["exchanges"]]) for turn in tree["turns"]]
    assert shape == [
        (
            "t1",
            [
                ("ex_1", "turn", pico(1000, 0, 100)),
                ("ex_3", "turn", pico(2000, 1000, 200)),
                ("ex_5", "turn", pico(3000, 2000, 50)),
            ],
        ),
        ("t2", [("ex_6", "compaction", pico(4000, 3000, 400)), ("ex_7", "turn", pico(500, 0, 10))]),
    ]
    assert {len(row["tries"]) for turn in tree["turns"] for row in turn["exchanges"]} == {1}
    assert (helper["id"], helper["parent"], [row["kind"] for row in helper["turns"][0]["exchanges"]]) == (HELPER, ROOT, ["collab_spawn"])
    assert [row["kind"] for row in title["turns"][0]["exchanges"]] == ["title"]
    assert tree["own"]["cost_pico"] == sum(cost for _, rows in shape for _, _, cost in rows)
    assert tree["sums"]["cost_pico"] == tree["own"]["cost_pico"] + pico(300, 0, 30)
    assert tree["sums"]["cache_hit_rate"] == 6000 / 10_800
    assert (tree["agent"], tree["client"], tree["cwd"], tree["models"]) == ("codex", "-", "/home/ada/shop", {"up/m": 5})
    commands = [(row["name"], row["command"], row["calls"], row["result_bytes"] > 0) for row in tree["commands"]]
    assert sorted(commands) == [
        ("apply_patch", "", 1, True),
        ("exec_command", "git diff", 1, True),
        ("exec_command", "wc", 1, False),
    ]  # fmt: skip


@pytest.mark.long
def test_it_can_be_asked_of_another_model_step_by_step(tmp_path: Path) -> None:
    asking = on_record(tmp_path)

    records = Records(lambda path: told(asking, path))
    rows = records.session(ROOT)
    kept = [records.exchange(row["id"]) for row in rows]
    asking.close()
    cases = [case_of(each) for each in kept if each is not None]
    linked = links(cases)

    assert [case.id for case in cases] == ["ex_1", "ex_3", "ex_4", "ex_5", "ex_6", "ex_7"]
    assert [[case.id for case in chain] for chain in chains(cases, linked)] == [["ex_1", "ex_3", "ex_5"], ["ex_4"], ["ex_6"], ["ex_7"]]
    assert [[call.name for call in case.recorded.calls] for case in cases] == [
        ["exec_command"],
        ["apply_patch"],
        ["exec_command"],
        [],
        [],
        [],
    ]
    sent = json.loads(request_for(cases[1], "new/m", "run"))
    assert sent["input"] == SECOND
    assert (sent["model"], sent["prompt_cache_key"], "client_metadata" in sent) == ("new/m", "replay-run", False)
