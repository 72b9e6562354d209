"""`dragoman replay`: recorded requests once more, on other models, side by side with what was answered then."""

from __future__ import annotations

import http.client
import os
import queue
import secrets
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from dragoman.app.keeping import database_url
from dragoman.app.recorded import Records
from dragoman.app.replay import Answer, Case, Unfit, case_of, headers_of, read_answer, request_for, with_row
from dragoman.app.replay_report import APART, HOW, WRITERS, Report, Row, seconds, table, usd, write
from dragoman.app.replay_turns import Link, Walk, chains, links
from dragoman.cli.amounts import dollars
from dragoman.cli.asking import address_of, config_option, fetch, gateway_option, tell
from dragoman.cli.child import ChildFailed, child_gateway
from dragoman.cli.codex.arguments import KEY_VARIABLE
from dragoman.cli.columns import aligned
from dragoman.cli.gateway import Sight, look_at, post
from dragoman.config.load import load
from dragoman.ir.request import Item
from dragoman.observe.line import legible
from dragoman.server.admin import DryRun
from dragoman.server.app import MODEL_ROUTES

_PATHS = {name: f"/v1{path}" for path, name in MODEL_ROUTES.items()}
_WAIT_S = 1800.0
"""Seconds of silence after which an answer is given up. The gateway has deadlines of its own, and gives signs of life."""
_WRITTEN_S = 30.0
"""How long the journal may take to write the replays down."""
_LOOK_S = 0.1
_NONE = ("no exchange `", "no session `")
"""How a gateway begins to say that nothing of that name is on record."""
_BESIDE = frozenset({"title", "prewarm"})
_ENDINGS = {".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".json": "json"}


class Place(msgspec.Struct, frozen=True):
    """Where replays go: the gateway's address, its key, and where recorded exchanges are to be had. run: names this replay."""

    address: str
    key: str | None
    records: Records
    run: str


@click.command()
@click.argument("which", metavar="ID|SESSION")
@click.option("--model", "models", multiple=True, required=True, metavar="MODEL", help="The model to ask; may be given several times.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write a report: .md, .html or .json.")
@click.option("--yes", is_flag=True, help="Do not ask before spending.")
@click.option("--apart", is_flag=True, help="Each request as it was recorded: none goes on from what the model itself answered before.")
@click.option("--limit", type=click.IntRange(1), help="Of a session, at most so many requests, the first ones.")
@click.option("--concurrency", type=click.IntRange(1, 64), help="Requests at once. Default: one for each model.")
@gateway_option
@config_option
def replay(
    which: str,
    models: tuple[str, ...],
    out: str | None,
    yes: bool,
    apart: bool,
    limit: int | None,
    concurrency: int | None,
    gateway: str | None,
    config: str | None,
) -> None:
    """Send a recorded exchange, or each one of a session, again to other models, and show the answers side by side.

    Tools are answered from the record, none is run: while a model calls what was called then, a turn goes on from its own answers, else
    from the recorded ones. All goes through the gateway (one is started where none runs), which records it with the kind `replay`.
    """
    kind = _kind(out)
    models = tuple(dict.fromkeys(models))
    with _place(gateway, config) as place:
        cases, notes = _cases(place.records, which, limit)
        _tell_estimate(place, cases, models)
        if not yes and sys.stdin.isatty() and not click.confirm("Send them?", err=True):
            raise click.Abort
        answers = _run(place, cases, models, {} if apart else links(cases), concurrency or len(models))
        answers = _settled(place, answers)
    rows = tuple(Row(case, {model: answers[case.id, model] for model in models if (case.id, model) in answers}) for case in cases)
    report = Report(which, models, tuple(row for row in rows if row.answers), tuple(notes), APART if apart else HOW)
    click.echo(_summary(report))
    if out is not None:
        try:
            Path(out).write_text(write(report, kind), encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"the report cannot be written to `{out}`: {error.strerror}") from error
        click.echo(f"dragoman: the report is in {out}", err=True)
    if any(answer.error for answer in answers.values()) or len(answers) < len(cases) * len(models):
        sys.exit(1)


def _kind(out: str | None) -> str:
    """What the report is to be. Raises UsageError where it could not be written: before anything is spent."""
    if out is None:
        return "md"
    folder = Path(out).parent
    if not folder.is_dir():
        raise click.UsageError(f"--out: there is no folder `{folder}` to write the report into")
    if not os.access(out if Path(out).exists() else folder, os.W_OK):
        raise click.UsageError(f"--out: `{out}` may not be written here")
    kind = _ENDINGS.get(Path(out).suffix.lower())
    if kind is None:
        raise click.UsageError(f"--out ends with what it is to be: {', '.join(f'.{each}' for each in WRITERS)}")
    return kind


# ---- where from, where to ------------------------------------------------------------------------------------------------------


@contextmanager
def _place(gateway: str | None, config: str | None) -> Generator[Place]:
    """The gateway that is named or runs, else one of our own, with the journal of the config."""
    key, run = os.environ.get(KEY_VARIABLE), secrets.token_hex(6)
    with ExitStack() as stack:
        address = address_of(gateway, config)
        look = look_at(address, key=key)
        if look.sight is Sight.LOCKED:
            raise click.ClickException(f"the gateway at {address} wants a client key: set {KEY_VARIABLE} to one of its `access.keys`")
        if look.sight is not Sight.GATEWAY:
            if gateway is not None:
                raise click.ClickException(f"no gateway answers at {address} ({look.detail}); leave out --gateway to start one")
            if database_url(load(config, os.environ).config, os.environ) is None:
                raise click.ClickException("`database` is `none` in the config, so nothing was recorded that could be run again")
            try:
                address = stack.enter_context(child_gateway(os.environ, run=run, config=config)).address
            except ChildFailed as error:
                raise click.ClickException(f"the gateway did not start:\n{error}") from error
        yield Place(address, key, _records(address), run)


def _records(address: str) -> Records:
    def ask(path: str) -> Mapping[str, Any] | None:
        try:
            return fetch(address, path)
        except click.ClickException as error:
            if error.message.startswith(_NONE):
                return None
            raise

    return Records(ask)


def _cases(records: Records, which: str, limit: int | None) -> tuple[list[Case], list[str]]:
    """What is to be run, and what is to be said of the rest."""
    kept = records.exchange(which)
    try:
        if kept is not None:
            return [case_of(kept)], []
    except Unfit as error:
        raise click.ClickException(str(error)) from error
    rows = records.session(which)
    if not rows:
        raise click.ClickException(
            f"nothing recorded has the id `{which[:100]}`, and no session has that name; `dragoman logs` lists what there is"
        )
    fit = [row for row in rows if not row["error"] and row["kind"] not in _BESIDE]
    notes = [f"{len(rows) - len(fit)} of the session's {len(rows)} exchanges are left out: they failed, or are beside its turns."]
    notes = notes if len(fit) < len(rows) else []
    if limit is not None and len(fit) > limit:
        notes.append(f"Of {len(fit)} requests the first {limit} were run.")
    cases: list[Case] = []
    # What was said of a long session takes a while to come.
    click.echo(f"dragoman: reading {len(fit[:limit])} recorded requests", err=True)
    for row in fit[:limit]:
        try:
            found = records.exchange(row["id"])
            cases += [] if found is None else [case_of(found)]
        except Unfit as error:
            notes.append(f"Left out: {error}.")
    if not cases:
        raise click.ClickException(" ".join(notes) or "nothing of it can be run again")
    return cases, notes


# ---- what it will cost ---------------------------------------------------------------------------------------------------------


def _tell_estimate(place: Place, cases: Sequence[Case], models: Sequence[str]) -> None:
    count = "1 request" if len(cases) == 1 else f"{len(cases)} requests"
    for model in models:
        costs = [_estimate_usd(place, case, model) for case in cases]
        known = [each for each in costs if each is not None]
        lacking = f", and {len(costs) - len(known)} whose price is not known" if len(known) < len(costs) else ""
        whole = f"about {dollars(sum(known))} if none of it is in a cache" if any(known) else "free"
        told = f"{whole}{lacking}" if known else "the price is not known"
        click.echo(f"dragoman: {count} to {model}: {told}", err=True)


def _estimate_usd(place: Place, case: Case, model: str) -> float | None:
    """What this request would cost where the gateway would send it now. Raises ClickException where it would refuse it."""
    body = msgspec.json.decode(request_for(case, model, place.run), type=dict[str, msgspec.Raw])
    told = tell(place.address, "/api/route", DryRun(model=model, headers=headers_of(case), request=body, dialect=case.dialect))
    first = next(iter(told["places"]), {"price_usd": None})
    return first.get("cold_price_usd") or first["price_usd"]


# ---- running them --------------------------------------------------------------------------------------------------------------


def _run(
    place: Place, cases: Sequence[Case], models: Sequence[str], linked: Mapping[str, Link], at_once: int
) -> dict[tuple[str, str], Answer]:
    """The answers by exchange and model. Ctrl-C ends it with those that are there."""
    waiting: queue.SimpleQueue[tuple[Sequence[Case], str]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Case, str, Answer]] = queue.SimpleQueue()
    stopped = threading.Event()
    for chain in chains(cases, linked):
        for model in models:
            waiting.put((chain, model))

    def work() -> None:
        while True:
            try:
                chain, model = waiting.get_nowait()
            except queue.Empty:
                return
            walk = Walk(linked, model, place.run)
            for case in chain:
                if stopped.is_set():
                    return
                done.put((case, model, _step(place, walk, case)))

    # Daemons: an answer that is still under way must not keep us when somebody wants it to end.
    for number in range(at_once):
        threading.Thread(target=work, name=f"replay {number}", daemon=True).start()
    answers: dict[tuple[str, str], Answer] = {}
    total = len(cases) * len(models)
    try:
        while len(answers) < total:
            case, model, answer = done.get()
            answers[case.id, model] = answer
            _tell_progress(len(answers), total, case, model, answer)
    except KeyboardInterrupt:
        stopped.set()
        click.echo(f"\ndragoman: stopped after {len(answers)} of {total}; what is there is shown", err=True)
    return answers


def _step(place: Place, walk: Walk, case: Case) -> Answer:
    """One answer of a chain. Whatever one of them does wrong, the others are asked all the same."""
    try:
        body, after = walk.request(case)
        answer, items = _send(place, case, body)
        answer = msgspec.structs.replace(answer, after=after)
        walk.took(case, answer, items)
    except Exception as error:
        # The edge of a thread: without an answer the command would wait for ever.
        return Answer(error=f"the replay itself failed: {type(error).__name__}: {error}")
    return answer


def _send(place: Place, case: Case, body: bytes) -> tuple[Answer, tuple[Item, ...]]:
    began = time.monotonic()
    try:
        answer = post(
            place.address,
            _PATHS[case.dialect],
            body,
            key=place.key,
            wait_s=_WAIT_S,
            headers={**headers_of(case), "x-dragoman-run": f"replay-{place.run}"},
        )
    except (OSError, http.client.HTTPException) as error:
        return Answer(error=f"the gateway did not answer: {error or type(error).__name__}"), ()
    took_s = time.monotonic() - began
    read, items = read_answer(case.dialect, answer.body, answer.status, stream=case.stream)
    told = answer.headers.get("x-dragoman-warnings")
    told_answer = msgspec.structs.replace(
        read,
        by=answer.headers.get("x-dragoman-model") or read.by,
        exchange=answer.headers.get("x-dragoman-exchange"),
        total_s=took_s,
        warnings=(told,) if told else (),
    )
    return told_answer, items


def _tell_progress(count: int, total: int, case: Case, model: str, answer: Answer) -> None:
    mark = click.style("✗", fg="red") if answer.error else click.style("✓", fg="green")
    said = " ".join(legible(answer.error, "\n\t").split()) if answer.error else seconds(answer.total_s)
    click.echo(f"  {mark} {count}/{total} {case.id} {model}: {said}", err=True)


def _settled(place: Place, answers: Mapping[tuple[str, str], Answer]) -> dict[tuple[str, str], Answer]:
    """The answers with what the journal says of them. What it has not written in time has what was seen here."""
    until = time.monotonic() + _WRITTEN_S
    return {name: _with_record(place.records, answer, until) for name, answer in answers.items()}


def _with_record(records: Records, answer: Answer, until: float) -> Answer:
    while answer.exchange is not None:
        row = records.row(answer.exchange)
        if row is not None:
            return with_row(answer, row)
        if time.monotonic() > until:
            break
        time.sleep(_LOOK_S)
    return answer


# ---- showing them --------------------------------------------------------------------------------------------------------------


def _summary(report: Report) -> str:
    rows = table(report)
    first, *lines = aligned(rows, range(1, len(rows[0])))
    shown = [click.style(first, dim=True), *lines]
    if len(report.rows) == 1:
        row = report.rows[0]
        for model, answer in [("recorded", row.case.recorded), *row.answers.items()]:
            shown += ["", click.style(f"{model} · {usd(answer.cost_pico)}", bold=True), _plain(answer)]
    return "\n".join(shown)


def _plain(answer: Answer) -> str:
    """What was said, to be read in a terminal."""
    parts = [answer.text, *(f"→ {call.name}({call.arguments})" for call in answer.calls), f"failed: {answer.error}" if answer.error else ""]
    return legible("\n".join(part for part in parts if part), "\n\t")
