"""Dialect `messages`: Anthropic's Messages API and every server that is compatible with it.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from dragoman.dialects.contract import Dialect
from dragoman.dialects.messages.errors import read_error, write_error
from dragoman.dialects.messages.frames import PING
from dragoman.dialects.messages.given import unsaid_of
from dragoman.dialects.messages.glance import GLANCE
from dragoman.dialects.messages.reader import Reader, read_response
from dragoman.dialects.messages.remainder import NAME
from dragoman.dialects.messages.request import PATH, read_request, state_fields, write_request
from dragoman.dialects.messages.response import write_response
from dragoman.dialects.messages.tap import Tap, write_failure
from dragoman.dialects.messages.writer import Writer
from dragoman.dialects.peeking import peek_body
from dragoman.wire.sse import SseFramer

DIALECT = Dialect(
    name=NAME,
    path=PATH,
    stream_type="text/event-stream",
    peek=peek_body,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    framer=SseFramer,
    reader=Reader,
    writer=Writer,
    read_error=read_error,
    write_error=write_error,
    tap=Tap,
    write_failure=write_failure,
    glance=GLANCE,
    unsaid=unsaid_of,
    state_fields=state_fields,
    # A data event of the API itself: comments don't reset the idle timer of some agents.
    keep_alive=PING,
    carry_headers=frozenset({"anthropic-beta", "anthropic-version", "anthropic-user-profile-id"}),
)
