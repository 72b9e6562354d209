"""One try at one deployment: sending the call, waiting for its head, and reading what went wrong."""

from __future__ import annotations

from dragoman.core.exchange import Exchange
from dragoman.dialects.contract import Call
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Attempt
from dragoman.upstream.reply import Reply
from dragoman.wire.frame import Headers

_ERROR_BYTES = 256 * 1024
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
    provider = exchange.deployment.provider
    error.provider = error.provider or provider
    if error.kind in _LINE_FAULTS and f"`{provider}`" not in error.message:
        error.message = f"provider `{provider}`: {error.message}"
    secret = exchange.deployment.secret
    if secret and secret in error.message:
        error.message = error.message.replace(secret, "***")
    return error


async def read_refusal(exchange: Exchange, reply: Reply) -> GatewayError:
    """Read a provider's error answer. What cannot be read in full is told by its status alone."""
    try:
        body = await reply.read_all(_ERROR_BYTES)
    except GatewayError:
        body = b""
    deployment = exchange.deployment
    error = deployment.dialect.read_error(reply.status, reply.headers, body)
    error.provider = deployment.provider
    if error.kind in (Kind.PROVIDER_KEY, Kind.PROVIDER_PERMISSION):
        error.message = (
            f"provider `{deployment.provider}` refused the key that the gateway sent (HTTP {reply.status}): {error.message.rstrip('.')}; "
            f"check `providers.{deployment.provider}.keys`"
        )
    elif "text/html" in dict(reply.headers).get("content-type", ""):
        error.message = (
            f"provider `{deployment.provider}` answered HTTP {reply.status} with a web page; it may be down, or "
            f"`providers.{deployment.provider}.base_url` may point elsewhere"
        )
    elif deployment.dialect is exchange.dialect and not (deployment.secret and deployment.secret.encode() in body):
        error.body = body
    return error


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
    told = [("x-dragoman-exchange", record.id), ("x-dragoman-model", exchange.deployment.name), ("x-dragoman-lane", record.lane or "")]
    if record.warnings:
        told.append(("x-dragoman-warnings", _header_text(record.warnings)))
    if reply is not None:
        told += [(n, v) for n, v in reply.headers if n in _KEPT_HEADERS or n.startswith(("x-ratelimit-", "anthropic-ratelimit-"))]
    return told


def _header_text(warnings: list[tuple[str, str]]) -> str:
    text = "; ".join(f"{field}: {why}" for field, why in warnings)
    return text.encode("ascii", "replace").decode()[:1000].replace("\r", " ").replace("\n", " ")
