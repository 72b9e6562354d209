"""A changed config is taken up beside running exchanges; one that cannot be used changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import stat
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import uvloop

from dragoman.app.compose import Lasting, compose, lasting
from dragoman.app.reload import Reloader, Source, State
from dragoman.app.revisions import Revisions
from dragoman.config.load import Loaded, load, parse
from dragoman.config.schema import Config
from dragoman.observe.observer import Observer
from dragoman.routing.target import Target

FIRST = "providers: {demo: {kind: demo}}\nmodels: {a: demo/x}\n"
SECOND = "providers: {demo: {kind: demo}}\nmodels: {a: demo/x, b: demo/y}\n"
WRONG = "providers: {demo: {kind: demo}}\nmodels: {a: nobody/x}\n"
PATIENCE_S = 120


class Stage:
    """A reloader over a file in a folder of its own, and everything that it took up."""

    def __init__(self, folder: Path, reloader: Reloader, shared: Lasting, used: asyncio.Queue[Config]) -> None:
        self.file = folder / "dragoman.yaml"
        self.folder = folder
        self.reloader = reloader
        self.shared = shared
        self.used = used

    def models(self) -> tuple[str, ...]:
        return tuple(model.name for model in self.reloader.current.about.models)

    def address(self, provider: str) -> object:
        return self.reloader.current.runtime.deploy(Target(provider, "x"), None).deployment.origin

    async def write(self, text: str) -> State:
        self.file.write_text(text)
        return await self.reloader.reload()


@contextlib.asynccontextmanager
async def stage(folder: Path, text: str | None = FIRST, *, poll_s: float = 3600.0, **env: str) -> AsyncGenerator[Stage]:
    if text is not None:
        (folder / "dragoman.yaml").write_text(text)
    environment = {"HOME": str(folder / "home"), **env}
    read = partial(load, env=environment, cwd=folder)
    source = Source(read, (folder / "dragoman.yaml",), partial(Revisions.of, env=environment))
    used: asyncio.Queue[Config] = asyncio.Queue()
    async with (
        lasting({}, Observer(None)) as shared,
        Reloader(read(None), source, partial(compose, shared=shared), use=used.put_nowait, clock=lambda: 12.0, poll_s=poll_s) as reloader,
    ):
        await used.get()
        yield Stage(folder, reloader, shared, used)


def go(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(story, PATIENCE_S)

    uvloop.run(bounded())


def test_a_changed_file_is_taken_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as it:
            first, before = it.reloader.state, it.models()

            second = await it.write(SECOND)

            path = str(it.file)
            assert (before, first) == (("a",), State(12.0, 1, path))
            assert (it.models(), second) == (("a", "b"), State(12.0, 2, path))

    go(story())


def test_a_wrong_file_changes_nothing_and_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with stage(tmp_path) as it:
            before = it.reloader.current

            state = await it.write(WRONG)

            sentence = "dragoman.yaml:2: models.a: no provider is named `nobody`; write `provider/model`; the providers are `demo`"
            assert it.reloader.current is before
            assert state == State(12.0, 1, str(it.file), (sentence,))
            assert [record.getMessage() for record in caplog.records] == [
                f"the config cannot be used as it is now; revision 1 stays in use:\n  ✗ {sentence}"
            ]
            assert (await it.write(FIRST)).problems == ()

    go(story())


def test_a_file_that_is_gone_is_no_reason_to_take_another_config(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, OPENAI_API_KEY="sk-x") as it:
            before = it.reloader.current
            it.file.unlink()

            state = await it.reloader.reload()

            assert it.reloader.current is before
            assert state.problems == (f"{it.file}: is gone; put it back, or restart the gateway to run without it",)

    go(story())


def edit(file: Path) -> None:
    file.write_text(SECOND)


def replace(file: Path) -> None:
    """What editors do that keep no half-written file."""
    fresh = file.with_suffix(".tmp")
    fresh.write_text(SECOND)
    fresh.rename(file)


def remake(file: Path) -> None:
    file.unlink()
    file.write_text(SECOND)


@pytest.mark.parametrize("change", [edit, replace, remake])
def test_a_change_is_noticed_however_the_file_is_written(tmp_path: Path, change: Callable[[Path], None]) -> None:
    async def story() -> None:
        async with stage(tmp_path, poll_s=0.01) as it:
            change(it.file)

            await it.used.get()

            assert it.models() == ("a", "b")

    go(story())


def test_a_file_that_is_being_written_is_left_alone_until_it_is_whole(tmp_path: Path) -> None:
    sizes = [1, 2, 3, 4, 5, 6]

    class Growing(type(Path())):
        """A file of which each look finds more, until it is whole."""

        def stat(self, *, follow_symlinks: bool = True) -> Any:
            size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
            return SimpleNamespace(st_mtime_ns=0, st_size=size, st_ino=1, st_mode=stat.S_IFREG)

    async def story() -> None:
        file, left = Growing(tmp_path / "dragoman.yaml"), asyncio.Queue[list[int]]()
        first = parse(FIRST.encode(), {})

        def read(path: Path | None) -> Loaded:
            left.put_nowait([*sizes])
            return msgspec.structs.replace(first, path=file)

        async with lasting({}, Observer(None)) as shared:
            loaded = msgspec.structs.replace(first, path=file)
            async with Reloader(loaded, Source(read), partial(compose, shared=shared), poll_s=0.01):
                assert await left.get() == [6]

    go(story())


def test_a_linked_file_is_followed_to_where_it_leads_now(tmp_path: Path) -> None:
    """As a mounted config map of Kubernetes changes."""

    async def story() -> None:
        for name, text in (("one", FIRST), ("two", SECOND)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "dragoman.yaml").write_text(text)
        (tmp_path / "now").symlink_to("one")
        (tmp_path / "dragoman.yaml").symlink_to("now/dragoman.yaml")
        async with stage(tmp_path, None, poll_s=0.01) as it:
            (tmp_path / "next").symlink_to("two")
            (tmp_path / "next").rename(tmp_path / "now")

            await it.used.get()

            assert it.models() == ("a", "b")

    go(story())


def test_a_file_that_appears_is_taken_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, None, poll_s=0.01) as it:
            before = it.reloader.state.path
            it.file.write_text(FIRST)

            await it.used.get()

            assert (before, it.reloader.state.path, it.models()) == (None, str(it.file), ("a",))

    go(story())


def test_the_file_of_a_secret_is_watched_too(tmp_path: Path) -> None:
    async def story() -> None:
        key = tmp_path / "key"
        key.write_text("the-first-key-of-ada")
        key.chmod(0o600)
        async with stage(tmp_path, FIRST + "access: {keys: [{name: ada, key: 'file:key'}]}\n", poll_s=0.01) as it:
            key.write_text("the-second-key-of-ada")

            await it.used.get()

            who = it.reloader.current.about.identify({"x-api-key": "the-second-key-of-ada"})
            assert getattr(who, "name", None) == "ada"

    go(story())


def test_the_file_of_a_secret_that_was_missing_is_waited_for(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, poll_s=0.01) as it:
            state = await it.write(FIRST + "access: {keys: [{name: ada, key: 'file:key'}]}\n")
            (tmp_path / "key").write_text("the-first-key-of-ada")

            await it.used.get()

            assert len(state.problems) == 1
            assert (it.reloader.state.problems, it.reloader.current.about.closed) == ((), True)

    go(story())


def test_being_asked_reloads_what_did_not_change(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, poll_s=3600) as it:
            before = it.reloader.current

            it.reloader.ask()
            await it.used.get()

            assert it.reloader.current is not before
            assert it.reloader.state.revision == 1

    go(story())


def test_what_only_a_restart_changes_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with stage(tmp_path) as it:
            text = "server: {port: 9, limits: {header_s: 1}, deadlines: {idle_s: 5}}\nlog: {level: error, color: never}\n"

            state = await it.write(FIRST + text)

            assert state.restart == ("server.port", "server.limits.header_s", "log.color")
            assert "takes effect after a restart: server.port, server.limits.header_s, log.color" in caplog.messages
            assert it.reloader.current.config.server.deadlines.idle_s == 5

    go(story())


def test_a_gateway_on_the_network_is_not_opened_by_a_reload(tmp_path: Path) -> None:
    async def story() -> None:
        closed = "access: {keys: [{name: ada, key: a-key-of-sixteen-letters}]}\n"
        host = "server: {host: 0.0.0.0}\n"
        async with stage(tmp_path, FIRST + host + closed) as it:
            state = await it.write(FIRST)

            assert state.problems[0].startswith("server.host: `0.0.0.0` can be reached from other machines")
            assert it.reloader.current.about.closed

    go(story())


def test_the_built_in_provider_is_the_same_after_a_reload(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as it:
            before = it.address("demo")
            await it.write("providers: {a: {kind: openai-compatible, base_url: http://127.0.0.1:1/v1}}\n")
            await it.write("providers: {other: {kind: demo}}\n")

            assert it.address("other") == before

    go(story())


def test_runtimes_share_their_connections(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as it:
            before = it.reloader.current

            await it.write(SECOND)

            assert it.reloader.current is not before
            assert it.reloader.current.runtime.pool is before.runtime.pool

    go(story())


def test_a_runtime_that_no_exchange_has_any_more_is_gone(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as it:
            old = weakref.ref(it.reloader.current.runtime.resolver)

            await it.write(SECOND)
            gc.collect()

            assert old() is None

    go(story())


def test_a_reload_that_breaks_inside_keeps_the_old_runtime(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as it:
            before = it.reloader.current

            async def fail(config: Config) -> Any:
                raise ZeroDivisionError

            it.reloader._compose = fail
            state = await it.write(SECOND)

            assert it.reloader.current is before
            assert state.problems == ("the gateway failed to take it up; its log says why",)

    go(story())


def test_the_log_names_the_settings_that_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        async with stage(tmp_path) as it:
            await it.write("providers: {demo: {kind: demo}}\nmodels: {b: demo/y}\nlog: {level: debug}\n")

            assert caplog.messages[-1] == "in use: revision 2 (-models.a, +models.b, +log)"

    go(story())


@pytest.mark.long
def test_a_hundred_reloads_leave_nothing_behind(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as it:
            for number in range(100):
                await it.write(SECOND if number % 2 else FIRST)
            running = {task.get_name() for task in asyncio.all_tasks()}

            assert "reload" not in running

    go(story())
