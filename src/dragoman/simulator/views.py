"""The reader of each dialect's requests."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.simulator.view import Incoming, View
from dragoman.simulator.view_generate import read_generate
from dragoman.simulator.view_messages import read_messages
from dragoman.simulator.view_openai import read_chat, read_responses

READERS: dict[str, Callable[[Incoming], View]] = {
    "responses": read_responses,
    "chat": read_chat,
    "messages": read_messages,
    "generate": read_generate,
}
