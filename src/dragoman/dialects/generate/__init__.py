"""Dialect `generate`: Gemini's generateContent and streamGenerateContent.

https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from dragoman.dialects.contract import Dialect
from dragoman.dialects.generate.errors import read_error, write_error
from dragoman.dialects.generate.frames import StreamFramer
from dragoman.dialects.generate.glance import GLANCE
from dragoman.dialects.generate.reader import Reader, read_response
from dragoman.dialects.generate.remainder import NAME
from dragoman.dialects.generate.request import PATH, peek, read_request, readdress, state_fields, write_request
from dragoman.dialects.generate.response import write_response
from dragoman.dialects.generate.tap import Tap, write_failure
from dragoman.dialects.generate.writer import PING, Writer, unsaid_of

DIALECT = Dialect(
    name=NAME,
    path=PATH,
    stream_type="text/event-stream",
    peek=peek,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    framer=StreamFramer,
    reader=Reader,
    writer=Writer,
    read_error=read_error,
    write_error=write_error,
    tap=Tap,
    write_failure=write_failure,
    glance=GLANCE,
    unsaid=unsaid_of,
    state_fields=state_fields,
    keep_alive=PING,
    readdress=readdress,
    cites_pages=True,
)
