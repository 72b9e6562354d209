"""A gateway does not start on a database that it will never be able to use, and starts beside one that is away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import create_engine, text
from tests.databases import postgres, url

from dragoman.app.compose import Composed
from dragoman.app.keeping import Keeper, keeper
from dragoman.config.load import parse
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Bodies, Cut, Record
from dragoman.observe.journal import Journal
from dragoman.store.open import open_store
from dragoman.store.release import KNOWN

__all__ = ["postgres", "url"]


def begin(database: str, folder: Path) -> None:
    """Start what keeps exchanges, as a gateway does, and stop it."""

    async def main() -> None:
        kept = keeper(parse(f"database: {database}".encode(), {}).config, {"XDG_DATA_HOME": str(folder)}, lambda: cast("Composed", None))
        assert kept is not None
        async with kept:
            pass

    asyncio.run(main())


def run(database: str, *statements: str) -> None:
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_a_database_of_a_newer_release_keeps_the_gateway_from_starting(url: str, tmp_path: Path) -> None:
    open_store(url).close()
    run(url, "UPDATE dragoman_version SET version_num = '9999'", "CREATE TABLE orders (id integer)")

    with pytest.raises(
        GatewayError, match=rf"`9999`, this release knows up to `{KNOWN[-1]}`\); start that release, or name another"
    ) as refused:
        begin(url, tmp_path)

    assert refused.value.kind is Kind.CONFIG


def test_tables_of_somebody_else_keep_the_gateway_from_starting_and_stay(url: str, tmp_path: Path) -> None:
    run(url, "CREATE TABLE dragoman_exchanges (id integer)", "INSERT INTO dragoman_exchanges VALUES (7)")

    with pytest.raises(GatewayError, match="named like ours"):
        begin(url, tmp_path)

    run(url, "INSERT INTO dragoman_exchanges VALUES (8)")


def test_a_database_that_is_well_or_new_is_begun_with(url: str, tmp_path: Path) -> None:
    begin(url, tmp_path)
    open_store(url).close()
    begin(url, tmp_path)


def test_a_server_that_is_away_is_no_reason_not_to_start(tmp_path: Path) -> None:
    begin(f"postgresql://me@/d?host={tmp_path}", tmp_path)


def test_a_record_tells_what_its_bodies_went_without() -> None:
    put: list[Record] = []
    kept = Keeper(cast("Journal", SimpleNamespace(put=put.append)), lambda _: None)
    cut = Cut("client_response", 9, "only the first 5 of 9 bytes were held, since `journal.body_bytes` holds no more")

    kept.record(Record("ex_1", 0.0, warnings=[("top_k", "left out")], bodies=Bodies(cut=(cut,))))
    kept.record(Record("ex_2", 0.0, bodies=Bodies()))

    assert [record.warnings for record in put] == [[("top_k", "left out"), ("client_response", cut.why)], []]
