"""What is secret does not stay in what is kept."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.registry import dialect, names
from dragoman.ir.record import Bodies, Record
from dragoman.observe.first_look import Heads, first_look, known_heads
from dragoman.observe.redact import MARK, Redactor, behind, sayings
from dragoman.store.laid import SIDES, unpack_heads
from dragoman.wire.frame import Headers

# Put together here, so that no scanner takes this file for a leak.
BODY = "Ab3dEf6hIj9lMn2pQr5tUv8xYz1b"
TOKENS = {
    "openai": "sk-" + "proj-" + BODY,
    "anthropic": "sk-" + "ant-api03-" + BODY,
    "groq": "gsk" + "_" + BODY,
    "google": "AI" + "za" + BODY + "12345",
    "google oauth": "ya" + "29." + BODY,
    "xai": "xai" + "-" + BODY,
    "hugging face": "hf" + "_" + BODY,
    "github": "gh" + "p_" + BODY,
    "github fine": "github" + "_pat_" + BODY,
    "gitlab": "glp" + "at-" + BODY,
    "slack": "xo" + "xb-123456789-" + BODY,
    "aws": "AK" + "IAIOSFODNN7EXAMPLE",
    "stripe": "sk" + "_live_" + BODY,
    "jwt": "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0." + BODY,
}
REST = {
    'password: "hunter22"': 'password: "[redacted]"',
    '{"db_password": "hunter22"}': '{"db_password": "[redacted]"}',
    '{"x":"{\\"password\\": \\"hunter22\\"}"}': '{"x":"{\\"password\\": \\"[redacted]\\"}"}',
    "export DB_PASSWORD=hunter2222": "export DB_PASSWORD=[redacted]",
    "postgresql://ada:hunter22@db/x": "postgresql://ada:[redacted]@db/x",
    "Authorization: Bearer abcdefghijklmnop.123": "Authorization: Bearer [redacted]",
    "a -----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\nIBAA==\\n-----END RSA PRIVATE KEY-----\\nb": "a [redacted]\\nb",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk": "[redacted]",
}
HARMLESS = (
    "task-force-of-the-risk-assessment-group",
    "the password is asked for later",
    '"password": "$DB_PASSWORD"',
    "password=os.environ[name]",
    '{"max_tokens": 4096, "token": "Hello"}',
    "https://example.com:8080/path@v2",
    "-----BEGIN CERTIFICATE-----",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
)


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize("before", ["", " ", '"', "key=", "\\n", "\\\\n", "%3D", "("])
def test_tokens_of_services_are_taken_out_wherever_they_stand(name: str, before: str) -> None:
    text = f"x{before} {before}{TOKENS[name]} y" if before else f"{TOKENS[name]} y"

    told = Redactor().redact(text.encode()).decode()

    assert TOKENS[name][6:] not in told and MARK.decode() in told and told.endswith(" y")


@pytest.mark.parametrize("text", REST)
def test_passwords_and_private_keys_are_taken_out_and_nothing_else(text: str) -> None:
    assert Redactor().redact(text.encode()).decode() == REST[text]


@pytest.mark.parametrize("text", HARMLESS)
def test_text_without_secrets_is_the_very_same_object(text: str) -> None:
    data = text.encode()

    assert Redactor().redact(data) is data


def test_known_secrets_are_found_inside_other_words() -> None:
    assert Redactor(["my.own+secret"]).redact(b"xmy.own+secrety my-own+secret") == b"x[redacted]y my-own+secret"


def test_short_known_secrets_are_left_since_they_may_be_words() -> None:
    assert Redactor(["abc", ""]).redact(b"abc") == b"abc"


def test_headers_that_carry_keys_lose_their_value() -> None:
    redactor = Redactor()

    given = (
        ("authorization", "x"), ("X-Api-Key", "y"), ("x-goog-api-key", "x"), ("cookie", "x"), ("x-amz-security-token", "x"),
        ("accept", "*/*"), ("x-ratelimit-remaining-tokens", "5"), ("x-note", TOKENS["openai"]),
    )  # fmt: skip

    told = [value for _, value in redactor.headers(given)]

    assert told == ["[redacted]"] * 5 + ["*/*", "5", "[redacted]"]


_header = st.sampled_from([("authorization", "x"), ("X-Api-Key", "y"), ("set-cookie", "z"), ("accept", "*/*"), ("x-note", "n")])
_head = st.lists(_header, max_size=4).map(tuple)


@given(_head, _head, _head, _head)
def test_credentials_are_taken_out_of_all_headers_of_an_exchange_at_once(
    asked: Headers, sent: Headers, came: Headers, answered: Headers
) -> None:
    bodies = Bodies(
        client_request_headers=asked, provider_request_headers=sent, provider_response_headers=came, client_response_headers=answered
    )
    redactor = Redactor()
    marked = [redactor.headers(head) for head in (asked, sent, came, answered)]

    heads = known_heads(bodies)

    assert heads is not None
    assert unpack_heads(heads.names + heads.values, SIDES) == marked


def test_headers_that_are_no_lines_of_text_are_not_known() -> None:
    odd = [("x-note", "a\nb"), ("x-note", "caf\udce9"), ("x note", "a"), ("", "a"), ("x-\udce9", "a")]

    assert [known_heads(Bodies(client_response_headers=(("accept", "*/*"), header))) for header in odd] == [None] * len(odd)


@given(
    st.lists(
        st.sampled_from(["it is {}", "{}", "password=", "-----BEGIN PRIVATE KEY-----", 'api_key: "', "Bearer ", "nothing"]), max_size=9
    )
)
def test_which_of_many_texts_hold_a_secret_is_found_at_once(forms: list[str]) -> None:
    redactor = Redactor()
    texts = [form.format(TOKENS[name]).encode() for form, name in zip(forms, itertools.cycle(sorted(TOKENS)), strict=False)]

    suspects = redactor.suspects(texts)

    assert {number for number, text in enumerate(texts) if redactor.redact(text) != text} <= suspects
    assert suspects <= {number for number, form in enumerate(forms) if form != "nothing"}


@pytest.mark.parametrize("field", ["delta", "text", "content", "reasoning", "partial_json", "arguments"])
@given(cuts=st.lists(st.integers(0, 60), max_size=6), name=st.sampled_from(sorted(TOKENS)))
def test_secret_that_comes_in_pieces_of_a_stream_is_struck_out(field: str, cuts: list[int], name: str) -> None:
    said = f"it is {TOKENS[name]} indeed"
    places = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    pieces = [said[start:stop] for start, stop in itertools.pairwise(places)]
    stream = "".join(f"data: {json.dumps({'type': 'x', field: piece})}\n\n" for piece in pieces).encode()

    told = Redactor().redact_stream(stream).decode()

    again = "".join(json.loads(line[6:])[field] for line in told.splitlines() if line)
    assert TOKENS[name][8:] not in again and again.startswith("it is") and again.endswith("indeed")


@pytest.mark.parametrize(("dialect_name", "field"), [(name, field) for name in names() for field in dialect(name).glance.pieces])
def test_a_first_look_sees_what_comes_in_the_pieces_of_each_dialect(dialect_name: str, field: str) -> None:
    said = f"it is {TOKENS['openai']} indeed"
    stream = b"".join(
        b"data: " + json.dumps({"type": "x", field: piece}).encode() + b"\n\n" for piece in (said[:12], said[12:20], said[20:])
    )
    heads = Heads(b"", b"")
    asked = Record("a", 0.0, dialect=dialect_name), Bodies(client_response=[stream])
    sent = Record("a", 0.0, dialect="mcp", upstream_dialect=dialect_name), Bodies(client_response=[b"{}"], provider_response=[stream])
    unknown = Record("a", 0.0), Bodies(client_response=[stream])

    looks = [first_look(*each, heads) for each in (asked, sent, unknown)]

    assert [bool(Redactor().suspects(texts)) for texts in looks] == [True] * 3


@given(st.lists(st.text(st.sampled_from('ab"\\\n{:,'), max_size=8), max_size=6), st.sampled_from(["delta", "text", "arguments"]))
def test_what_a_stream_says_is_put_together_whatever_is_escaped_in_it(said: list[str], field: str) -> None:
    pieces = [json.dumps(each) for each in said]
    stream = "".join(f'data: {{"type":"x","{field}":{piece}}}\n\n' for piece in pieces).encode()

    joined = "".join(piece[1:-1] for piece in pieces).encode()
    assert sayings(stream, behind("")) == ([joined] if joined else [])


@given(st.binary(max_size=400))
def test_any_bytes_are_taken(data: bytes) -> None:
    redactor = Redactor()

    assert redactor.redact(redactor.redact(data)) == redactor.redact(data)
    assert isinstance(redactor.redact_stream(data), bytes)
