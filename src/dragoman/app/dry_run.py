"""A request that is not sent: where it would go, and why. Against a running gateway's health, or from the config alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.config.schema import Config
from dragoman.core.runtime import Runtime
from dragoman.server.admin import DryRun


def dry_run(runtime: Runtime, config: Config, question: DryRun) -> Mapping[str, Any]:
    """Where this request would go."""
    found = runtime.resolver.resolve(question.model or str((question.request or {}).get("model", "")))
    return {"model": found.name, "found": found.reason, "places": [{"seat": target.name} for target in found.targets]}
