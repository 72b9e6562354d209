"""What a running server takes up of new settings, and what it keeps."""

from __future__ import annotations

import msgspec
from house import get, go, house, post

from dragoman.server.settings import Limits, ServerSettings


def test_whom_it_trusts_and_how_much_it_takes_changes_while_it_runs() -> None:
    async def story() -> None:
        async with house() as it:
            before = [await it.ask(get("/health", host="gateway.lan")), await it.ask(post(body=b"{}" + b" " * 100))]

            it.app.use(ServerSettings(allowed_hosts=("gateway.lan",), limits=Limits(body_bytes=50)))

            after = [await it.ask(get("/health", host="gateway.lan")), await it.ask(post(body=b"{}" + b" " * 100))]
            assert [answer.status for answer in (*before, *after)] == [403, 200, 200, 413]

    go(story())


def test_where_it_listens_and_what_a_connection_may_stays() -> None:
    async def story() -> None:
        async with house() as it:
            before = it.app.settings

            it.app.use(ServerSettings(host="0.0.0.0", port=9, max_running=7, limits=Limits(header_bytes=1, body_bytes=50)))

            limits = msgspec.structs.replace(before.limits, body_bytes=50)
            assert it.app.settings == ServerSettings(host=before.host, port=before.port, max_running=7, limits=limits)

    go(story())


def test_the_bound_of_running_exchanges_changes_while_it_runs() -> None:
    async def story() -> None:
        async with house() as it:
            before = await it.ask(post(body=b"{}"))

            it.app.use(ServerSettings(max_running=0))

            after = await it.ask(post(body=b"{}"))
            assert (before.status, after.status) == (200, 503)

    go(story())
