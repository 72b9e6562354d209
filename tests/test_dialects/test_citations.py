"""What words are from: a page that one API cites is cited by each other that can, at the same words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openai.types.responses import Response as SdkResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.fold import Fold
from dragoman.ir.request import Citation, Message, Page, Request, Text
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower

ASKED = Request("m", (), stream=True)
SDK: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

WORDS = "Grüße: the café is open."
URL = "https://a.example/hours"

# The same words about the same page; where the café comes in, "the café is open" is what is cited.
REPLIES: dict[str, dict[str, Any]] = {
    "responses": {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {
                        "type": "output_text",
                        "text": WORDS,
                        "annotations": [{"type": "url_citation", "start_index": 7, "end_index": 23, "url": URL, "title": "Hours"}],
                    }
                ],
            }
        ],
    },
    "chat": {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {
                    "role": "assistant",
                    "content": WORDS,
                    "annotations": [
                        {"type": "url_citation", "url_citation": {"start_index": 7, "end_index": 23, "url": URL, "title": "Hours"}}
                    ],
                },
            }
        ],
    },
    "messages": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "stop_reason": "end_turn",
        "content": [
            {"type": "text", "text": "Grüße: "},
            {
                "type": "text",
                "text": "the café is open",
                "citations": [
                    {"type": "web_search_result_location", "url": URL, "title": "Hours", "encrypted_index": "E", "cited_text": "open"}
                ],
            },
            {"type": "text", "text": "."},
        ],
    },
    "generate": {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": WORDS}]},
                "finishReason": "STOP",
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": URL, "title": "Hours"}}],
                    # In bytes: three letters before the end are longer than one.
                    "groundingSupports": [{"segment": {"startIndex": 9, "endIndex": 26}, "groundingChunkIndices": [0]}],
                },
            }
        ]
    },
}


def events(name: str) -> list[ev.Event]:
    return list(dialect(name).read_response(msgspec.json.encode(REPLIES[name]), Quirks()))


def streamed(told: list[ev.Event], name: str) -> list[Any]:
    """The frames of the stream that a client is told."""
    writer, framer = dialect(name).writer(ASKED), dialect(name).framer()
    frames = framer.feed(b"".join([*map(writer.feed, told), writer.close()]))
    return [json.loads(frame.data) for frame in frames if frame.data != b"[DONE]"]


def whole(told: list[ev.Event], name: str) -> Any:
    """The one answer that a client is told."""
    fold = Fold()
    for event in told:
        fold.feed(event)
    return json.loads(dialect(name).write_response(fold.response(), ASKED))


def cited(part: Any) -> list[tuple[str, str, str]]:
    """The words that an `output_text` cites, and from where."""
    return [(part["text"][note["start_index"] : note["end_index"]], note["url"], note["title"]) for note in part["annotations"]]


@pytest.mark.parametrize("name", REPLIES)
def test_a_client_of_responses_is_told_which_words_are_from_where(name: str) -> None:
    told = events(name)

    frames, answer = streamed(told, "responses"), whole(told, "responses")

    assert [entry for item in answer["output"] for part in item["content"] for entry in cited(part)] == [("the café is open", URL, "Hours")]
    done = [frame["part"] for frame in frames if frame["type"] == "response.content_part.done"]
    assert done == [part for item in frames[-1]["response"]["output"] for part in item["content"]]
    assert [entry for part in done for entry in cited(part)] == [("the café is open", URL, "Hours")]
    added = [frame for frame in frames if frame["type"] == "response.output_text.annotation.added"]
    assert [(frame["annotation_index"], frame["annotation"]) for frame in added] == [
        (0, note) for part in done for note in part["annotations"]
    ]
    for frame in frames:
        SDK.validate_python(frame)
    SdkResponse.model_validate(answer)


@pytest.mark.parametrize("name", REPLIES)
def test_a_client_of_chat_is_told_which_words_are_from_where(name: str) -> None:
    told = events(name)

    frames, answer = streamed(told, "chat"), whole(told, "chat")

    expected = [{"type": "url_citation", "url_citation": {"start_index": 7, "end_index": 23, "url": URL, "title": "Hours"}}]
    deltas = [choice["delta"] for frame in frames for choice in frame["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == answer["choices"][0]["message"]["content"] == WORDS
    assert [note for delta in deltas for note in delta.get("annotations", ())] == expected
    assert answer["choices"][0]["message"]["annotations"] == expected


def test_places_count_from_the_beginning_of_all_that_was_said() -> None:
    page = Citation("messages", {}, Page(URL))
    told: list[ev.Event] = [
        ev.Started(),
        *(ev.TextStarted(0, message_id="a"), ev.TextDelta(0, "é"), ev.TextDelta(0, "23"), ev.PartEnded(0)),
        *(ev.TextStarted(1, message_id="b"), ev.TextDelta(1, "no", None), ev.PartEnded(1)),
        *(ev.TextStarted(2, message_id="b"), ev.Cited(2, page), ev.TextDelta(2, "yes"), ev.PartEnded(2)),
        ev.Finished("stop"),
        ev.Ended(),
    ]

    notes = [note for frame in streamed(told, "chat") for choice in frame["choices"] for note in choice["delta"].get("annotations", ())]

    expected = [{"type": "url_citation", "url_citation": {"start_index": 7, "end_index": 10, "url": URL, "title": URL}}]
    assert notes == whole(told, "chat")["choices"][0]["message"]["annotations"] == expected


def test_annotations_are_told_once_and_in_the_order_of_the_finished_text() -> None:
    file = {"type": "file_citation", "file_id": "f", "filename": "a", "index": 0}
    told: list[ev.Event] = [
        ev.Started(),
        *(ev.TextStarted(0), ev.TextDelta(0, "yes")),
        *(ev.Cited(0, Citation("messages", {}, Page(URL))), ev.Cited(0, Citation("responses", file))),
        *(ev.PartEnded(0), ev.Finished("stop"), ev.Ended()),
    ]

    frames = streamed(told, "responses")

    page = {"type": "url_citation", "start_index": 0, "end_index": 3, "url": URL, "title": URL}
    added = [frame for frame in frames if frame["type"] == "response.output_text.annotation.added"]
    assert [(frame["annotation_index"], frame["annotation"]) for frame in added] == [(0, file), (1, page)]
    assert frames[-1]["response"]["output"][0]["content"][0]["annotations"] == [file, page]


def test_words_begin_with_no_gap_where_nothing_was_said_before() -> None:
    told: list[ev.Event] = [
        ev.Started(),
        *(ev.TextStarted(0, message_id="a"), ev.PartEnded(0)),
        *(ev.TextStarted(1, message_id="b"), ev.TextDelta(1, "yes"), ev.PartEnded(1)),
        ev.Finished("stop"),
        ev.Ended(),
    ]

    said = "".join(choice["delta"].get("content") or "" for frame in streamed(told, "chat") for choice in frame["choices"])

    assert said == whole(told, "chat")["choices"][0]["message"]["content"] == "yes"


@pytest.mark.parametrize("name", REPLIES)
def test_a_citation_needs_what_only_its_own_api_knows_in_messages(name: str) -> None:
    told = events(name)

    written = json.dumps(whole(told, "messages")) + json.dumps(streamed(told, "messages"))

    assert (URL in written) == (name == "messages")
    assert not dialect("messages").cites_pages


@pytest.mark.parametrize("name", ["responses", "chat", "messages"])
def test_a_client_of_generate_is_told_which_words_are_from_where(name: str) -> None:
    told = events(name)

    frames, answer = streamed(told, "generate"), whole(told, "generate")

    support = {"segment": {"startIndex": 9, "endIndex": 26, "text": "the café is open"}, "groundingChunkIndices": [0]}
    expected = {"groundingChunks": [{"web": {"uri": URL, "title": "Hours"}}], "groundingSupports": [support]}
    assert answer["candidates"][0]["groundingMetadata"] == expected
    assert [frame["candidates"][0].get("groundingMetadata") for frame in frames] == [*[None] * (len(frames) - 1), expected]
    assert dialect("generate").cites_pages


def test_what_the_api_itself_bases_its_words_on_is_told_once() -> None:
    answer = whole(events("generate"), "generate")

    assert answer["candidates"][0]["groundingMetadata"] == REPLIES["generate"]["candidates"][0]["groundingMetadata"]


def test_a_page_that_several_words_are_from_is_told_once_and_words_of_several_pages_once() -> None:
    first, second = (Citation("chat", {}, Page(url, None, 0, 3)) for url in (URL, "https://b.example"))
    told: list[ev.Event] = [
        ev.Started(),
        *(ev.TextStarted(0), ev.Cited(0, first), ev.TextDelta(0, "yes"), ev.Cited(0, second), ev.Cited(0, first), ev.PartEnded(0)),
        *(ev.TextStarted(1), ev.TextDelta(1, "é no"), ev.Cited(1, Citation("chat", {}, Page(URL, None, 2, 4))), ev.PartEnded(1)),
        *(ev.Finished("stop"), ev.Ended()),
    ]

    grounding = streamed(told, "generate")[-1]["candidates"][0]["groundingMetadata"]

    assert (
        grounding
        == whole(told, "generate")["candidates"][0]["groundingMetadata"]
        == {
            "groundingChunks": [{"web": {"uri": URL}}, {"web": {"uri": "https://b.example"}}],
            "groundingSupports": [
                {"segment": {"startIndex": 0, "endIndex": 3, "text": "yes"}, "groundingChunkIndices": [0, 1]},
                {"segment": {"startIndex": 6, "endIndex": 8, "text": "no"}, "groundingChunkIndices": [0]},
            ],
        }
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("responses", {"type": "file_citation", "file_id": "f", "filename": "a", "index": 0}),
        ("responses", {"type": "url_citation"}),
        ("chat", {"type": "url_citation", "url_citation": None}),
        ("messages", {"type": "char_location", "cited_text": "a", "document_index": 0, "start_char_index": 0, "end_char_index": 1}),
        ("messages", {"type": "search_result_location", "source": "drawer 3", "title": "t"}),
    ],
)
def test_what_names_no_page_stays_with_its_own_api(name: str, value: dict[str, Any]) -> None:
    reply = json.loads(json.dumps(REPLIES[name]).replace(json.dumps(_notes(name)), json.dumps([value])))
    fold = Fold()
    for event in dialect(name).read_response(msgspec.json.encode(reply), Quirks()):
        fold.feed(event)

    found = [
        part.citations
        for item in fold.response().choices[0].items
        if isinstance(item, Message)
        for part in item.parts
        if isinstance(part, Text)
    ]

    assert [citation for each in found for citation in each] == [Citation(name, value)]


def _notes(name: str) -> Any:
    reply = REPLIES[name]
    if name == "responses":
        return reply["output"][0]["content"][0]["annotations"]
    return reply["choices"][0]["message"]["annotations"] if name == "chat" else reply["content"][1]["citations"]


def test_citations_of_another_api_stay_out_of_the_history_and_that_is_told() -> None:
    said = Text(WORDS, citations=(Citation("responses", {}, Page(URL)), Citation("messages", {"type": "x"})))
    asked = Request("m", (Message("assistant", (said,)), Message("user", (Text("go on"),))))

    lowered = lower(asked, Capabilities(dialect="messages"))

    kept = Text(WORDS, citations=(Citation("messages", {"type": "x"}),))
    assert lowered.request.items == (Message("assistant", (kept,)), asked.items[1])
    assert lowered.warnings == [("citations", "what earlier words were cited from stays behind")]


def test_an_apis_own_citations_go_back_to_it() -> None:
    body = {"model": "m", "input": [REPLIES["responses"]["output"][0]], "store": False}
    request = dialect("responses").read_request(Call("/responses", msgspec.json.encode(body)))

    lowered = lower(request, Capabilities(dialect="responses"))

    assert lowered.request is request
    assert json.loads(dialect("responses").write_request(lowered.request, Quirks())[0].body) == body
