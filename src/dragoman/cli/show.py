"""`dragoman show`: all that is on record of one exchange, or of a session as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
import msgspec

from dragoman.cli.amounts import clock, count, dollars, percent, seconds, spent
from dragoman.cli.asking import config_option, fetch, gateway_option
from dragoman.cli.journal import RUNNING, Source, table
from dragoman.observe.line import legible

_IDS = "ex_"
_SEEN_S = 0.00005
_PARTS = (
    ("queue_s", "queue"), ("admission_s", "admission"), ("guards_s", "guards"), ("cache_s", "cache"), ("waited_s", "waits between tries"),
    ("connect_s", "connect"), ("upstream_first_byte_s", "provider's first byte"), ("first_token_s", "first token after"),
    ("generation_s", "generation"), ("tools_s", "tools"), ("own_s", "the gateway itself"), ("total_s", "all"),
)  # fmt: skip
_FACTS = ("client", "user", "team", "address", "key_prefix", "session", "turn", "parent_session", "kind", "run", "replays", "cwd", "repo")


@click.command()
@click.argument("name", metavar="ID")
@click.option("--bodies", is_flag=True, help="And what was sent and received on both sides.")
@gateway_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, bodies: bool, gateway: str | None, config: str | None, as_json: bool) -> None:
    """Tell all of the exchange ID (its beginning is enough), or of a session: turns, tools, times, tokens, cost, and why it went there."""
    if not name.strip():
        raise click.UsageError("ID is empty; `dragoman logs` lists the ids of exchanges, `dragoman top` sessions")
    source = Source(gateway, config)
    is_exchange = name.startswith(_IDS)
    try:
        found = source.exchange(name, bodies=bodies) if is_exchange else source.session(name)
    except click.ClickException:
        _tell_of_running(source, name)
        raise
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    lines = _exchange(found) if is_exchange else _session(found)
    click.echo(legible("\n".join(click.unstyle(line) for line in lines), "\n\t"))


def _tell_of_running(source: Source, name: str) -> None:
    """What is not on record may be under way. Raises ClickException that says so."""
    running: list[dict[str, Any]] = [] if source.address is None or not name else fetch(source.address, RUNNING)["running"]
    for row in running:
        if row["id"].startswith(name):
            where = f"by {row['provider']}/{row['model']}" if row["provider"] else "and no provider is asked yet"
            raise click.ClickException(
                legible(f"`{row['id']}` is under way for {seconds(row['running_s'])}, {where}; what it comes to is told when it ends")
            )


def _exchange(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row['id']}  {clock(row['began_at'])}"
    agent = f"{row['agent'] or '?'} {row['agent_version'] or ''}".strip()
    model = f" `{row['asked']}`" if row["asked"] else ", of a model that was not read,"
    yield f"  {agent} asked{model} by {row['dialect_in'] or '?'}{', streamed' if row['stream'] else ''}"
    if row["provider"] is not None:
        told = f", which called itself `{row['answered']}`" if row["answered"] not in (None, row["model"]) else ""
        yield f"  {row['provider']}/{row['model']} answered by {row['dialect_out']}, {row['lane']} lane{told}"
    outcome = f"{row['error']}: {row['message']}" if row["error"] else f"ended by {row['stop_reason'] or '?'}"
    yield f"  HTTP {row['status']}, {outcome}"
    yield from (f"  {name:<15} {row[name]}" for name in _FACTS if row.get(name) not in (None, "", "-"))
    yield from _routing(row.get("decision"))
    yield from _attempts(row["attempts"])
    yield "\ntimes"
    yield from (f"  {words:<22} {seconds(row[name])}" for name, words in _PARTS if (row.get(name) or 0.0) >= _SEEN_S)
    yield from _tokens(row)
    if row["tools"]:
        yield "\ntools called"
        yield from table(("  tool", "command", "arguments", "result", "id"), [_tool(tool) for tool in row["tools"]], left=2)
    if row["warnings"]:
        yield "\nwarnings"
        yield from (f"  {field}: {why}" for field, why in row["warnings"])
    yield from _bodies(row["bodies"])


def _routing(decision: Any) -> Iterator[str]:
    if not isinstance(decision, dict):
        return
    said: dict[str, Any] = decision  # pyright: ignore[reportUnknownVariableType]
    rule = f", rule `{said['rule']}`" if said.get("rule") else ""
    yield f"\nrouting: {said.get('model')} ({said.get('found')}{rule}, {said.get('strategy')})"
    yield from (f"  {number}. {place['seat']}  {place['why']}" for number, place in enumerate(said.get("places", ()), 1))


def _attempts(attempts: list[dict[str, Any]]) -> Iterator[str]:
    if attempts:
        yield "\nattempts"
        head = ("  seat", "at", "connected", "first byte", "ended", "status", "cost", "error")
        yield from table(head, [_attempt(one) for one in attempts])


def _attempt(one: Mapping[str, Any]) -> tuple[str, ...]:
    key = f"@{one['provider_key']}" if one["provider_key"] else ""
    times = (seconds(one[name]) for name in ("began_s", "connected_s", "first_byte_s", "ended_s"))
    return f"  {one['provider']}/{one['model']}{key}", *times, str(one["status"] or "-"), dollars(one.get("cost_usd")), one["error"] or ""


def _tokens(row: Mapping[str, Any]) -> Iterator[str]:
    if row["input_tokens"] is None:
        return
    kinds = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    told = ", ".join(f"{count(row[name])} {name.removesuffix('_tokens').replace('_', ' ')}" for name in kinds if row[name])
    yield f"\ntokens: {told or 'none'}"
    picos: dict[str, int] = row["cost_parts"] or {}
    parts = ", ".join(f"{kind} {dollars(pico / 10**12)}" for kind, pico in picos.items())
    yield f"cost: {dollars(row['cost_usd'])}{f' ({parts})' if parts else ''}"


def _tool(tool: Mapping[str, Any]) -> tuple[str, ...]:
    result = "-" if tool["result_bytes"] is None else f"{count(tool['result_bytes'])} B{' failed' if tool['is_error'] else ''}"
    return f"  {tool['name']}", tool["command"] or "", f"{count(tool['arguments_bytes'])} B", result, tool["call_id"]


def _bodies(bodies: Any) -> Iterator[str]:
    if not isinstance(bodies, dict):
        return
    sides: dict[str, Any] = bodies  # pyright: ignore[reportUnknownVariableType]
    for side, body in sides.items():
        yield f"\n{side.replace('_', ' ')} ({count(body['whole'])} B)"
        yield from (f"  {name}: {value}" for name, value in body["headers"])
        yield body["text"]


def _session(tree: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    pad = "    " * depth
    yield f"{pad}session {tree['id']}  {tree['agent'] or ''}  {_sums(tree['sums'])}"
    for number, turn in enumerate(tree["turns"], 1):
        yield f"{pad}  turn {number}  {_sums(turn['sums'])}"
        for row in turn["exchanges"]:
            status = row["error"] or row["status"]
            kind = f" ({row['kind']})" if row["kind"] else ""
            what = f"{row['provider']}/{row['model']}{kind}  {status}  {seconds(row['total_s'])}"
            yield f"{pad}    {row['id'][:21]}  {clock(row['began_at'])[11:]}  {what}"
    for agent in tree["agents"]:
        yield from _session(agent, depth + 1)
    if tree.get("commands"):
        yield "\nwhat took the most tokens"
        rows = [(f"  {one['name']}", one["command"], str(one["calls"]), count(one["result_tokens"])) for one in tree["commands"][:15]]
        yield from table(("  tool", "command", "calls", "tokens of results"), rows, left=2)
    if tree.get("is_whole") is False:
        yield "(there is more: the session is longer than is shown at once)"


def _sums(sums: Mapping[str, Any]) -> str:
    cached = f", {percent(sums['cache_hit_rate'])} cached" if sums["cache_hit_rate"] else ""
    failed = f", {sums['failed']} failed" if sums["failed"] else ""
    tokens = f"{count(sums['input_tokens'])} in{cached}, {count(sums['output_tokens'])} out"
    requests = "1 request" if sums["exchanges"] == 1 else f"{sums['exchanges']} requests"
    return f"{requests}{failed}, {tokens}, {spent(sums)}, {seconds(sums['total_s'])}"
