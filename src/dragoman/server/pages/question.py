"""What is asked of the list of exchanges, as it stands in the address: read from a query, written into links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from dragoman.server.pages.journal import Fact

PERIODS: dict[str, tuple[str, float | None]] = {
    "": ("any time", None),
    "15m": ("last 15 minutes", 900.0),
    "1h": ("last hour", 3600.0),
    "24h": ("last 24 hours", 86_400.0),
    "7d": ("last 7 days", 7 * 86_400.0),
    "30d": ("last 30 days", 30 * 86_400.0),
}
"""Word in the address -> (words for people, seconds)."""
OUTCOMES: dict[str, str] = {"": "any status", "ok": "answered", "failed": "failed", "499": "client left", "4xx": "4xx", "5xx": "5xx"}
TEXTS = ("text", "model", "provider", "client", "user", "team", "agent", "session", "error")
LEAST = ("min_cost_usd", "min_total_s", "min_first_token_s")
"""At least so much: US dollars, seconds. The journal knows what is a number."""
_KNOWN_EARLY = ("model", "provider", "client", "user", "team", "agent", "session")
_FILES = "/api/exchanges"
_LONGEST = 300


class Question(msgspec.Struct, frozen=True):
    """The filters, as they stand in the address; empty: not asked for. since: a word of `PERIODS`, or another that the journal takes.
    after, before: moments in UTC, as a browser's `datetime-local` field gives them. status: a word of `OUTCOMES` or a status. cursor: where
    the page begins."""

    text: str = ""
    since: str = ""
    after: str = ""
    before: str = ""
    model: str = ""
    provider: str = ""
    client: str = ""
    user: str = ""
    team: str = ""
    agent: str = ""
    session: str = ""
    status: str = ""
    error: str = ""
    min_cost_usd: str = ""
    min_total_s: str = ""
    min_first_token_s: str = ""
    cursor: str = ""

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return msgspec.structs.replace(self, cursor="") != Question()

    @property
    def is_bound(self) -> bool:
        """Whether it asks for what was dear or slow."""
        return any(getattr(self, name) for name in LEAST)

    def link(self, **changes: str) -> str:
        """The address of the same list, but for these changes; any change but of `cursor` begins at the top again."""
        told = {**msgspec.structs.asdict(self), "cursor": "", **changes}
        query = urlencode({name: value for name, value in told.items() if value})
        return f"/logs?{query}" if query else "/logs"

    def file(self, form: str) -> str:
        """The address of all that is asked for as a file of this form."""
        wanted = {name: value for name in (*TEXTS, *LEAST, "status") if (value := getattr(self, name))}
        wanted |= {name: value for name in ("after", "before") if (value := getattr(self, name))}
        if self.since and not self.after:
            wanted["since"] = self.since
        return f"{_FILES}?{urlencode({**wanted, 'format': form})}"

    def wanted(self, now: float) -> dict[str, Any]:
        """What the journal is asked for, at this moment (Unix seconds). Times that are none of ours are for it to take or refuse."""
        wanted: dict[str, Any] = {name: value for name in (*TEXTS, *LEAST) if (value := getattr(self, name))}
        wanted |= {name: _moment(value) for name in ("after", "before") if (value := getattr(self, name))}
        if self.since and not self.after:
            seconds = PERIODS.get(self.since, ("", None))[1]
            wanted |= {"since": self.since} if seconds is None else {"after": now - seconds}
        wanted |= {name: value for name in ("status", "cursor") if (value := getattr(self, name))}
        return wanted

    def among(self, running: Sequence[Fact], now: float) -> list[Fact]:
        """Those of the exchanges under way that stand above this list. Whoever asks for words, a status, an error, a cost or a time
        wants none: nobody knows them before the end."""
        if self.cursor or self.text or self.status or self.error or self.is_bound:
            return []
        wanted = self.wanted(now)
        equal = [(name, wanted[name].split(",")) for name in _KNOWN_EARLY if name in wanted]
        bounds = {name: at for name in ("after", "before") if isinstance(at := wanted.get(name), float)}
        found = [fact for fact in running if bounds.get("after", 0.0) <= fact["began_at"] < bounds.get("before", float("inf"))]
        return [fact for fact in found if all(fact[name] in values for name, values in equal)]


def read_question(query: str) -> Question:
    """The question of an address. Names that are not known there are passed over, so that an old link still shows something."""
    told = {name: value.strip()[:_LONGEST] for name, value in parse_qsl(query) if name in Question.__struct_fields__}
    return Question(**told)


def _moment(text: str) -> float | str:
    """Unix seconds of what a browser's field gives; anything else as it stands."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
