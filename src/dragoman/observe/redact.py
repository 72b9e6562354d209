"""Takes secrets out of what is to be kept: keys of providers and services, tokens, private keys, passwords. One pattern, one pass.

The pattern is run by RE2, which takes 0.1 ms for 60 KB of conversation and time in proportion whatever the text; Python's own engine
takes 3 ms, and its time may explode. Texts stand in JSON, so a quote may be escaped any number of times.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

import re2  # pyright: ignore[reportMissingTypeStubs]

from dragoman.dialects.registry import dialect, names
from dragoman.wire.frame import Headers

MARK = b"[redacted]"
MARKED = MARK.decode()

_WORD = r"[A-Za-z0-9_-]"
_TOKENS = (
    rf"sk-{_WORD}{{16,}}",  # OpenAI, Anthropic, OpenRouter, DeepSeek and many others
    r"[srp]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"whsec_[A-Za-z0-9+/]{20,}",
    r"gsk_[A-Za-z0-9]{20,}",
    rf"xai-{_WORD}{{20,}}",
    rf"AIza{_WORD}{{30,}}",
    rf"ya29\.{_WORD}{{20,}}",
    rf"GOCSPX-{_WORD}{{20,}}",
    r"hf_[A-Za-z0-9]{20,}",
    rf"nvapi-{_WORD}{{20,}}",
    rf"(?:csk|pplx|tgp|dsk)[-_]{_WORD}{{20,}}",
    r"(?:fw|r8|esecret)_[A-Za-z0-9]{16,}",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    rf"gl(?:pat|dt|rt|cbt)-{_WORD}{{16,}}",
    rf"xox[abceoprs]-{_WORD}{{10,}}",
    rf"xapp-{_WORD}{{10,}}",
    r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}",
    r"ABSK[A-Za-z0-9+/=]{30,}",
    rf"eyJ{_WORD}{{8,}}\.eyJ{_WORD}{{8,}}\.{_WORD}*",
    r"npm_[A-Za-z0-9]{30,}",
    rf"pypi-{_WORD}{{40,}}",
    r"dop_v1_[0-9a-f]{40,}",
    rf"SG\.{_WORD}{{16,}}\.{_WORD}{{16,}}",
    r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}",
    r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}",
    r"ops_eyJ[A-Za-z0-9+/=]{40,}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{50,}",
)
_BEFORE = r"^|[^A-Za-z0-9_]|\\[nrtbf]|%[0-9A-Fa-f]{2}"
"""What stands before a token: nothing that could be a part of a longer word; the letter of an escape is none."""
_NAMES = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|credentials?|client[_-]?secret|(?:secret|private|signing|encryption|account)[_-]?(?:access[_-]?)?key"
    r"|api[_-]?key|access[_-]?(?:key|token)|(?:auth|refresh|id|session|bearer|api|bot|security)[_-]?token)"
)
_QUOTE = r"\\*[\"']"
_KEY_BLOCK = r"[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_PATTERN = "|".join(
    (
        rf"(?:{_BEFORE})(?P<token>{'|'.join(_TOKENS)})",
        rf"(?P<key>-----BEGIN {_KEY_BLOCK}(?:[^-]*-----END {_KEY_BLOCK}|[A-Za-z0-9+/=\s\\:.,]*))",
        r"(?:(?i:bearer|basic) )(?P<credential>[A-Za-z0-9_.~+/-]{16,}=*)",
        r"(?:[A-Za-z0-9+]://[^\s/:@\"'\\]*:)(?P<password>[^\s/@\"'\\]{3,})@",
        rf"(?:(?i:{_NAMES})(?:{_QUOTE})?\s*[:=]\s*{_QUOTE})(?P<quoted>[^\"'\\{{}}\[\],:][^\"'\\]{{3,}})",
        rf"(?:(?i:{_NAMES})=)(?P<plain>[^\s\"'\\&;,(){{}}<>$\[\]|]{{8,}})",
    )
)
_PARTS = ("known", "token", "key", "credential", "password", "quoted", "plain")
"""Of what is found, the groups that are secret: one of them is there."""
_CREDENTIALS = re.compile(r"authorization|cookie|api-?key|secret|credential|(?:auth|access|security|session)-?token|^token$", re.IGNORECASE)
"""Names of headers whose values are secret, whatever they look like."""
_OTHERS = frozenset({"x-dragoman-key", "ocp-apim-subscription-key"})
_APART = b'\x00"-"\x00'
"""Stands between texts that are looked through together: no secret goes on behind it."""
_ANY = ""
_LOOSE, _TIGHT = b'": "', b'":"'
_PIECE = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*')
_ESCAPED = b'\\"'
_SHORTEST_KNOWN = 8


class Redactor:
    """`known`: secrets that are known as such, as the keys of config; they are found wherever they stand."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        engine: Any = re2
        options = engine.Options()
        options.encoding = engine.Options.Encoding.LATIN1
        options.log_errors = False
        options.max_mem = 64 * 1024 * 1024
        told = "|".join(engine.escape(each) for each in sorted(set(known), key=len, reverse=True) if len(each) >= _SHORTEST_KNOWN)
        pattern = f"(?P<known>{told})|{_PATTERN}" if told else _PATTERN
        self._pattern: Any = engine.compile(pattern.encode(), options)
        numbers: dict[bytes, int] = self._pattern.groupindex
        named = [(numbers.get(name.encode()), _CHECKS.get(name, _always)) for name in _PARTS]
        self._parts = tuple((number, check) for number, check in named if number is not None)

    def redact(self, data: bytes) -> bytes:
        """The same text with a mark in place of each secret; the very same object where there is none."""
        if self._pattern.search(data) is None:
            return data
        parts: list[bytes] = []
        at = 0
        for start, stop in self._spans(data):
            parts += (data[at:start], MARK)
            at = stop
        return b"".join([*parts, data[at:]]) if parts else data

    def redact_stream(self, data: bytes) -> bytes:
        """The same for the events of a stream, where a secret may come in pieces: what of it is in each of them is struck out."""
        tight = data.replace(_LOOSE, _TIGHT)
        for saying in behind(_ANY):
            joined = _said(tight, saying)
            if joined and self._pattern.search(joined) is not None:
                tight = self._struck(tight, saying)
                data = tight
        return self.redact(data)

    def _struck(self, data: bytes, saying: bytes) -> bytes:
        pieces = [match.span(1) for match in re.finditer(re.escape(saying) + b"(" + _PIECE.pattern + b")", data)]
        spans = list(self._spans(b"".join([data[start:stop] for start, stop in pieces])))
        struck = bytearray(data)
        at = 0
        for start, stop in pieces:
            size = stop - start
            for first, last in spans:
                if first < at + size and last > at:
                    begin, end = start + max(0, first - at), start + min(size, last - at)
                    struck[begin:end] = b"*" * (end - begin)
            at += size
        return bytes(struck)

    def suspects(self, texts: Sequence[bytes]) -> set[int]:
        """Which of these texts (by their number) may hold a secret. One search for all of them: nearly always it is none."""
        if self._pattern.search(joined := _APART.join(texts)) is None:
            return set()
        # What stands apart counts as the beginning of what follows: a match may begin with it.
        ends = [end - len(_APART) for end in accumulate(len(text) + len(_APART) for text in texts)]
        found = set[int]()
        for match in self._pattern.finditer(joined):
            start, stop = match.span()
            found.update(range(bisect_right(ends, start), bisect_left(ends, stop) + 1))
        return found

    def headers(self, given: Headers) -> Headers:
        """Headers as they may be kept."""
        return tuple([(name, MARKED if is_secret_name(name) else self._header(value)) for name, value in given])

    def _header(self, value: str) -> str:
        return self.redact(value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def _spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        for match in self._pattern.finditer(data):
            for number, is_secret in self._parts:
                start, stop = match.span(number)
                if start >= 0:
                    if is_secret(data[start:stop]):
                        yield start, stop
                    break


def sayings(data: bytes, behind: Iterable[bytes]) -> list[bytes]:
    """What the events of a stream say, the pieces that stand behind each of these put together: where a secret may be that is in none of
    the pieces."""
    tight = data.replace(_LOOSE, _TIGHT)
    return [joined for saying in behind if (joined := _said(tight, saying))]


@lru_cache(maxsize=64)
def behind(dialect_name: str) -> tuple[bytes, ...]:
    """What the pieces of an answer stand behind in the events of a dialect; in those of any, where it is none that is known."""
    return _behind((dialect_name,) if dialect_name in names() else names())


def _behind(dialect_names: Iterable[str]) -> tuple[bytes, ...]:
    fields = dict.fromkeys(field for name in dialect_names for field in dialect(name).glance.pieces)
    return tuple([f'"{field}":"'.encode() for field in fields])


@lru_cache(maxsize=1000)
def is_secret_name(header: str) -> bool:
    """Whether a header of this name holds a credential."""
    return header.lower() in _OTHERS or _CREDENTIALS.search(header) is not None


def _said(tight: bytes, saying: bytes) -> bytes:
    _, *parts = tight.split(saying)
    if not parts:
        return b""
    # Up to the first quote, as long as none of these is escaped: twice as fast as the pattern.
    pieces = [part.partition(b'"')[0] for part in parts]
    if _ESCAPED in b'"'.join(pieces) + b'"':
        pieces = [piece[0] for part in parts if (piece := _PIECE.match(part))]
    return b"".join(pieces)


def _always(value: Any) -> bool:
    return True


def _is_value(value: bytes) -> bool:
    """Whether what stands behind `password:` may be one, rather than a place-holder or what the mark left."""
    return not value.startswith((b"$", b"<", b"{", b"*", b"[", b"...", b"process.env", b"os.environ")) and b" " not in value.strip()


def _is_plain_value(value: bytes) -> bool:
    """The same without quotes, where code stands as well: one with a digit in it."""
    return _is_value(value) and any(48 <= letter <= 57 for letter in value)


_CHECKS: dict[str, Callable[[bytes], bool]] = {"quoted": _is_value, "plain": _is_plain_value}
