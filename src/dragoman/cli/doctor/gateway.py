"""Is the gateway there, is it this one, and does it let us in?"""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping

import msgspec

from dragoman import __version__
from dragoman.cli.asking import reason
from dragoman.cli.codex.arguments import KEY_VARIABLE
from dragoman.cli.doctor.finding import Finding, ok, problem, warning
from dragoman.cli.gateway import Look, Sight, get, look_at
from dragoman.wire.not_json import NOT_JSON

_ABOUT = "gateway"


def check_gateway(address: str, env: Mapping[str, str], *, chosen: bool) -> Iterator[Finding]:
    """chosen: the address was given, so that nothing there is a problem; else `dragoman codex` starts one when it needs it."""
    key = env.get(KEY_VARIABLE)
    look = look_at(address, key=key)
    if look.sight is Sight.LOCKED:
        held = "does not know the key in DRAGOMAN_KEY" if key else "asks for a key, and DRAGOMAN_KEY is not set"
        yield problem(_ABOUT, f"answers at {address}, but {held}", "export DRAGOMAN_KEY=… (one of the `access.keys` in dragoman.yaml)")
        return
    if look.sight is not Sight.GATEWAY:
        yield _absent(address, look, chosen)
        return
    version = look.facts.get("version")
    yield ok(_ABOUT, f"answers at {address} (dragoman {version}; providers: {', '.join(look.facts.get('providers', ()))})")
    if version != __version__:
        yield warning(_ABOUT, f"is dragoman {version}, this command is {__version__}", "restart it: `dragoman serve`")
    yield from _models(address, key)


def _absent(address: str, look: Look, chosen: bool) -> Finding:
    if look.sight is Sight.NOBODY and not chosen:
        return warning(_ABOUT, f"nothing answers at {address}; `dragoman codex` starts one for its own lifetime", "dragoman serve")
    message, remedy = _ABSENT[look.sight]
    return problem(_ABOUT, message.format(address=address, detail=look.detail), remedy)


def _models(address: str, key: str | None) -> Iterator[Finding]:
    try:
        answer = get(address, "/v1/models", key=key)
        listed = msgspec.json.decode(answer.body, type=_Listed)
    except (OSError, http.client.HTTPException, *NOT_JSON) as error:
        yield problem(_ABOUT, f"answers `/health` but not `/v1/models` ({reason(error)})", "look at its log")
        return
    names = [model.id for model in listed.data]
    shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
    yield ok(_ABOUT, f"knows {len(names)} model names: {shown}" if names else "takes any model name")


class _Model(msgspec.Struct):
    id: str


class _Listed(msgspec.Struct):
    data: list[_Model]


_ABSENT: dict[Sight, tuple[str, str]] = {
    Sight.NOBODY: ("nothing answers at {address} ({detail})", "start it: `dragoman serve`"),
    Sight.OTHER: ("another program answers at {address}: {detail}", "start the gateway on another port: `dragoman serve --port 8081`"),
    Sight.NOT_HTTP: ("what answers at {address} does not speak plain HTTP ({detail})", "is it https, or another program? check the port"),
    Sight.SILENT: ("something listens at {address} and does not answer", "restart it, or take another port: `dragoman serve --port 8081`"),
    Sight.NOT_TLS: ("what answers at {address} speaks no TLS ({detail})", "write http:// instead of https://"),
    Sight.BAD_ADDRESS: ("{detail}", "write it as http://127.0.0.1:8080"),
}
