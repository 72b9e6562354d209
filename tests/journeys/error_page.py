"""The page `docs/errors.md`, line by line from what was measured. `python tests/journeys/error_page.py` writes it anew."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import msgspec
from error_rows import OWN, ROWS, SDK, Own, Row, Sdk
from machine import CLIENTS

os.environ["PATH"] = os.pathsep.join([str(CLIENTS / "node_modules" / ".bin"), str(Path(sys.executable).parent), os.environ["PATH"]])

from error_bench import LANES, WAIT_S, Bench, Told, bench
from error_stops import COMPACTED, STOPS, UNSUPPORTED, WAITS_S, Stop, Stopped, asking, compacted, refused

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
_LONGEST, _TAIL = 300, 100
_HEAD = f"""<!-- Made by `python tests/journeys/error_page.py` from what it measures; the journeys compare every line. Do not edit. -->

# Errors: what the user reads

Measured with the real Codex 0.169.0 (`codex exec`, its own defaults) and the official SDK of OpenAI, each straight at a provider that
has the fault, and through the gateway before that provider. Why the gateway chooses these forms:
[decision 5](decisions/0005-errors-for-codex.md).

- Every sentence says which provider it is and what it did; its own words follow. No key stands in any.
- What cannot be helped by asking again costs one request.
- `relay` is OpenAI's API, its bytes passed on; `responses`, `chat`, `messages` and `generate` are translated. The sentence shown is that
  of the first provider named; the others differ in the provider's own words.
- The gateway has its default settings, but for a deadline of {WAIT_S} s where a provider is silent, and for a broken target, which is
  left alone until all is measured. It tries again before it tells of a fault that may pass ([when a provider fails](resilience.md)):
  where two numbers of requests stand, the second one is how many tries it made for them.

## Codex, when the provider fails

| the provider | Codex alone reads | requests | through the gateway it reads | requests | over |
|---|---|---|---|---|---|
"""
_OWN = """
## Codex, when the gateway has something to say

| what is wrong | Codex reads | requests |
|---|---|---|
"""
_NOTES = """
## Where the gateway asks more often

"""
_SDK = """
## The SDK of OpenAI

Its default of two retries. The gateway's errors are honest in status and in the provider's own body where both speak the same API; what
asking again cannot help carries `x-should-retry: false`, which the SDK obeys. A key of the provider that was refused is no fault of the
client's key: 502, not 401. Where 6 or 7 tries stand, the SDK's own wait decides, which is drawn at random: its last request is told that
the provider rests; or, if it comes more than two seconds after the answer before, it is held until that may be asked once more, and told
what it says then, with its own code.

| the provider | asked for | API | the SDK alone gets | requests | through the gateway | requests | over |
|---|---|---|---|---|---|---|---|
"""
_STOPS = """
## When somebody stops

The provider and the gateway are processes here, which are really ended after some words of the answer. Codex alone waits for the network
without end and without a word of who is away.

| what | who asks | alone it gets | requests | through the gateway | requests |
|---|---|---|---|---|---|
"""
_UNSUPPORTED = """
## What a target cannot be asked

| asked for | the client gets | requests |
|---|---|---|
"""


def codex_line(row: Row, bench: Bench) -> str:
    """A row of the first table."""
    ours = {name: bench.codex(row, name) for name in row.over}
    if row.known is not None:
        alone, times = row.known.shown, row.known.requests
    else:
        raw = bench.codex(row, "raw")
        alone, times = _read(raw, row.patience_s), str(raw.requests)
    return _line(row.what, alone, times, _read(ours[row.over[0]]), _counts(ours), _names(row.over))


def own_line(own: Own, bench: Bench) -> str:
    """A row of the second table."""
    told = bench.own(own)
    return _line(own.what, _read(told), str(told.requests))


def sdk_line(sdk: Sdk, api: str, bench: Bench) -> str:
    """A row of the third table."""
    what = next(row.what for row in ROWS if row.name == sdk.name)
    raw = bench.sdk(sdk, "raw", api)
    ours = {name: bench.sdk(sdk, name, api) for name in LANES[api]}
    if sdk.late:
        ours = {name: _as_if_soon(told, f"{name}/{sdk.name}@key-1") for name, told in ours.items()}
    counts = _counts(ours) + (" or 7" if sdk.late else "")
    asked = "stream" if sdk.stream else "whole"
    return _line(what, asked, f"`{api}`", _read(raw), str(raw.requests), _read(ours[LANES[api][-1]]), counts, _names(LANES[api][::-1]))


def page(bench: Bench, measured: Stopped, folder: Path) -> str:
    """The whole page."""
    stops = "".join(stop_line(stop, client, measured) for stop in STOPS for client in asking(stop))
    refusals = [(wish.what, refused(wish, folder / f"unsupported-{at}")) for at, wish in enumerate(UNSUPPORTED)]
    refusals.append((COMPACTED, compacted(folder / "compacted")))
    unsupported = "".join(unsupported_line(what, told) for what, told in refusals)
    codex = "".join(codex_line(row, bench) for row in ROWS)
    own = "".join(own_line(one, bench) for one in OWN)
    notes = "".join(f"- {row.what}: {row.more}.\n" for row in (*ROWS, *SDK) if row.more)
    sdk = "".join(sdk_line(one, api, bench) for one in SDK for api in LANES)
    return _HEAD + codex + _OWN + own + _NOTES + notes + _SDK + sdk + _STOPS + stops + _UNSUPPORTED + unsupported


def stop_line(stop: Stop, client: str, measured: Stopped) -> str:
    """A row of the fourth table."""
    ours = measured.told(stop, client)
    times = "until it is back" if stop.returns else str(ours.requests)
    if stop.victim == "gateway":
        return _line(stop.what, client, "–", "–", _read(ours), times)
    alone = measured.told(stop, client, alone=True)
    times_alone = times if stop.returns else str(alone.requests) if alone.code is not None else "without end"
    return _line(stop.what, client, _read(alone, WAITS_S), times_alone, _read(ours), times)


def unsupported_line(what: str, told: Told) -> str:
    """A row of the fifth table."""
    return _line(what, _read(told), str(told.requests))


def _as_if_soon(told: Told, seat: str) -> Told:
    """What is told where the last request came too soon for another try: the same sentence and no code of the provider's, as nobody was
    asked."""
    if told.tries != 7:
        return told
    kind, _, sentence = told.error.partition(": ")
    kind = f"{kind.rpartition(' ')[0]} `rate_limit_exceeded`"
    resting = f"nothing that could answer may be asked now: `{seat}` (resting for … s: rate_limited)"
    return msgspec.structs.replace(told, error=f"{kind}: {resting}; {sentence.rstrip('.')}; ask again in … s", tries=6)


def _read(told: Told, patience_s: float = 0) -> str:
    if told.code is None:
        return f"nothing: still waiting after {patience_s:g} s"
    return told.read or "nothing: an empty answer"


def _counts(ours: dict[str, Told]) -> str:
    counts = {name: _count(told) for name, told in ours.items()}
    return (
        _count(next(iter(ours.values()))) if len(set(counts.values())) == 1 else "; ".join(f"{n} (`{name}`)" for name, n in counts.items())
    )


def _count(told: Told) -> str:
    return str(told.requests) if told.tries in (None, told.requests) else f"{told.requests}, {told.tries}"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _line(*cells: str) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |\n"


def _cell(text: str) -> str:
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - _TAIL]} … {text[-_TAIL:]}"
    return " ".join(short.split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder)) as table:
        table.begin_all()
        measured = Stopped(Path(folder))
        measured.begin_all()
        PAGE.write_text(page(table, measured, Path(folder)))
        measured.close()


if __name__ == "__main__":
    main()
