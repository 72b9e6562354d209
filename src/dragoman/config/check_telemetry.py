"""Checks of the section `telemetry`."""

from __future__ import annotations

from urllib.parse import urlsplit

from dragoman.config.check_headers import check_headers
from dragoman.config.problems import Findings
from dragoman.config.telemetry_schema import Telemetry


def check_telemetry(telemetry: Telemetry, findings: Findings) -> None:
    """Note a collector's address that is none, and headers that cannot be sent."""
    otlp = telemetry.otlp
    if otlp.endpoint is not None and (problem := _problem(otlp.endpoint)) is not None:
        remedy = "write it as `http://127.0.0.1:4318`; a key goes into `telemetry.otlp.headers`"
        findings.refuse(("telemetry", "otlp", "endpoint"), problem, remedy)
    check_headers(otlp.headers, ("telemetry", "otlp", "headers"), findings)


def _problem(endpoint: str) -> str | None:
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("http", "https") or not parts.hostname or any(letter <= " " for letter in endpoint):
        return "is no address of a collector"
    return "has a user or a password in it" if parts.username is not None or parts.password is not None else None
