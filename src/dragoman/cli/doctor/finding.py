"""One thing that the doctor found, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import click
import msgspec

Level = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True):
    """about: what was looked at, in a word or two. message: what was found. remedy: what to type or change, "" if nothing."""

    level: Level
    about: str
    message: str
    remedy: str = ""


def ok(about: str, message: str) -> Finding:
    """Nothing to do here."""
    return Finding("ok", about, message)


def warning(about: str, message: str, remedy: str = "") -> Finding:
    """It works, and not as somebody may expect."""
    return Finding("warning", about, message, remedy)


def problem(about: str, message: str, remedy: str = "") -> Finding:
    """It does not work like this."""
    return Finding("problem", about, message, remedy)


def told(findings: Iterable[Finding]) -> str:
    """All findings for a person: a mark and a sentence each, the remedy below. Colours are styled in, for click to strip."""
    return "\n".join(_lines(finding) for finding in findings)


def verdict(findings: list[Finding]) -> str:
    """The last line."""
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    if problems:
        return f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}"
    return f"no problems, {_count(warnings, 'warning')}" if warnings else "all is well"


def _lines(finding: Finding) -> str:
    sign, colour = _SIGNS[finding.level]
    head = f"{click.style(sign, fg=colour)} {click.style(finding.about, bold=True)}: {finding.message}"
    remedy = "".join(
        f"\n    {click.style('→', fg='cyan')} {line}" if not i else f"\n      {line}" for i, line in enumerate(finding.remedy.splitlines())
    )
    return head + remedy


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


_SIGNS: dict[Level, tuple[str, str]] = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
