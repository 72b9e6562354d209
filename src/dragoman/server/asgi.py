"""Has an ASGI application answer a request that came through our own connections: the door for what is no hot path."""

from __future__ import annotations

from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent, HTTPScope

from dragoman.server.answer import Answer, ClientGone


async def carry(app: ASGI3Application, answer: Answer) -> None:
    """Run `app` for this request. Raises what it raises."""
    messages = _Messages(answer)
    await app(_scope_of(answer), messages.receive, messages.send)


class _Messages:
    """The two ways of ASGI's messages."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def receive(self) -> ASGIReceiveEvent:
        """What has come of the body so far, waiting for something to come."""
        try:
            body, more_body = await self._answer.read()
        except ClientGone:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": more_body}

    async def send(self, message: ASGISendEvent) -> None:
        """A part of the answer: waits while the client is slow, says nothing to one that is gone."""
        answer = self._answer
        if message["type"] == "http.response.start":
            headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in message.get("headers", ())]
            await answer.start(message["status"], tuple(headers))
        elif message["type"] == "http.response.body":
            if body := message.get("body", b""):
                await answer.write(body)
            if not message.get("more_body", False):
                await answer.finish()


def _scope_of(answer: Answer) -> HTTPScope:
    target = answer.target
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": answer.version,
        "method": answer.method,
        "scheme": "http",
        "path": target.path,
        "raw_path": target.raw.partition(b"?")[0],
        "query_string": target.query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()],
        "client": (answer.address, 0) if answer.address else None,
        "server": None,
        "extensions": {},
    }
