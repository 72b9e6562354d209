"""How error answers are read whatever their API: what their status tells, words without keys, waits that they ask for, pages of proxies."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from dragoman.ir.errors import Kind
from dragoman.wire.frame import Headers
from dragoman.wire.headers import first, retry_after_s

KIND_BY_STATUS: dict[int, Kind] = {
    401: Kind.PROVIDER_KEY,
    402: Kind.QUOTA,
    403: Kind.PROVIDER_PERMISSION,
    404: Kind.NOT_FOUND,
    405: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    409: Kind.SERVER_ERROR,
    413: Kind.TOO_LARGE,
    425: Kind.OVERLOADED,
    429: Kind.RATE_LIMITED,
    499: Kind.SERVER_ERROR,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    524: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}
"""What a status tells that says more than whose fault it is."""
# What servers of OpenAI's APIs say where their code doesn't tell; each only for the statuses at which it is said.
_REQUEST = frozenset({None, 400, 404, 413, 422, 500})
_BY_WORDS: tuple[tuple[Kind, frozenset[int | None], re.Pattern[str]], ...] = tuple(
    (kind, statuses, re.compile(pattern, re.IGNORECASE))
    for kind, statuses, pattern in (
        (
            Kind.CONTEXT_OVERFLOW,
            _REQUEST,
            r"(maximum|exceed|larger|longer|too|beyond|fit).{0,60}context.?(length|window|size)"
            r"|context.?(length|window|size).{0,40}(exceed|limit|too )"
            r"|prompt is too long|(input|prompt|messages?) (is|are) too (long|large)"
            r"|too many (input |prompt )?tokens|exceeds? the (model'?s )?(maximum|max|limit).{0,40}tokens|reduce the length"
            r"|total length of all messages|input token count.{0,40}exceeds|maximum prompt length|tokens? limit exceeded",
        ),
        (
            Kind.QUOTA,
            frozenset({None, 400, 402, 403, 429}),
            r"insufficient (quota|balance|credit|funds)|exceeded your current quota|check your plan and billing|out of credits"
            r"|credit balance is too low|(spend|spending|monthly|billing) limit|recharge",
        ),
        (
            Kind.PROVIDER_KEY,
            frozenset({None, 400, 403}),
            r"(invalid|incorrect|missing|no valid|expired).{0,20}api.?key|api.?key.{0,30}(not valid|invalid|incorrect|expired|missing)",
        ),
        (
            Kind.MODEL_NOT_FOUND,
            frozenset({None, 400, 404, 422}),
            r"model.{0,120}(does not exist|not found|not exist|is not available|no such)|(unknown|invalid|no such) model"
            r"|not a valid model|deployment.{0,60}(does not exist|not found)|no endpoints found",
        ),
        (Kind.UNSUPPORTED, frozenset({None, 500}), r"(image|audio|video) input is not supported|requires --jinja"),  # llama.cpp
        (Kind.CONTENT_POLICY, _REQUEST, r"content (management )?policy|content.?filter|safety system|flagged"),
        (Kind.OVERLOADED, frozenset({None, 429, 500, 502, 503}), r"overloaded|at capacity|over capacity|model is loading|loading model"),
    )
)
LONGEST_MESSAGE = 2000
"""Characters of a provider's message that are kept."""

# Providers repeat parts of the key they refuse, some of them in addresses; it is not the client's to see.
_KEY = re.compile(
    r"\b(?:sk|pk|gsk|xai|hf|nvapi|csk|fw|pplx|tgp|key)[-_][\w*.\-]{6,}|\b(?:AIza|AQ\.)[\w*\-]{8,}|\bya29\.[\w.\-]+|\bBearer\s+\S+"
    r"|(?<=[?&]key=)[^&\s\"']+|[\w-]*\*{4,}[\w-]*"
)
# "Please try again in 1m2.5s", "in 350ms", "retry after 20 seconds", "retry in 1h30m".
_SPOKEN_WAIT = re.compile(
    r"(?:try again|retry) (?:in|after) (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(?:(ms)|s| ?sec))?", re.IGNORECASE
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_LOOKED_AT = 20_000


def kind_of(status: int) -> Kind:
    """What a status alone tells, where the provider's words leave it open."""
    return KIND_BY_STATUS.get(status) or (Kind.INVALID_REQUEST if 400 <= status < 500 else Kind.SERVER_ERROR)


def kind_by_words(status: int | None, message: str) -> Kind | None:
    """What the words of a server of OpenAI's APIs tell beyond its status (None: inside a stream); None where they tell nothing."""
    return next((kind for kind, statuses, pattern in _BY_WORDS if status in statuses and pattern.search(message)), None)


def without_keys(message: str) -> str:
    """The words of a provider with nothing in them that looks like a key."""
    return _KEY.sub("[key]", message)


def asked_wait_s(headers: Headers) -> float | None:
    """How long the headers ask to wait. A date is read against the provider's own clock, its `date` header; without that it says
    nothing."""
    return retry_after_s(headers, _clock_s(headers))


def until_s(at: float, headers: Headers) -> float | None:
    """How long it is until a time in Unix seconds by the provider's clock; None if that is over, or the clock unknown."""
    now = _clock_s(headers)
    return at - now if now is not None and at > now else None


def spoken_wait_s(message: str) -> float | None:
    """How long a message asks to wait in words, which is all there is inside a stream."""
    found = _SPOKEN_WAIT.search(message)
    if found is None or not any(found.groups()[:3]):
        return None
    hours, minutes, rest, thousandths = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0) / (1000 if thousandths else 1)


def plain_words(body: bytes) -> str:
    """What a body says that is no JSON: the title of a web page, else its text."""
    text = body[:_LOOKED_AT].decode("utf-8", "replace").strip()
    if text[:1] != "<" and "<html" not in text[:500].lower():
        return text
    title = page_title(text)
    return f"the provider answered with a web page: {title}" if title is not None else "the provider answered with a web page"


def page_title(text: str) -> str | None:
    """The title of a web page, on one line."""
    found = _TITLE.search(text)
    return " ".join(found[1].split()) if found is not None else None


def _clock_s(headers: Headers) -> float | None:
    date = first(headers, "date")
    try:
        return parsedate_to_datetime(date).timestamp() if date is not None else None
    except (ValueError, TypeError, OverflowError):
        return None
