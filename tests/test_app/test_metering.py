"""Metrics of a gateway put together: what things cost, which names are known, what the page says of this moment."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncGenerator, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from dragoman.app.compose import compose, lasting
from dragoman.app.metering import Meter
from dragoman.app.reload import Reloader, Source
from dragoman.app.tracing import destination, places, tracing
from dragoman.config.load import load, parse
from dragoman.config.problems import ConfigError
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.observer import Observer
from dragoman.observe.spans import Place
from dragoman.policy.price import Steps
from dragoman.routing.seat import Seat
from dragoman.routing.target import Target

CONFIG = """
providers:
  p: {kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", keys: [a-key], list: false}
models: {coder: p/m}
prices: {p/m: {input: 1, output: 10, long: [{over: 1000, input: 2, output: 20}]}}
"""
RECORD = Record(
    id="ex_1",
    began_at=1000.0,
    dialect="chat",
    asked="coder",
    provider="p",
    model="m",
    status=200,
    usage=Usage(500_000, 100_000),
    attempts=[Attempt("p", "m", 0.0, ended_s=1.0)],
    total_s=1.0,
)
PATIENCE_S = 120


@contextlib.asynccontextmanager
async def metered(folder: Path, text: str = CONFIG) -> AsyncGenerator[tuple[Meter, Reloader]]:
    file = folder / "dragoman.yaml"
    file.write_text(text)
    read = partial(load, env={"HOME": str(folder)}, cwd=folder)
    async with lasting({}, Observer(None)) as shared:
        loaded = read(None)
        reloader = Reloader(loaded, Source(read), partial(compose, shared=shared), clock=lambda: 12.0, poll_s=3600)
        meter = Meter(Steps(loaded.config.prices), shared.lists, clock=lambda: 100.0)
        async with reloader:
            meter.attach(lambda: reloader.current, lambda: reloader.state, lambda: (3, 2))
            yield meter, reloader


def go(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(story, PATIENCE_S)

    uvloop.run(bounded())


async def told(meter: Meter, *names: str) -> list[str]:
    """The lines of these metrics."""
    page = (await meter.page()).decode()
    return [line for line in page.splitlines() if line.partition("{")[0].partition(" ")[0] in names]


def test_what_exchanges_cost_is_told_by_the_prices_of_config(tmp_path: Path) -> None:
    async def story() -> None:
        async with metered(tmp_path) as (meter, _):
            meter.record(msgspec.structs.replace(RECORD, usage=Usage(1000, 100)))
            meter.record(RECORD)
            assert await told(meter, "dragoman_cost_usd_total", "dragoman_priced_requests_total") == [
                # 1,000 × 1 + 100 × 10, and 500,000 × 2 + 100,000 × 20, of a million
                'dragoman_cost_usd_total{client="-",provider="p",model="m"} 3.002',
                'dragoman_priced_requests_total{client="-",provider="p",model="m"} 2',
            ]
            meter.record(msgspec.structs.replace(RECORD, usage=Usage(1, 1, extra={"chat": {"cost": 0.5}})))
            meter.record(msgspec.structs.replace(RECORD, model="unpriced"))
            await meter.settle()

            lines = await told(meter, "dragoman_cost_usd_total", "dragoman_unpriced_requests_total")
            # Config chose the price, so what the provider tells of its cost does not count.
            assert lines == [
                'dragoman_cost_usd_total{client="-",provider="p",model="m"} 3.002011',
                'dragoman_unpriced_requests_total{client="-",provider="p",model="other"} 1',
            ]

    go(story())


def test_what_exchanges_cost_is_told_by_how_they_were_processed_and_by_who_was_tried(tmp_path: Path) -> None:
    async def story() -> None:
        text = CONFIG.replace("models:", '  openai: {kind: openai, keys: [a-key], models: ["gpt-5.5"], list: false}\nmodels:')
        async with metered(tmp_path, text) as (meter, _):
            usage = Usage(1000, 1000)
            asked = msgspec.structs.replace(RECORD, began_at=1_795_000_000.0, provider="openai", model="gpt-5.5")
            listed = Attempt("openai", "gpt-5.5", 0.0, ended_s=1.0, usage=usage)
            meter.record(msgspec.structs.replace(asked, usage=usage, attempts=[listed], tier="priority"))
            broken = Attempt("p", "m", 0.0, ended_s=0.5, status=200, error="cut", usage=usage)
            tries = [broken, msgspec.structs.replace(listed, began_s=0.5)]
            meter.record(msgspec.structs.replace(asked, usage=usage.plus(usage), attempts=tries))

            # 12.5 and 75 of a million; then 1 and 10 for the first try, 5 and 30 for the second.
            lines = await told(meter, "dragoman_cost_usd_total")
            assert [line.partition("} ")[0] for line in lines] == ['dragoman_cost_usd_total{client="-",provider="openai",model="gpt-5.5"']
            assert float(lines[0].partition("} ")[2]) == pytest.approx(0.0875 + 0.011 + 0.035)

    go(story())


def test_a_model_has_a_name_from_the_moment_on_that_config_names_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with metered(tmp_path) as (meter, reloader):
            later = msgspec.structs.replace(RECORD, model="n")
            meter.record(later)
            (tmp_path / "dragoman.yaml").write_text(CONFIG.replace("p/m}", "p/m, new: p/n}", 1))
            await reloader.reload()
            assert reloader.state.problems == ()
            await meter.settle()
            meter.record(later)

            lines = await told(meter, "dragoman_requests_total")
            assert [line.partition("model=")[2].partition(",")[0] for line in lines] == ['"other"', '"n"']

    go(story())


def test_what_a_reload_replaced_is_not_held(tmp_path: Path) -> None:
    async def story() -> None:
        async with metered(tmp_path) as (meter, reloader):
            meter.record(RECORD)
            await meter.settle()
            replaced = weakref.ref(reloader.current)
            (tmp_path / "dragoman.yaml").write_text(CONFIG.replace("p/m}", "p/m, new: p/n}", 1))
            await reloader.reload()
            gc.collect()
            assert (reloader.state.problems, replaced()) == ((), None)

    go(story())


def test_names_of_clients_are_told_under_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with metered(tmp_path) as (meter, reloader):
            board = reloader.current.runtime.board
            for number in range(30):
                model = f"made-up-{number}"
                meter.record(msgspec.structs.replace(RECORD, model=model, attempts=[Attempt("p", model, 0.0, ended_s=1.0)]))
                board.health(Seat(Target("p", model), "key-1"))
            refused = board.health(Seat(Target("p", "m"), "key-1"))
            board.failed(refused, 90.0, GatewayError(Kind.PROVIDER_KEY, "no", source="upstream"))

            page = (await meter.page()).decode()
            assert "made-up" not in page
            assert [line for line in page.splitlines() if line.startswith("dragoman_seats{") and not line.endswith(" 0")] == [
                'dragoman_seats{provider="p",model="other",key="key-1",state="refused"} 30',
                'dragoman_seats{provider="p",model="m",key="key-1",state="refused"} 1',
            ]

    go(story())


def test_the_page_tells_of_this_moment(tmp_path: Path) -> None:
    async def story() -> None:
        async with metered(tmp_path) as (meter, reloader):
            (tmp_path / "dragoman.yaml").write_text("models: {a: nobody/x}\n")
            await reloader.reload()

            names = ("exchanges_running", "streams_open", "config_error", "config_loaded_timestamp_seconds", "retry_budget_remaining")
            assert await told(meter, *(f"dragoman_{name}" for name in names)) == [
                "dragoman_exchanges_running 3",
                "dragoman_streams_open 2",
                "dragoman_config_loaded_timestamp_seconds 12",
                "dragoman_config_error 1",
                'dragoman_retry_budget_remaining{provider="p"} 10',
            ]

    go(story())


def test_nothing_is_counted_where_config_wants_none(tmp_path: Path) -> None:
    async def story() -> None:
        async with metered(tmp_path, CONFIG + "telemetry: {metrics: false}\n") as (meter, _):
            meter.record(RECORD)
            with pytest.raises(GatewayError) as refused:
                await meter.page()

            assert refused.value.kind is Kind.NOT_FOUND
            assert [family for family in meter.metrics.families() if family.samples] == []

    go(story())


TRACED = CONFIG + "telemetry: {otlp: {endpoint: 'ENDPOINT', headers: {x-key: $KEY}, sample: 0.5, propagate: false}}\n"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://otlp.example.com/", "https://otlp.example.com/v1/traces"),
        ("https://example.com/otlp/v1/traces", "https://example.com/otlp/v1/traces"),
    ],
)
def test_traces_go_where_config_says(endpoint: str, url: str) -> None:
    config = parse(TRACED.replace("ENDPOINT", endpoint).encode(), {"KEY": "s3cret-of-the-collector"}).config
    where, how = destination(config), tracing(config)

    assert where is not None
    assert how is not None
    assert (where.url, where.headers, how.sample, how.propagates) == (url, (("x-key", "s3cret-of-the-collector"),), 0.5, False)
    assert places(config) == {"p": Place("openai-compatible", "127.0.0.1", 9)}


def test_without_an_endpoint_nothing_is_traced() -> None:
    config = parse(CONFIG.encode(), {}).config

    assert (destination(config), tracing(config)) == (None, None)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:4318", "ftp://x", "http://", "http://x:99999", "http://ada:pw@x", "http://x y"])
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(TRACED.replace("ENDPOINT", endpoint).encode(), {"KEY": "s3cret-of-the-collector"})

    (problem,) = refused.value.problems
    assert str(problem).startswith("dragoman.yaml:6: telemetry.otlp.endpoint: ")
    assert "pw" not in str(problem)
