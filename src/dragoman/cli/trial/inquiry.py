"""What a try asks of the gateway: does it know these models, before anything is spent; and what did a run come to."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import click
import msgspec

from dragoman.cli.codex.arguments import KEY_VARIABLE
from dragoman.cli.gateway import get
from dragoman.wire.not_json import NOT_JSON

_FAULTS = (OSError, http.client.HTTPException, *NOT_JSON)


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    code: str | None = None


class _Refusal(msgspec.Struct, frozen=True):
    error: _Error = _Error()


def check_models(address: str, models: Iterable[str], env: Mapping[str, str]) -> None:
    """Raise ClickException with the gateway's sentence for each model that it does not know. Spends nothing."""
    problems = [problem for model in dict.fromkeys(models) if (problem := _problem(address, model, env))]
    if problems:
        raise click.ClickException("\n".join(problems))


def fetch_sums(address: str, run: str, env: Mapping[str, str], *, wait_s: float = 10.0) -> dict[str, Any]:
    """`GET /api/runs/{run}`, or {} where nothing was asked or the gateway is gone."""
    try:
        answer = get(address, f"/api/runs/{run}", key=env.get(KEY_VARIABLE), wait_s=wait_s)
        return msgspec.json.decode(answer.body, type=dict[str, Any]) if answer.status == 200 else {}
    except _FAULTS:
        return {}


def _problem(address: str, model: str, env: Mapping[str, str]) -> str:
    try:
        answer = get(address, f"/api/resolve/{quote(model, safe='/')}", key=env.get(KEY_VARIABLE), wait_s=10.0)
        error = msgspec.json.decode(answer.body, type=_Refusal).error
    except _FAULTS:
        return ""
    # A gateway that is older than this question answers 404 to it as well, with another code.
    return error.message if error.code == "model_not_found" else ""
