"""What commands ask a running gateway's admin side: JSON there and back, and its own sentence where it refuses."""

from __future__ import annotations

import http.client
import os
import ssl
from pathlib import Path
from typing import Any

import click
import msgspec

from dragoman.cli.codex.arguments import KEY_VARIABLE
from dragoman.cli.gateway import Answer, get, post
from dragoman.cli.settings import address_in
from dragoman.config.load import find
from dragoman.config.written import read_written
from dragoman.wire.not_json import NOT_JSON

_FAULTS = (OSError, http.client.HTTPException)
_WAIT_S = 30.0

gateway_option = click.option(
    "--gateway", envvar="DRAGOMAN_URL", help="Address of the gateway. Default: the configured one, http://127.0.0.1:8080."
)
config_option = click.option("--config", "config", type=click.Path(), help="The config. Default: the one that `serve` would take.")


class _Error(msgspec.Struct, frozen=True):
    message: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class NobodyThere(click.ClickException):
    """No gateway answers."""


def address_of(gateway: str | None, config: str | None) -> str:
    """Where the gateway is to be found. The config need not be usable here: it may name variables that only the gateway has, or be the
    very one that the gateway refuses. Raises ConfigError where it is no config at all."""
    if gateway is not None:
        return gateway.rstrip("/")
    file = find(config, os.environ, Path())
    return address_in(read_written(file.read_bytes(), file.name).settings if file is not None else None)


def fetch(address: str, path: str) -> dict[str, Any]:
    """GET it. Raises NobodyThere, or ClickException with the gateway's sentence."""
    return _read(address, path, lambda: get(address, path, key=os.environ.get(KEY_VARIABLE), wait_s=_WAIT_S))


def tell(address: str, path: str, question: object = None) -> dict[str, Any]:
    """POST this as JSON. Raises as `fetch` does."""
    body = msgspec.json.encode({} if question is None else question)
    return _read(address, path, lambda: post(address, path, body, key=os.environ.get(KEY_VARIABLE), wait_s=_WAIT_S))


def misspelt(error: ValueError) -> click.ClickException:
    """What was given as a gateway's address is none."""
    return click.ClickException(f"{error}; write it as `http://127.0.0.1:8080`")


def reason(error: Exception) -> str:
    """Why nothing came, without the number that the system has for it."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"no TLS: {error.reason.replace('_', ' ').lower()}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def nothing(source: str, *, is_filtered: bool) -> str:
    """What is said where there is nothing to show; source: who was asked."""
    what = "nothing like that is on record" if is_filtered else "nothing is on record yet"
    return f"{what}, says {source}"


def _read(address: str, path: str, ask: Any) -> dict[str, Any]:
    try:
        answer: Answer = ask()
    except ValueError as error:
        raise misspelt(error) from error
    except _FAULTS as error:
        raise NobodyThere(
            f"no gateway answers at {address} ({reason(error)}); start one with `dragoman serve`, or name one with --gateway"
        ) from error
    if answer.status == 200:
        try:
            return msgspec.json.decode(answer.body, type=dict[str, Any])
        except NOT_JSON:
            pass
    raise refusal(f"{address}{path}", answer.status, answer.body)


def refusal(url: str, status: int, body: bytes) -> click.ClickException:
    """An answer that is none, in the gateway's own sentence."""
    try:
        message = msgspec.json.decode(body, type=_Refusal).error.message
    except NOT_JSON:
        message = ""
    hint = f"; put a client key into {KEY_VARIABLE}" if status == 401 else ""
    return click.ClickException((message or f"{url} answered {status}, as no gateway does") + hint)
