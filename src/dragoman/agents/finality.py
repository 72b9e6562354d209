"""For programs that ask again by the status alone, whatever the answer says: an error that no further try can mend is told as one of
the request."""

from __future__ import annotations

from dragoman.agents.contract import Dressed
from dragoman.dialects.registry import dialect
from dragoman.ir.errors import GatewayError

_ASKED_AGAIN = (408, 409, 429)


def tell_for_good(error: GatewayError, dialect_name: str) -> Dressed | None:
    """The dialect's own form, with 400 for its status where the honest one would be asked again; None where that one will do.

    Of a spent quota (429) and a provider's key that was refused (502) such programs make a wait without an end, and show nobody why.
    """
    status, headers, body = dialect(dialect_name).write_error(error)
    if not error.rule.permanent or not (status in _ASKED_AGAIN or status >= 500):
        return None
    return 400, tuple((name, value) for name, value in headers if name != "retry-after"), body
