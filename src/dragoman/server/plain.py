"""The bodies of the plain answers: health, model list, the words at `/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.about import About, Listed


def health(about: About, *, is_known: bool, running: int, now: float, config: Mapping[str, Any] | None = None) -> bytes:
    """What is told of the gateway's state; to strangers only that it is up. `config`: which one is in use, and what is wrong with the
    one that is not."""
    if not is_known:
        return b'{"status":"ok"}'
    known = {} if config is None else {"config": config}
    return msgspec.json.encode(
        {
            "status": "ok",
            "name": "dragoman",
            "version": about.version,
            "providers": about.providers,
            "keys_needed": about.closed,
            "running": running,
            "uptime_s": round(max(0.0, now - about.began), 1),
            **known,
        }
    )


def models(about: About) -> bytes:
    """The list that OpenAI's API gives (https://platform.openai.com/docs/api-reference/models/list)."""
    return msgspec.json.encode({"object": "list", "data": [_model(about, model) for model in about.models]})


def model(about: About, name: str) -> bytes:
    """One entry of the list. Raises GatewayError(model_not_found)."""
    found = next((model for model in about.models if model.name == name), None)
    if found is None:
        raise GatewayError(Kind.MODEL_NOT_FOUND, f"no model `{name[:100]}` is listed; `GET /v1/models` lists them", source="client")
    return msgspec.json.encode(_model(about, found))


def front(about: About, address: str) -> bytes:
    """What a browser shows who was pointed at the gateway itself. `address` is the `Host` of the request."""
    return _FRONT.format(version=about.version, address=address).encode()


def _model(about: About, model: Listed) -> dict[str, object]:
    return {"id": model.name, "object": "model", "created": int(about.began), "owned_by": model.owned_by}


_FRONT = """\
Dragoman {version}: a gateway between coding agents and model providers.

Point a client at one of these as its base URL:

  http://{address}/openai    Codex and other clients of OpenAI's APIs
  http://{address}/v1        the same, for clients that want it to end so

It answers   POST .../responses   POST .../chat/completions   GET .../models
and tells    GET /health   GET /api/health   GET /api/config   GET /api/models   GET /metrics   POST /api/route

What went through it:  http://{address}/logs     (and as it ends:  GET /api/live)

With the Codex CLI:    dragoman codex
"""
