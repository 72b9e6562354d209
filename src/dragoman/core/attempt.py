"""One try at one deployment: sending the call, waiting for its head, and reading what went wrong."""

from __future__ import annotations

from email.utils import formatdate

from dragoman.core.exchange import Exchange
from dragoman.core.runtime import Deployment
from dragoman.dialects.contract import Call
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Attempt
from dragoman.upstream.reply import Reply
from dragoman.wire.frame import Headers

_ERROR_BYTES = 256 * 1024
_ABOUT_KEYS = frozenset({Kind.PROVIDER_KEY, Kind.PROVIDER_PERMISSION})
_CLEAR = _ABOUT_KEYS | {Kind.TOO_LARGE}
"""Kinds whose status says enough, even with a web page for a body."""
_LINE_FAULTS = frozenset({Kind.UNREACHABLE, Kind.TIMEOUT, Kind.CUT, Kind.GARBLED})
_KEPT_HEADERS = frozenset({"x-request-id", "request-id", "openai-processing-ms", "openai-version", "retry-after", "retry-after-ms"})


async def open_attempt(exchange: Exchange, call: Call) -> Reply:
    """Connect and send `call` to the exchange's deployment. Raises GatewayError (unreachable, timeout)."""
    deployment = exchange.deployment
    record = exchange.record
    record.provider, record.model = deployment.provider, deployment.model
    record.upstream_dialect = deployment.dialect.name
    attempt = Attempt(deployment.provider, deployment.model, began_s=exchange.elapsed_s())
    record.attempts = [*record.attempts, attempt]
    target = deployment.base_path + (deployment.path if call.path == deployment.dialect.path else call.path)
    if call.query:
        target = f"{target}?{call.query}"
    # A client of the dialect may say of itself what the profile says by default (an API's version): what comes later counts.
    # Mostly there is nothing to add: the very same tuple is known to the pool, which has its lines ready.
    added = carried_headers(exchange) + call.headers
    headers = tuple(dict((*deployment.headers, *added)).items()) if added else deployment.headers
    try:
        reply = await exchange.runtime.pool.open(deployment.origin, call.method, target, headers, call.body, deadlines=deployment.deadlines)
    except GatewayError as error:
        raise close_attempt(exchange, error) from error
    attempt.connected_s = exchange.elapsed_s()
    return reply


async def await_head(exchange: Exchange, reply: Reply) -> None:
    """Wait for the status line of an answer that is wanted whole. Raises GatewayError."""
    try:
        await reply.head()
    except GatewayError as error:
        raise close_attempt(exchange, error) from error
    note_head(exchange, reply)


def note_head(exchange: Exchange, reply: Reply) -> None:
    """Remember when the provider began to answer and with what."""
    attempt = exchange.record.attempts[-1]
    attempt.first_byte_s = exchange.elapsed_s()
    attempt.status = reply.status


def end_attempt(exchange: Exchange) -> None:
    """Remember that the attempt ended well."""
    exchange.record.attempts[-1].ended_s = exchange.elapsed_s()


def close_attempt(exchange: Exchange, error: GatewayError) -> GatewayError:
    """Remember how the attempt failed; the error learns which provider it came from and loses any secret in its words."""
    attempt = exchange.record.attempts[-1]
    attempt.ended_s = exchange.elapsed_s()
    attempt.error = error.kind.value
    attribute(exchange.deployment, error)
    return error


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


async def read_refusal(exchange: Exchange, reply: Reply) -> GatewayError:
    """Read a provider's error answer. What cannot be read in full is told by its status alone."""
    if reply.status < 400:
        return _redirected(exchange, reply)
    try:
        body = await reply.read_all(_ERROR_BYTES)
    except GatewayError:
        body = b""
    deployment = exchange.deployment
    error = deployment.dialect.read_error(reply.status, _dated(exchange, reply.headers), body)
    if "text/html" in dict(reply.headers).get("content-type", "") and error.kind not in _CLEAR:
        error.message = (
            f"provider `{deployment.provider}` answered HTTP {reply.status} with a web page; it may be down, or "
            f"`providers.{deployment.provider}.base_url` may point elsewhere"
        )
    elif _may_see(exchange, error, body):
        error.body = body
    attribute(deployment, error)
    return error


def _may_see(exchange: Exchange, error: GatewayError, body: bytes) -> bool:
    """Whether the client may be told of an error in the provider's own body: it speaks of the client's request, in its dialect."""
    deployment = exchange.deployment
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


def _redirected(exchange: Exchange, reply: Reply) -> GatewayError:
    """Where a redirect leads is somebody else's choice, and the provider key would go along."""
    provider = exchange.deployment.provider
    place = dict(reply.headers).get("location", "").partition("?")[0]
    where = f" to `{_header_text(place)[:200]}`" if place else ""
    return GatewayError(
        Kind.GARBLED,
        f"provider `{provider}` answered HTTP {reply.status}, a redirect{where}, which is not followed; "
        f"check `providers.{provider}.base_url`",
        source="upstream",
        provider=provider,
    )


def not_a_stream(exchange: Exchange, content_type: str) -> GatewayError:
    """The provider answered 200 with something that is no answer of its API."""
    deployment = exchange.deployment
    kind = content_type.partition(";")[0].strip() or "no content type"
    return GatewayError(
        Kind.GARBLED,
        f"provider `{deployment.provider}` answered with `{kind}` where `{deployment.dialect.name}` answers JSON or a stream; "
        f"check `providers.{deployment.provider}.base_url`",
        source="upstream",
        provider=deployment.provider,
    )


def carried_headers(exchange: Exchange) -> Headers:
    """The client's headers that carry meaning in the dialect, where both sides speak it."""
    carry = exchange.dialect.carry_headers
    if not carry or exchange.deployment.dialect is not exchange.dialect:
        return ()
    headers = exchange.inbound.headers
    prefixes = tuple(name[:-1] for name in carry if name.endswith("*"))
    private = () if exchange.deployment.metadata else exchange.agent.strip_headers
    return tuple((n, v) for n, v in headers.items() if (n in carry or (prefixes and n.startswith(prefixes))) and n not in private)


def told_headers(exchange: Exchange, reply: Reply | None) -> list[tuple[str, str]]:
    """Headers that go down to the client: the provider's request id and limits, and who answered. The provider's `openai-model`
    stays here: Codex tells its user of a "rerouted" model when that name is not the one asked for."""
    record = exchange.record
    model = _header_text(exchange.deployment.name)
    told = [("x-dragoman-exchange", record.id), ("x-dragoman-model", model), ("x-dragoman-lane", record.lane or "")]
    if record.warnings:
        told.append(("x-dragoman-warnings", _header_text("; ".join(f"{field}: {why}" for field, why in record.warnings))))
    if reply is not None:
        told += [(n, v) for n, v in reply.headers if n in _KEPT_HEADERS or n.startswith(("x-ratelimit-", "anthropic-ratelimit-"))]
    return told


def _header_text(text: str) -> str:
    """Words as a header can hold them: model names and warnings repeat what clients chose."""
    if not (text.isascii() and text.isprintable()):
        text = "".join([c if " " <= c <= "~" else " " if c.isspace() else "?" for c in text])
    return text[:1000].strip()
