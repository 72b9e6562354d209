"""The one exception of the gateway and THE table of error kinds: status, retry, fallback, breaker are read off it and nowhere else."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

Source = Literal["client", "gateway", "upstream"]


class Kind(StrEnum):
    """What went wrong, by meaning. Dialects map provider errors to a kind and a kind to their own error form."""

    INVALID_REQUEST = "invalid_request"
    UNSUPPORTED = "unsupported"
    MODEL_NOT_FOUND = "model_not_found"
    NOT_FOUND = "not_found"
    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    FORBIDDEN_ORIGIN = "forbidden_origin"
    TOO_LARGE = "too_large"
    CLIENT_TIMEOUT = "client_timeout"
    CONTEXT_OVERFLOW = "context_overflow"
    CONTENT_POLICY = "content_policy"
    SEAL_REFUSED = "seal_refused"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    PROVIDER_KEY = "provider_key"
    PROVIDER_PERMISSION = "provider_permission"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CUT = "cut"
    GARBLED = "garbled"
    SHUTTING_DOWN = "shutting_down"
    CLIENT_GONE = "client_gone"
    CONFIG = "config"
    INTERNAL = "internal"


Bench = Literal["", "key", "seat"]
"""What is left alone for a while after such an error: nothing, the provider key altogether, or the key with this model."""


class Rule(msgspec.Struct, frozen=True):
    """How one kind is treated.

    status: the honest HTTP status; permanent: asking again with the same input cannot help (agents that retry everything are
    told so in their own form). retry: the same deployment and key may be tried again, after a wait; fall_back: another key or
    deployment may be tried; trips: counts against the health of the deployment, where it was the provider's own fault; spreads:
    the fault lies with the deployment, so that another key of it may well meet the same; of_target: so that it surely does; bench:
    what is left alone for a while;
    heals: one more try without the earlier thoughts may do; larger_window: only a model with a larger context window can help.
    tell: of the errors of several tries the one with the lowest number is told to the client: first what it can act upon, then
    what passes by itself, then what only the gateway's owner can mend.
    """

    status: int
    permanent: bool = False
    retry: bool = False
    fall_back: bool = False
    trips: bool = False
    spreads: bool = False
    of_target: bool = False
    bench: Bench = ""
    heals: bool = False
    larger_window: bool = False
    tell: int = 0


RULES: dict[Kind, Rule] = {
    Kind.INVALID_REQUEST: Rule(400, permanent=True, tell=5),
    Kind.UNSUPPORTED: Rule(400, permanent=True, fall_back=True, of_target=True, tell=5),
    Kind.MODEL_NOT_FOUND: Rule(404, permanent=True, fall_back=True, spreads=True, tell=6),
    Kind.NOT_FOUND: Rule(404, permanent=True, tell=5),
    Kind.AUTHENTICATION: Rule(401, permanent=True),
    Kind.PERMISSION: Rule(403, permanent=True),
    Kind.FORBIDDEN_ORIGIN: Rule(403, permanent=True),
    Kind.TOO_LARGE: Rule(413, permanent=True, fall_back=True, of_target=True, tell=5),
    Kind.CLIENT_TIMEOUT: Rule(408),
    Kind.CONTEXT_OVERFLOW: Rule(400, permanent=True, fall_back=True, larger_window=True, tell=1),
    Kind.CONTENT_POLICY: Rule(400, permanent=True, tell=5),
    Kind.SEAL_REFUSED: Rule(400, permanent=True, heals=True, tell=5),
    Kind.RATE_LIMITED: Rule(429, retry=True, fall_back=True, tell=2),
    Kind.QUOTA: Rule(429, permanent=True, fall_back=True, bench="seat", tell=7),
    Kind.PROVIDER_KEY: Rule(502, permanent=True, fall_back=True, bench="key", tell=9),
    Kind.PROVIDER_PERMISSION: Rule(502, permanent=True, fall_back=True, bench="seat", tell=8),
    Kind.OVERLOADED: Rule(503, retry=True, fall_back=True, trips=True, spreads=True, tell=3),
    Kind.SERVER_ERROR: Rule(502, retry=True, fall_back=True, trips=True, spreads=True, tell=4),
    Kind.UNREACHABLE: Rule(502, retry=True, fall_back=True, trips=True, spreads=True, tell=4),
    Kind.TIMEOUT: Rule(504, retry=True, fall_back=True, trips=True, spreads=True, tell=4),
    Kind.CUT: Rule(502, retry=True, fall_back=True, trips=True, spreads=True, tell=4),
    Kind.GARBLED: Rule(502, retry=True, fall_back=True, trips=True, spreads=True, tell=4),
    Kind.SHUTTING_DOWN: Rule(503),
    Kind.CLIENT_GONE: Rule(499),
    Kind.CONFIG: Rule(500, permanent=True, fall_back=True, of_target=True, tell=10),
    Kind.INTERNAL: Rule(500),
}


class GatewayError(Exception):
    """Everything that can go wrong with an exchange, as one sentence for the reader and a kind for the machine.

    `message` says what happened, to what, and what to do; it never holds a secret. `status` is the provider's own HTTP status
    where one was seen (None otherwise), `code`, `type` and `param` its own error words, kept for the client where the dialect
    has a place for them. `retry_after_s` is what the provider asked for, `provider` names it. `body` is its error body as it came,
    where the client speaks the same dialect and may see it.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        source: Source = "gateway",
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        provider: str | None = None,
        body: bytes | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.source: Source = source
        self.status = status
        self.code = code
        self.type = type
        self.param = param
        self.retry_after_s = retry_after_s
        self.provider = provider
        self.body = body

    @property
    def rule(self) -> Rule:
        """The row of the table for this kind."""
        return RULES[self.kind]

    @property
    def honest_status(self) -> int:
        """The status that a client without special needs is told: the provider's own 4xx where it speaks of the client's
        request, else the table's."""
        if self.status is not None and 400 <= self.status < 500 and self.kind not in _OURS_TO_HIDE:
            return self.status
        return self.rule.status

    def __repr__(self) -> str:
        return f"GatewayError({self.kind.value!r}, {self.message!r}, source={self.source!r}, status={self.status})"


# A provider's 401, 402 and 403 speak of the provider's key, which is not the client's: to the client it is a bad gateway.
_OURS_TO_HIDE = frozenset({Kind.PROVIDER_KEY, Kind.PROVIDER_PERMISSION})
