"""Media in all the ways in which clients write them, as each other API wants them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.media import file_of, url_of, where_of
from dragoman.dialects.registry import dialect
from dragoman.ir.request import FileId, Inline, Url

PAPER = b64encode(b"%PDF-1.7").decode()
NOTES = b64encode("Grüße".encode()).decode()


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("data:image/png;base64,aGk=", Inline("image/png", "aGk=")),
        ("data:text/plain;charset=utf-8;base64,aGk=", Inline("text/plain", "aGk=")),
        ("data:application/pdf;name=a.pdf;base64,aGk=", Inline("application/pdf", "aGk=")),
        ("DATA:image/png;BASE64,aGk=", Inline("image/png", "aGk=")),
        ("data:;base64,aGk=", Inline("text/plain", "aGk=")),
        ("data:image/svg+xml,%3Csvg/%3E", Url("data:image/svg+xml,%3Csvg/%3E")),
        ("https://a.example/x;base64,y", Url("https://a.example/x;base64,y")),
    ],
)
def test_an_address_of_media(url: str, where: Inline | Url) -> None:
    assert where_of(url) == where


@pytest.mark.parametrize(
    ("data", "name", "where"),
    [
        (PAPER, "a.PDF", Inline("application/pdf", PAPER)),
        (PAPER, "a.tar.unheard-of", Inline("application/octet-stream", PAPER)),
        (PAPER, None, Inline("application/octet-stream", PAPER)),
        (NOTES, "notes.md", Inline("text/markdown", NOTES)),
        ("data:text/csv;base64,aGk=", "a.pdf", Inline("text/csv", "aGk=")),
        ("https://a.example/a.pdf", "a.pdf", Url("https://a.example/a.pdf")),
        ("gs://bucket/a.pdf", None, Url("gs://bucket/a.pdf")),
    ],
)
def test_a_document_however_it_comes(data: str, name: str | None, where: Inline | Url) -> None:
    assert file_of(data, name) == where


def test_media_as_an_address() -> None:
    assert [url_of(Inline("a/b", "aGk=")), url_of(Url("https://a")), url_of(FileId("f"))] == ["data:a/b;base64,aGk=", "https://a", ""]


def asked(name: str, data: str, called: str) -> dict[str, Any]:
    """A request with one document."""
    if name == "chat":
        part = {"type": "file", "file": {"file_data": data, "filename": called}}
        return {"model": "m", "messages": [{"role": "user", "content": [part]}]}
    part = {"type": "input_file", "file_data": data, "filename": called}
    return {"model": "m", "input": [{"type": "message", "role": "user", "content": [part]}]}


def written(name: str, body: dict[str, Any], target: str) -> Any:
    request = dialect(name).read_request(Call(dialect(name).path, json.dumps(body).encode()))
    return json.loads(dialect(target).write_request(request, Quirks(store=None))[0].body)


PLAIN_NOTES = f"data:text/plain;charset=utf-8;base64,{NOTES}"


@pytest.mark.parametrize("name", ["chat", "responses"])
@pytest.mark.parametrize(
    ("data", "called", "block", "part"),
    [
        (
            PAPER,
            "a.pdf",
            {"type": "base64", "media_type": "application/pdf", "data": PAPER},
            {"inlineData": {"mimeType": "application/pdf", "data": PAPER}},
        ),
        (
            PLAIN_NOTES,
            "a.txt",
            {"type": "text", "media_type": "text/plain", "data": "Grüße"},
            {"inlineData": {"mimeType": "text/plain", "data": NOTES}},
        ),
        (
            NOTES,
            "notes.md",
            {"type": "text", "media_type": "text/plain", "data": "Grüße"},
            {"inlineData": {"mimeType": "text/markdown", "data": NOTES}},
        ),
    ],
)
def test_a_document_reaches_other_apis_in_their_form(name: str, data: str, called: str, block: Any, part: Any) -> None:
    body = asked(name, data, called)

    messages, contents = written(name, body, "messages")["messages"], written(name, body, "generate")["contents"]

    assert messages == [{"role": "user", "content": [{"type": "document", "source": block, "title": called}]}]
    assert contents == [{"role": "user", "parts": [part]}]


@pytest.mark.parametrize("name", ["chat", "responses"])
@pytest.mark.parametrize("data", [PAPER, PLAIN_NOTES, "https://a.example/a.pdf"])
def test_a_document_goes_back_to_its_own_api_as_it_came(name: str, data: str) -> None:
    body = asked(name, data, "a.pdf")

    assert written(name, body, name) == body
