"""The dialect `responses`: OpenAI's Responses API, https://platform.openai.com/docs/api-reference/responses"""

from __future__ import annotations

from dragoman.dialects.contract import Dialect
from dragoman.dialects.peeking import peek_body
from dragoman.dialects.responses.errors import read_error, write_error
from dragoman.dialects.responses.glance import GLANCE
from dragoman.dialects.responses.reader import Reader
from dragoman.dialects.responses.remainder import NAME
from dragoman.dialects.responses.request import PATH, keeps, read_request, state_fields, write_request
from dragoman.dialects.responses.response import read_response, write_response
from dragoman.dialects.responses.tap import ResponsesTap, write_failure
from dragoman.dialects.responses.writer import Writer, unsaid_of
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
    tap=ResponsesTap,
    write_failure=write_failure,
    glance=GLANCE,
    unsaid=unsaid_of,
    state_fields=state_fields,
    keeps=keeps,
    cites_pages=True,
    # A data event: comments don't reset the idle timer of some agents. Clients ignore types that they don't know.
    keep_alive=b'event: keepalive\ndata: {"type":"keepalive"}\n\n',
    # The last ones name users or their work: agents strip them unless the provider may be told.
    carry_headers=frozenset(
        {
            "openai-beta",
            "x-openai-internal-codex-responses-lite",
            "x-codex-beta-features",
            "x-codex-turn-metadata",
            "x-codex-window-id",
            "x-codex-parent-thread-id",
            "x-client-request-id",
            "x-openai-subagent",
            "session-id",
            "thread-id",
            "originator",
            "version",
        }
    ),
)
