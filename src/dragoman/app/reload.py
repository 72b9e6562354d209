"""Keeps the runtime in step with its config: reads what changed, builds the new runtime beside the old one, swaps one reference.

A config that cannot be used changes nothing: the old runtime stays, and why is told in the log and to whoever asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import msgspec

from dragoman.app.beside import beside
from dragoman.app.compose import Composed
from dragoman.app.revisions import Revisions
from dragoman.config.check import exposure
from dragoman.config.load import Loaded
from dragoman.config.problems import ConfigError
from dragoman.config.schema import Config
from dragoman.config.written import Written, changes, differences, read_written
from dragoman.ir.errors import GatewayError, Kind
from dragoman.tasks import Tasks, spawn

logger = logging.getLogger(__name__)

POLL_S = 1.0
_QUIET_S = 0.1
"""A file that somebody writes is left alone until it has not changed for so long."""
_QUIET_ROUNDS = 50
_LIVE = (
    *("server.deadlines", "server.allowed_hosts", "server.allowed_origins", "server.max_running", "server.shutdown_grace_s"),
    *("server.limits.body_bytes", "server.allow_open", "log.level"),
)
"""What of the sections `server` and `log` is taken up at once."""
_TOLD = 12
"""Changes that the log names; there may be thousands."""

Stamp = tuple[int, int, int] | None
"""When a file changed (ns), its size and inode; None: it is not there."""


class State(msgspec.Struct, frozen=True):
    """What is in use. `loaded_at`: Unix seconds. `revision`: None where none is kept. `path`: None without a file. `problems`: why
    the config as it stands now is not in use. `restart`: settings that it changes and that take effect after a restart only."""

    loaded_at: float
    revision: int | None = None
    path: str | None = None
    problems: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()

    @property
    def error(self) -> str | None:
        """All problems in one text."""
        return "\n".join(self.problems) or None


class Source(msgspec.Struct, frozen=True):
    """Where a config comes from. `load`: reads that of a file, or finds one; raises ConfigError. `places`: where one would be found.
    `revisions`: where those of a file are kept."""

    load: Callable[[Path | None], Loaded]
    places: tuple[Path, ...] = ()
    revisions: Callable[[Path], Revisions] | None = None


class _News(msgspec.Struct, frozen=True):
    """A config that was read and may be used, and how it differs from the one in use."""

    loaded: Loaded
    written: Written | None
    state: State
    changes: str


class Reloader:
    """Holds the `current` runtime. An async context manager: inside it the files are watched; leaving it ends that.

    compose: makes a runtime of a config. use: is told each config that is taken up, the first one too.
    """

    def __init__(
        self,
        loaded: Loaded,
        source: Source,
        compose: Callable[[Config], Awaitable[Composed]],
        *,
        use: Callable[[Config], None] = lambda config: None,
        clock: Callable[[], float] = time.time,
        poll_s: float = POLL_S,
    ) -> None:
        self.loaded = loaded
        self.state = State(clock())
        self._first = loaded.config
        self._source = source
        self._compose = compose
        self._use = use
        self._clock = clock
        self._poll_s = poll_s
        self._tasks = Tasks("reload")
        self._turn = asyncio.Lock()
        self._asked = asyncio.Event()
        self._composed: Composed | None = None
        self._written: Written | None = None
        self._stamps: dict[Path, Stamp] = {}

    @property
    def current(self) -> Composed:
        """The runtime that the next exchange gets."""
        assert self._composed is not None
        return self._composed

    async def __aenter__(self) -> Reloader:
        self._stamps = await asyncio.to_thread(_stamps, self._files(self.loaded))
        self._composed = await self._compose(self.loaded.config)
        self._written = await asyncio.to_thread(_written, self.loaded)
        self.state = await asyncio.to_thread(self._state, self.loaded, self._written)
        self._use(self.loaded.config)
        spawn(self._watch(), name="watch the config", owner=self._tasks)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._tasks.close()

    def ask(self) -> None:
        """Reload soon, whether or not a file changed: what a signal does."""
        self._asked.set()

    async def reload(self) -> State:
        """Read the config and use it if it can be used; what is in use then. Raises nothing: `problems` says what is wrong.

        It goes on to its end when the one who asked leaves.
        """
        return await asyncio.shield(spawn(self._reload(), name="reload", owner=self._tasks))

    async def renew(self) -> None:
        """Build the runtime anew for the same config, since something else that it is made of changed. Raises nothing."""
        async with self._turn:
            try:
                self._composed = await self._compose(self.loaded.config)
            except Exception:
                # The edge: the runtime that there is goes on.
                logger.exception("the runtime could not be built anew")

    async def _reload(self) -> State:
        async with self._turn:
            self._stamps = await asyncio.to_thread(_stamps, self._stamps)
            try:
                news = await beside(self._read)
                composed = await self._compose(news.loaded.config)
                files = self._files(news.loaded)
                seen = await asyncio.to_thread(_stamps, [file for file in files if file not in self._stamps])
                self._swap(composed, news)
                self._stamps = {file: {**seen, **self._stamps}[file] for file in files}
                return self.state
            except ConfigError as error:
                return await self._refuse((str(problem) for problem in error.problems), error.files)
            except GatewayError as error:
                return await self._refuse([error.message])
            except Exception:
                # The edge: whatever a new config sets off, the gateway goes on.
                logger.exception("the config could not be taken up")
                return await self._refuse(["the gateway failed to take it up; its log says why"])

    def _swap(self, composed: Composed, news: _News) -> None:
        self._composed = composed
        warnings = [warning for warning in news.loaded.warnings if warning not in self.loaded.warnings]
        self.loaded, self._written, self.state = news.loaded, news.written, news.state
        self._use(news.loaded.config)
        name = f"revision {self.state.revision}" if self.state.revision is not None else "the config as it is now"
        logger.info("in use: %s (%s)", name, news.changes or "no setting is another")
        if self.state.restart:
            logger.warning("takes effect after a restart: %s", ", ".join(self.state.restart))
        for warning in warnings:
            logger.warning("%s", warning)

    async def _refuse(self, problems: Iterable[str], files: Iterable[Path] = ()) -> State:
        self.state = msgspec.structs.replace(self.state, problems=tuple(problems))
        self._stamps = {**await asyncio.to_thread(_stamps, files), **self._stamps}
        name = f"revision {self.state.revision}" if self.state.revision is not None else "the one before"
        logger.error("the config cannot be used as it is now; %s stays in use:\n%s", name, _block(self.state.problems))
        return self.state

    # In a thread: reading a long file takes its time

    def _read(self) -> _News:
        """The config as it is now. A file that was used and is gone is a problem, never a reason to take another one."""
        path = self.loaded.path
        if path is not None and not path.is_file():
            raise GatewayError(Kind.CONFIG, f"{path}: is gone; put it back, or restart the gateway to run without it")
        loaded = self._source.load(path)
        problem = exposure(msgspec.structs.replace(loaded.config.server, host=self._first.server.host), loaded.config.access)
        if problem is not None:
            raise ConfigError([problem], loaded.files)
        written = _written(loaded)
        return _News(loaded, written, self._state(loaded, written), _changes(self._written, written))

    def _state(self, loaded: Loaded, written: Written | None) -> State:
        return State(
            loaded_at=self._clock(),
            revision=self._keep(loaded.path, written),
            path=str(loaded.path.absolute()) if loaded.path is not None else None,
            restart=_after_restart(self._first, loaded.config),
        )

    def _keep(self, path: Path | None, written: Written | None) -> int | None:
        if path is None or written is None or self._source.revisions is None:
            return None
        try:
            return self._source.revisions(path).keep(written)
        except OSError as error:
            logger.warning("no revision of %s can be kept: %s", path, error.strerror or error)
            return None

    def _files(self, loaded: Loaded) -> tuple[Path, ...]:
        """What to watch: the file and those that its secrets come from; without a file, the places where one would be found."""
        return ((loaded.path,) if loaded.path is not None else self._source.places) + loaded.files

    # Watching

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._asked.wait()
            if self._asked.is_set() or await self._is_changed():
                self._asked.clear()
                await self.reload()

    async def _is_changed(self) -> bool:
        """Whether a file is another than the one that was read, and nobody is writing it any more."""
        now = await asyncio.to_thread(_stamps, self._stamps)
        for _ in range(_QUIET_ROUNDS):
            if now == self._stamps:
                return False
            await asyncio.sleep(_QUIET_S)
            earlier, now = now, await asyncio.to_thread(_stamps, self._stamps)
            if now == earlier:
                break
        return now != self._stamps


def _stamps(files: Iterable[Path]) -> dict[Path, Stamp]:
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _after_restart(first: Config, now: Config) -> tuple[str, ...]:
    """The settings of what runs since the start that a restart would change."""
    before, after = ({"server": _tree(config.server), "log": _tree(config.log)} for config in (first, now))
    return tuple(path for path, _, _ in differences(before, after) if not path.startswith(_LIVE))


def _tree(section: msgspec.Struct) -> dict[str, object]:
    given = msgspec.structs.asdict(section)
    return {name: _tree(value) if isinstance(value, msgspec.Struct) else value for name, value in given.items()}


def _written(loaded: Loaded) -> Written | None:
    return read_written(loaded.raw, root=loaded.document) if loaded.path is not None else None


def _changes(old: Written | None, new: Written | None) -> str:
    """Which settings changed, by their paths."""
    return "" if old is None or new is None else changes(old.settings, new.settings, _TOLD)


def _block(problems: Iterable[str]) -> str:
    return "\n".join(f"  ✗ {problem}" for problem in problems)
