"""What the admin side answers: the config in use and its revisions, reload and rollback, health, dry runs, models."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dragoman.app.compose import Composed
from dragoman.app.dry_run import Moment, Setting, dry_run
from dragoman.app.probe import configured
from dragoman.app.reload import Reloader, State
from dragoman.app.revisions import Revisions
from dragoman.app.rollback import roll_back
from dragoman.config.load import Loaded
from dragoman.config.problems import ConfigError
from dragoman.config.written import read_written
from dragoman.ir.errors import GatewayError, Kind
from dragoman.routing.health import Shown, Standing
from dragoman.routing.seat import Seat
from dragoman.server.admin import Admin, DryRun, Models, Nothing, Reset, RollBack


class Desk:
    """Answers for one gateway. `clock` is that of the board."""

    def __init__(self, reloader: Reloader, env: Mapping[str, str], clock: Callable[[], float] = time.perf_counter) -> None:
        self._reloader = reloader
        self._env = env
        self._clock = clock

    def admin(self) -> Admin:
        """The table's functions."""
        return Admin(
            state=lambda: told(self._reloader.state),
            config=self.config,
            revisions=self.revisions,
            reload=self.reload,
            rollback=self.rollback,
            route=self.route,
            health=self.health,
            reset=self.reset,
            models=self.models,
        )

    async def config(self, _: Nothing) -> Mapping[str, Any]:
        """What is in use, by its settings as they are written, without a secret."""
        loaded = self._reloader.loaded
        settings = await asyncio.to_thread(_settings, loaded)
        state = self._reloader.state
        return {"path": state.path, **told(state), "warnings": loaded.warnings, "settings": settings}

    async def revisions(self, _: Nothing) -> Mapping[str, Any]:
        """Every revision that is kept, oldest first."""
        kept = await asyncio.to_thread(Revisions.of(self._file(), self._env).all)
        now = self._reloader.state.revision
        return {"revisions": [{"number": one.number, "made_at": one.made_at, "in_use": one.number == now} for one in kept]}

    async def reload(self, _: Nothing) -> Mapping[str, Any]:
        """Read the config anew. What is wrong with it is the answer, as an error; then nothing changed."""
        state = await self._reloader.reload()
        if state.problems:
            raise _wrong(state.problems)
        return told(state)

    async def rollback(self, wish: RollBack) -> Mapping[str, Any]:
        """Write an earlier revision into the file and use it."""
        try:
            await asyncio.to_thread(roll_back, self._file(), wish.revision, self._env)
        except ConfigError as error:
            raise _wrong([str(problem) for problem in error.problems]) from error
        return await self.reload(Nothing())

    async def route(self, question: DryRun) -> Mapping[str, Any]:
        """Where a request would go, and why; nothing is sent."""
        now = self._current
        await asyncio.to_thread(now.book.load)
        setting = Setting(now.config, now.runtime.resolver, now.runtime.router, now.runtime.board, now.runtime.deploy)
        return dry_run(setting, question, Moment(self._clock(), time.time(), random.random()))

    async def health(self, _: Nothing) -> Mapping[str, Any]:
        """Every seat that was asked or that config leads to, and how it is."""
        board, now = self._current.runtime.board, self._clock()
        asked = {shown.id: shown for shown in board.view(now)}
        others = {seat.id: _unasked(seat, board.standing(seat, now)) for seat in configured(self._current) if seat.id not in asked}
        return {"seats": [shown for _, shown in sorted({**asked, **others}.items())]}

    async def reset(self, wish: Reset) -> Mapping[str, Any]:
        """Forget the trouble of what has this name."""
        found = self._current.runtime.board.reset(wish.name, self._clock())
        if not found and wish.name != "*":
            message = f"nothing that was asked is named `{wish.name[:100]}`; `dragoman health` names what was, `*` is everything"
            raise GatewayError(Kind.NOT_FOUND, message, source="client")
        return {"reset": found}

    async def models(self, question: Models) -> Mapping[str, Any]:
        """What is known of the models."""
        return await asyncio.to_thread(self._current.about.facts, question.provider, question.search)

    @property
    def _current(self) -> Composed:
        return self._reloader.current

    def _file(self) -> Path:
        path = self._reloader.loaded.path
        if path is None:
            message = "the gateway runs without a config file, so there are no revisions; write a `dragoman.yaml`"
            raise GatewayError(Kind.NOT_FOUND, message, source="client")
        return path


def told(state: State) -> Mapping[str, Any]:
    """Which config is in use, and what is wrong with the one that is not."""
    return {"revision": state.revision, "loaded_at": state.loaded_at, "error": state.error, "restart": state.restart}


def _unasked(seat: Seat, standing: Standing) -> Shown:
    return Shown(id=seat.id, provider=seat.provider, model=seat.model, key=seat.key, standing=standing)


def _settings(loaded: Loaded) -> Any:
    if loaded.path is not None:
        return read_written(loaded.raw, root=loaded.document).settings
    found = loaded.config.providers
    return {"providers": {name: {"kind": one.kind, "keys": [key.key.origin for key in one.keys]} for name, one in found.items()}}


def _wrong(problems: tuple[str, ...] | list[str]) -> GatewayError:
    message = "\n".join(["the config cannot be used, and nothing changed:", *problems])
    return GatewayError(Kind.INVALID_REQUEST, message, source="client", status=422)
