"""What a provider's failure means: its error answers read, told as its own, and cleared of secrets."""

from __future__ import annotations

from email.utils import formatdate

from dragoman.core.exchange import Exchange
from dragoman.core.runtime import Deployment
from dragoman.ir.errors import GatewayError, Kind
from dragoman.upstream.alarm import within
from dragoman.upstream.reply import Reply
from dragoman.wire.frame import Headers
from dragoman.wire.headers import header_text

_ERROR_BYTES = 256 * 1024
_ABOUT_KEYS = frozenset({Kind.PROVIDER_KEY, Kind.PROVIDER_PERMISSION})
_CLEAR = _ABOUT_KEYS | {Kind.TOO_LARGE}
"""Kinds whose status says enough, even with a web page for a body."""
_LINE_FAULTS = frozenset({Kind.UNREACHABLE, Kind.TIMEOUT, Kind.CUT, Kind.GARBLED})


def attribute(deployment: Deployment, error: GatewayError) -> None:
    """Have an error of a provider say whose it is and what it means, before its own words; any secret in those is taken out."""
    provider = deployment.provider
    error.provider = error.provider or provider
    if error.source == "upstream" and not error.message.startswith(f"provider `{provider}`"):
        error.message = _attributed(provider, error)
    secret = deployment.secret
    if secret and secret in error.message:
        error.message = error.message.replace(secret, "***")


def _attributed(provider: str, error: GatewayError) -> str:
    meaning = _MEANINGS.get(error.kind)
    if meaning is None or (error.kind in _LINE_FAULTS and error.status is None):
        return f"provider `{provider}`: {error.message}"
    remedy = _REMEDIES.get(error.kind)
    status = f" (HTTP {error.status})" if error.status is not None else ""
    said = error.message if remedy is None else f"{error.message.rstrip('.')}; {remedy.format(provider=provider)}"
    return f"provider `{provider}` {meaning}{status}: {said}"


_MEANINGS: dict[Kind, str] = {
    Kind.INVALID_REQUEST: "refused the request",
    Kind.UNSUPPORTED: "refused the request",
    Kind.NOT_FOUND: "did not find what was asked for",
    Kind.MODEL_NOT_FOUND: "does not offer the model",
    Kind.TOO_LARGE: "takes no request of this size",
    Kind.CONTEXT_OVERFLOW: "finds the conversation too long for the model",
    Kind.CONTENT_POLICY: "refused by its policy",
    Kind.SEAL_REFUSED: "refused earlier thoughts",
    Kind.RATE_LIMITED: "limits how fast it is asked",
    Kind.QUOTA: "has no quota left for the gateway's key",
    Kind.PROVIDER_KEY: "refused the key that the gateway sent",
    Kind.PROVIDER_PERMISSION: "does not permit this",
    Kind.OVERLOADED: "is overloaded",
    Kind.SERVER_ERROR: "failed",
    Kind.TIMEOUT: "took too long",
}
_REMEDIES: dict[Kind, str] = {
    Kind.PROVIDER_KEY: "check `providers.{provider}.keys`",
    Kind.PROVIDER_PERMISSION: "check what the key in `providers.{provider}.keys` may do",
}


async def read_refusal(exchange: Exchange, deployment: Deployment, reply: Reply) -> GatewayError:
    """Read a provider's error answer. What cannot be read in full is told by its status alone."""
    if reply.status < 400:
        return _redirected(deployment, reply)
    try:
        async with within(exchange.runtime.pace.error_s):
            body = await reply.read_all(_ERROR_BYTES)
    except (GatewayError, TimeoutError):
        body = b""
    if exchange.captured is not None:
        exchange.captured.hear(body)
    error = deployment.dialect.read_error(reply.status, _dated(exchange, reply.headers), body)
    if "text/html" in dict(reply.headers).get("content-type", "") and error.kind not in _CLEAR:
        error.message = (
            f"provider `{deployment.provider}` answered HTTP {reply.status} with a web page; it may be down, or "
            f"`providers.{deployment.provider}.base_url` may point elsewhere"
        )
    elif _may_see(exchange, deployment, error, body):
        error.body = body
    attribute(deployment, error)
    return error


def _may_see(exchange: Exchange, deployment: Deployment, error: GatewayError, body: bytes) -> bool:
    """Whether the client may be told of an error in the provider's own body: it speaks of the client's request, in its dialect."""
    secret = deployment.secret
    return deployment.dialect is exchange.dialect and error.kind not in _ABOUT_KEYS and not (secret and secret.encode() in body)


def _dated(exchange: Exchange, headers: Headers) -> Headers:
    """With the time at which they came, where the provider does not tell its own: waits may be given as dates."""
    if any(name == "date" for name, _ in headers):
        return headers
    return (*headers, ("date", formatdate(exchange.inbound.received_at + exchange.elapsed_s(), usegmt=True)))


def filtered(detail: str | None) -> GatewayError:
    """An answer that its provider's filter ended, or in which the model would not go on. `detail` is the provider's word for why."""
    why = f" (`{detail}`)" if detail else ""
    return GatewayError(Kind.CONTENT_POLICY, f"the answer was ended by a filter or a refusal{why}; ask in other words", source="upstream")


def _redirected(deployment: Deployment, reply: Reply) -> GatewayError:
    """Where a redirect leads is somebody else's choice, and the provider key would go along."""
    provider = deployment.provider
    place = dict(reply.headers).get("location", "").partition("?")[0]
    where = f" to `{header_text(place)[:200]}`" if place else ""
    return GatewayError(
        Kind.GARBLED,
        f"provider `{provider}` answered HTTP {reply.status}, a redirect{where}, which is not followed; "
        f"check `providers.{provider}.base_url`",
        source="upstream",
        provider=provider,
    )


def not_a_stream(deployment: Deployment, content_type: str) -> GatewayError:
    """The provider answered 200 with something that is no answer of its API."""
    kind = content_type.partition(";")[0].strip() or "no content type"
    return GatewayError(
        Kind.GARBLED,
        f"provider `{deployment.provider}` answered with `{kind}` where `{deployment.dialect.name}` answers JSON or a stream; "
        f"check `providers.{deployment.provider}.base_url`",
        source="upstream",
        provider=deployment.provider,
    )
