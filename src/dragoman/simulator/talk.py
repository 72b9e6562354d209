"""The words of the default model: greetings, summaries, titles, reports and reviews, all made from what is really there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dragoman.simulator.hands import outcome
from dragoman.simulator.reply import Part, Text
from dragoman.simulator.shapes import as_dict
from dragoman.simulator.view import Result, Tool, View


def chat(view: View) -> tuple[Part, ...]:
    """An answer to words that ask for no tool."""
    for pattern, make in _SAYINGS:
        match = pattern.search(view.user)
        if match is not None:
            return (Text(make(match)),)
    opening = f"You said: “{_shorten(view.user, 160)}”. " if view.user else ""
    if view.images:
        return (Text(f"{opening}You sent {len(view.images)} image(s): {', '.join(view.images)}."),)
    return (Text(opening + _INTRODUCTION),)


def report_results(view: View) -> tuple[Part, ...]:
    """An answer made from what the tools gave back."""
    told = [f"`{result.name}` says: {_shorten(outcome(result).output.strip() or _nothing(result), 2000)}" for result in view.results]
    shown = [f"`{result.name}` shows {image}." for result in view.results for image in result.images]
    return (Text("\n\n".join([*told, *shown])),)


def _nothing(result: Result) -> str:
    return "look" if result.images else "nothing"


def describe(path: str, lines: list[str]) -> str:
    """What can be said about a file without understanding it."""
    names = [match[1] for match in map(_NAMED.match, lines) if match]
    parts = f" It defines {', '.join(f'`{name}`' for name in names[:12])}." if names else ""
    first = next((line.strip() for line in lines if line.strip()), "")
    return f"`{path}` has {len(lines)} line{'' if len(lines) == 1 else 's'}.{parts} It begins with:\n\n```\n{_shorten(first, 200)}\n```"


def title(user: str) -> str:
    """A short title: the last line of what the user wrote, its first few words."""
    lines = [line.strip(" `\"'<>") for line in user.splitlines() if line.strip()]
    words = re.sub(r"^(?:User prompt|Prompt|Task|Message):\s*", "", lines[-1] if lines else "Demo").split()
    text = " ".join(words[:5]) or "Demo"
    return text[:1].upper() + text[1:]


def summary(view: View) -> str:
    """A handoff summary of the conversation as far as it is visible."""
    calls = sum(one.role == "result" for one in view.history)
    asked = [one.text for one in view.history if one.role == "user" and not one.text.startswith(("<", "#", "You are performing"))]
    asked = [text for text in asked if text]
    last = f" The user last asked: “{_shorten(asked[-1], 300)}”." if asked else ""
    return f"Summary by the demo provider: {len(asked)} user message(s) and {calls} tool result(s) so far.{last} Nothing else is pending."


def diff_command(user: str) -> str:
    """The command that shows what a review is about."""
    command = re.search(r"`(git (?:diff|show) [\w./~^-]+)`", user)
    if command is not None:
        return command[1]
    commit = re.search(r"\bby commit\s+`?([\w./~^-]*[\w~^])", user)
    if commit is not None:
        return f"git show {commit[1]}"
    branch = re.search(r"\bbase branch\s+[`'\"]?([\w./-]*\w)", user)
    return f"git diff {branch[1]}" if branch is not None else "git diff HEAD"


def findings(diff: str) -> dict[str, Any]:
    """A review of a diff in the form that Codex's review prompt asks for."""
    files = re.findall(r"^\+\+\+ b/(.+)$", diff, re.M)
    notes = [_finding(path, line, text) for path, line, text in _suspects(diff)]
    verdict = "patch is incorrect" if notes else "patch is correct"
    told = f"The demo provider read {len(files)} changed file(s) and found {len(notes)} line(s) worth a look."
    return {"findings": notes, "overall_correctness": verdict, "overall_explanation": told, "overall_confidence_score": 0.5}


def topic(user: str) -> str:
    """What a tool that takes one text is given: the quoted part of the request, else the request."""
    match = re.search(r"[`\"“']([^`\"”'\n]+)[`\"”']", user)
    return match[1] if match else user or "demo"


def common_words(tool_name: str, user: str) -> bool:
    """Whether a word of the tool's name, other than a verb like get, stands in the request."""
    words = [word.lower() for word in re.findall(r"[A-Za-z][a-z]+", tool_name) if word.lower() not in _VERBS and len(word) > 2]
    return any(re.search(rf"\b{re.escape(word)}", user, re.I) for word in words)


def hints(user: str, tool: Tool | None) -> dict[str, Any]:
    """Words and numbers of the request for properties of schemas, by the names that such properties usually have."""
    found: dict[str, Any] = {}
    place = re.search(r"\b(?:in|for|at|of|near|to)\s+((?:[A-Z][\w'-]+)(?:[ ,]+[A-Z][\w'-]+)*)", user)
    if place is not None:
        found |= dict.fromkeys(("location", "city", "place", "town", "address", "destination", "country"), place[1].rstrip(","))
    numbers = re.findall(r"-?\d+(?:\.\d+)?", user)
    names = list((tool.parameters if tool else {}).get("properties") or {})
    numeric = [name for name in names if _is_numeric(tool, name)]
    for name, number in zip(numeric, numbers, strict=False):
        found[name] = float(number) if "." in number else int(number)
    said = topic(user)
    found |= dict.fromkeys(("query", "q", "question", "text", "message", "prompt", "input", "search", "task"), said)
    return found


def _is_numeric(tool: Tool | None, name: str) -> bool:
    properties = as_dict(tool.parameters.get("properties")) if tool else {}
    return as_dict(properties.get(name)).get("type") in ("integer", "number")


def _suspects(diff: str) -> list[tuple[str, int, str]]:
    """Added lines that a reviewer would stop at: (file, line number, text)."""
    found: list[tuple[str, int, str]] = []
    path, number = "", 0
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            path = line[6:]
        elif line.startswith("@@"):
            start = re.search(r"\+(\d+)", line)
            number = int(start[1]) if start else 0
        elif line.startswith("+"):
            if _SUSPECT.search(line):
                found.append((path, number, line[1:].strip()))
            number += 1
        elif not line.startswith("-"):
            number += 1
    return found[:5]


def _finding(path: str, line: int, text: str) -> dict[str, Any]:
    return {
        "title": f"[P2] Look again at line {line} of {path}",
        "body": f"`{_shorten(text, 120)}` looks unfinished or unsafe.",
        "confidence_score": 0.5,
        "priority": 2,
        "code_location": {"absolute_file_path": path, "line_range": {"start": line, "end": line}},
    }


def _count_to(match: re.Match[str]) -> str:
    return ", ".join(str(number) for number in range(1, min(int(match[1]), 5000) + 1))


def _first_group(match: re.Match[str]) -> str:
    return match[1]


def _shorten(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


_INTRODUCTION = (
    "I'm the demo provider of Dragoman: a small set of rules, not a language model, so everything here works offline and costs "
    "nothing. Name a file and say what to change, for example “change greet in app.py so that it takes a name”: I will look at it, "
    "edit it, check it and report. To talk to a real model, put a provider's key into the environment (OPENAI_API_KEY, "
    "OPENROUTER_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY) and start again."
)
_ANSWER_WITH = r"\b(?:say|reply|answer|respond)(?: with)?(?: exactly| only| just)?"
_SAYINGS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\bcount (?:up )?to (\d+)", re.I), _count_to),
    (re.compile(_ANSWER_WITH + r"(?: the words?)?:? [`\"“']([^`\"”']+)[`\"”']", re.I), _first_group),
    (re.compile(r"\b(?:reply|answer|respond) with(?: exactly| only| just)?(?: the words?)?:? (\S+?)[.!]?$", re.I), _first_group),
    (re.compile(r"^say (?:exactly )?(.+?)[.!]?$", re.I), _first_group),
)
_VERBS = frozenset(
    ("add", "and", "call", "create", "delete", "find", "for", "get", "list", "make", "read", "run", "set", "the", "update", "use", "write")
)
_NAMED = re.compile(r"\s*(?:async\s+)?(?:export\s+)?(?:def|class|function|func|fn|struct|interface)\s+(\w+)")
_SUSPECT = re.compile(r"\b(TODO|FIXME|XXX|eval\(|exec\(|password\s*=|except:|console\.log|breakpoint\(\))")
