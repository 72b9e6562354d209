"""What providers list of their own models, fetched in the background: never in a request's way, each question with its deadline.

It belongs to the process and outlives reloads. A provider that does not answer, or answers something else, changes nothing: what it
told before stays, and why is shown.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from dragoman.config.schema import Config
from dragoman.core.runtime import Candidate
from dragoman.ir.errors import GatewayError
from dragoman.policy.rates import Era, Price, Unit
from dragoman.profiles import windows
from dragoman.profiles.families import canonical
from dragoman.profiles.listing import ModelTold, read_list
from dragoman.profiles.registry import profile
from dragoman.routing.resolve import Target
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.upstream.pool import Pool
from dragoman.wire.frame import Headers

SOURCE = "provider's list"
_FRESH_S = 3600.0
_AGAIN_S = 300.0
"""After a question that failed."""
_FIRST_S = 2.0
"""A gateway that was just started has better things to do."""
_LOOK_S = 30.0
"""Between two looks at what is due."""
_BYTES = 16 * 1024 * 1024
_AT_ONCE = 4
_DEADLINES = Deadlines(connect_s=5.0, first_byte_s=15.0, idle_s=10.0, total_s=30.0)

logger = logging.getLogger(__name__)


class Question(msgspec.Struct, frozen=True):
    """Whom to ask, and how; the headers hold its key."""

    provider: str
    origin: Origin
    path: str
    headers: Headers

    def __repr__(self) -> str:
        return f"Question({self.provider}, {self.origin}{self.path})"


class Told(msgspec.Struct, frozen=True):
    """What a provider told. models: by canonical name. at: Unix seconds of the question. error: why it told nothing (new)."""

    at: float
    models: dict[str, ModelTold] = {}
    error: str | None = None
    place: str = ""


class Lists:
    """The lists of all providers, by their names in config."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.time) -> None:
        self._pool = pool
        self._clock = clock
        self._told: dict[str, Told] = {}

    def __repr__(self) -> str:
        return f"Lists({ {name: len(told.models) for name, told in self._told.items()} })"

    def told(self, provider: str) -> Told | None:
        """What this provider told; None if it was not asked yet."""
        return self._told.get(provider)

    def model(self, provider: str, model: str) -> ModelTold | None:
        """What this provider told of a model."""
        told = self._told.get(provider)
        return None if told is None else told.models.get(canonical(model))

    def window(self, provider: str, model: str) -> int | None:
        """The tokens that this model holds at this provider, which may serve less of them than its maker; None: unknown."""
        told = self.model(provider, model)
        known = [tokens for tokens in (windows.window(model), told and told.window) if tokens is not None]
        return min(known, default=None)

    def price(self, provider: str, model: str) -> Price | None:
        """What this provider says that a model costs; None if it does not say."""
        told = self.model(provider, model)
        if told is None or not told.rates:
            return None
        return Price((Era({Unit(unit): Decimal(str(rate)) for unit, rate in told.rates.items()}),), source=SOURCE)

    def names(self) -> dict[str, tuple[str, ...]]:
        """The models that each provider lists, in its own order and spelling."""
        return {name: tuple(model.name for model in told.models.values()) for name, told in self._told.items() if told.models}

    def state(self) -> dict[str, dict[str, object]]:
        """For each provider that was asked: when (Unix seconds), how many models it lists, and what went wrong."""
        return {name: {"at": told.at, "models": len(told.models), "error": told.error} for name, told in sorted(self._told.items())}

    async def keep(self, questions: Callable[[], Sequence[Question]], changed: Callable[[], Awaitable[None]]) -> None:
        """Ask again and again, until cancelled. `questions` gives those of the config of the moment; `changed` is called when a list
        is another than before."""
        while True:
            await asyncio.sleep(_FIRST_S if not self._told else _LOOK_S)
            try:
                if await self.refresh(questions()):
                    await changed()
            except Exception:
                # The edge of this task: the next round may do better.
                logger.exception("the lists of the providers could not be renewed")

    async def refresh(self, questions: Sequence[Question]) -> bool:
        """Ask those whose list is due, and forget providers that are gone. Whether any list is another now."""
        before = {name: told.models for name, told in self._told.items()}
        asked = {question.provider for question in questions}
        self._told = {name: told for name, told in self._told.items() if name in asked}
        due = [question for question in questions if self._is_due(question)]
        gate = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._ask(question, gate) for question in due))
        return any(told.models != before.get(name, {}) for name, told in self._told.items()) or not before.keys() <= asked

    def _is_due(self, question: Question) -> bool:
        told = self._told.get(question.provider)
        if told is None or told.place != _place(question):
            return True
        return self._clock() - told.at >= (_FRESH_S if told.error is None else _AGAIN_S)

    async def _ask(self, question: Question, gate: asyncio.Semaphore) -> None:
        async with gate:
            before = self._told.get(question.provider)
            models = before.models if before is not None and before.place == _place(question) else {}
            error: str | None = None
            try:
                told = await self._fetch(question)
                models = {canonical(model.name): model for model in told}
            except (GatewayError, ValueError) as fault:
                error = fault.message if isinstance(fault, GatewayError) else str(fault)
                logger.debug("provider `%s` did not list its models: %s", question.provider, error)
            self._told[question.provider] = Told(self._clock(), models, error, _place(question))

    async def _fetch(self, question: Question) -> tuple[ModelTold, ...]:
        reply = await self._pool.open(question.origin, "GET", question.path, question.headers, b"", _DEADLINES)
        try:
            await reply.head()
            if reply.status != 200:
                raise ValueError(f"it answered {reply.status}")
            # Some lists are megabytes long.
            return await asyncio.to_thread(read_list, await reply.read_all(_BYTES))
        finally:
            reply.close()


def questions(config: Config, deploy: Callable[[Target, str | None], Candidate]) -> tuple[Question, ...]:
    """The question for each provider that has a list and may be asked; those without a key or an address are left out."""
    found: list[Question] = []
    for name, provider in config.providers.items():
        path = profile(provider.kind).models_path
        if not provider.list or path is None or profile(provider.kind).builtin:
            continue
        try:
            deployment = deploy(Target(name, "models"), None).deployment
        except GatewayError:
            continue
        found.append(Question(name, deployment.origin, deployment.base_path + path, deployment.headers))
    return tuple(found)


def _place(question: Question) -> str:
    return f"{question.origin}{question.path}"


def merged(config: Config, told: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """By provider, the models that it lists and config does not."""
    return {
        name: tuple(model for model in told.get(name, ()) if model not in provider.models)
        for name, provider in config.providers.items()
        if provider.list
    }
