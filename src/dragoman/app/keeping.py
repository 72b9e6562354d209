"""The journal of a gateway put together: where it is kept, what is kept, and what fills in its records."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

from dragoman.agents.registry import recognise
from dragoman.app.compose import Composed, new_id
from dragoman.app.pricing import record_price
from dragoman.app.tracing import secrets
from dragoman.config.folders import data_folder
from dragoman.config.schema import Config
from dragoman.core.completion import Completion
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Record
from dragoman.observe.journal import Journal, Priced
from dragoman.observe.journal_rows import Price
from dragoman.observe.journal_writer import Opens
from dragoman.observe.refusals import Refusals
from dragoman.policy.book import PriceBook
from dragoman.policy.identity import key_prefix
from dragoman.routing.decision import told
from dragoman.server.answer import Answer
from dragoman.store.faults import StoreAway, StoreRefused
from dragoman.store.release import look

NOWHERE = "none"
_FILE = "journal.db"
_SPOOL = "spool"
_PATH = 200
_SQLITE = "sqlite:"
_LOOK_S = 3.0
"""How long a start waits at most to hear of its database."""


def database_url(config: Config, env: Mapping[str, str]) -> str | None:
    """Where exchanges are kept; None: nowhere. It may hold a password."""
    given = config.database
    if given is None:
        return f"sqlite:///{data_folder(env) / _FILE}"
    url = given.reveal()
    return None if url == NOWHERE else url


def opener(url: str) -> Callable[[], Any]:
    """Opens the database, making its tables if need be. Loading what that takes lasts a fifth of a second: not for the event loop."""
    return lambda: importlib.import_module("dragoman.store.open").open_store(url)


class Keeper:
    """Hands exchanges to the journal; outlives reloads. A watcher for the observer, the last of all: it takes bodies over. An async
    context manager: leaving it writes what waits."""

    def __init__(self, journal: Journal, price: Price, refusals: Refusals | None = None, look: Callable[[], Any] | None = None) -> None:
        """look: looks at the database before the first exchange; raises StoreRefused where it will never do."""
        self.journal = journal
        self._look = look
        self._price = price
        self._refusals = refusals or Refusals()

    def record(self, record: Record) -> None:
        """Have it written, if it is to be kept. Never waits."""
        if self._refusals.keeps(record):
            if record.bodies is not None and record.bodies.cut:
                record.warnings = [*record.warnings, *[(cut.side, cut.why) for cut in record.bodies.cut]]
            self.journal.put(record)

    def refused(self, error: GatewayError, asked: Answer, status: int, dialect: str) -> None:
        """A request that was refused before any exchange began: a key that is wrong shall be seen wherever it was tried."""
        agent = recognise(asked.headers)
        self.record(
            Record(
                new_id(),
                time.time(),
                address=asked.address,
                agent=agent.name,
                agent_version=agent.version(asked.headers),
                dialect=dialect,
                path=asked.target.path[:_PATH],
                status=status,
                error=error.kind.value,
                message=error.message,
                key_prefix=key_prefix(asked.headers) if error.kind is Kind.AUTHENTICATION else None,
            )
        )

    def use(self, config: Config) -> None:
        """Go on with other settings."""
        self.journal.use(config.journal, price=self._price, secrets=tuple(secrets(config)))

    async def __aenter__(self) -> Self:
        if self._look is not None:
            await _looked_at(self._look)
        self.journal.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.journal.close()


def keeper(
    config: Config, env: Mapping[str, str], current: Callable[[], Composed], opens: Callable[[str], Opens] = opener
) -> Keeper | None:
    """What keeps the exchanges of a gateway; None where config wants none kept. `current`: the runtime of the moment; `opens`: what opens
    the database at a URL."""
    url = database_url(config, env)
    if url is None:
        return None
    price = _Prices(current).price
    journal = Journal(
        opens(url),
        config.journal,
        folder(env),
        price=price,
        told=told,
        complete=Completion(paths=lambda: current().config.journal.paths).complete,
        secrets=secrets(config),
    )
    return Keeper(journal, price, look=partial(look, url) if url.startswith(_SQLITE) else opens(url))


async def _looked_at(look: Callable[[], Any]) -> None:
    """A database that is away is waited for, without making anybody wait; one that will never do ends the start. Raises
    GatewayError(config)."""
    try:
        async with asyncio.timeout(_LOOK_S):
            found = await asyncio.to_thread(look)
        if found is not None:
            found.close()
    except StoreRefused as error:
        raise GatewayError(Kind.CONFIG, str(error)) from error
    except (StoreAway, TimeoutError):
        # The journal says so, and tries again.
        return


def folder(env: Mapping[str, str]) -> Path:
    """Where exchanges wait while the database is away."""
    return data_folder(env) / _SPOOL


class _Prices:
    """Prices by the book of the moment: a reload brings another one."""

    def __init__(self, current: Callable[[], Composed]) -> None:
        self._current = current
        self._book: PriceBook | None = None
        self._price: Callable[[Record], Priced | None] | None = None

    def price(self, record: Record) -> Priced | None:
        """What an exchange costs."""
        book = self._current().book
        if book is not self._book or self._price is None:
            self._book, self._price = book, record_price(book)
        return self._price(record)
