"""The client programs that are known: every page beside this file (it exports `AGENT`), the generic one last."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dragoman.agents import generic
from dragoman.agents.contract import Agent

_NOT_AGENTS = frozenset({"contract", "registry", "generic", "codex_catalog", "finality"})


@cache
def agents() -> tuple[Agent, ...]:
    """All pages in order of their names, then the generic one."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name not in _NOT_AGENTS)
    return (*(importlib.import_module(f"dragoman.agents.{name}").AGENT for name in names), generic.AGENT)


def recognise(headers: Mapping[str, str]) -> Agent:
    """The program that sent these headers (lower-case names)."""
    for agent in agents():
        if agent.recognise(headers):
            return agent
    return generic.AGENT
