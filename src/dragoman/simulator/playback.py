"""From a rule and a request to what the simulated model says."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.simulator import coder
from dragoman.simulator.example import example
from dragoman.simulator.performance import Dice
from dragoman.simulator.reply import Found, Part, Reply, Search, Text, Thought, ToolUse
from dragoman.simulator.script import CallLine, Line, Match, Rule, Script, ThoughtLine
from dragoman.simulator.view import Tool, View


class Player:
    """Picks the rule for each request; remembers how often each was used."""

    def __init__(self, script: Script, dice: Dice) -> None:
        self._script = script
        self._dice = dice
        self._used = [0] * len(script.rules)

    @property
    def proofs(self) -> frozenset[str]:
        """The proofs of thoughts that the script makes up."""
        lines = [line for rule in self._script.rules for line in rule.reply or ()]
        thoughts = [line.reasoning for line in lines if isinstance(line.reasoning, ThoughtLine)]
        return frozenset(one.encrypted_content for one in thoughts if one.encrypted_content is not None)

    def pick(self, view: View) -> Rule:
        """The first rule that fits and has times left; the plain coder where none does."""
        for number, rule in enumerate(self._script.rules):
            if rule.times is not None and self._used[number] >= rule.times:
                continue
            if fits(rule.match, view) and (rule.chance >= 1 or self._dice.falls_under(rule.chance)):
                self._used[number] += 1
                return rule
        return Rule(name="coder")

    def reply(self, rule: Rule, view: View) -> Reply:
        """What the model says under this rule."""
        parts = coder.answer(view) if rule.reply is None else tuple(_part(line, view) for line in rule.reply)
        if view.resumes:
            parts = _rest(parts, view.resumes, rule.says_again)
        return Reply(parts, rule.finish, rule.usage, rule.model, rule.pace or self._script.pace)


def _rest(parts: tuple[Part, ...], said: str, again: int) -> tuple[Part, ...]:
    """What is left to say of an answer that was begun, and so many characters again. Where the words are others, all of it: so do models
    that begin anew."""
    left = list(parts)
    while left and said:
        part = left.pop(0)
        if not isinstance(part, Text):
            continue
        if part.text.startswith(said):
            rest = part.text[max(0, len(said) - again) :]
            return (msgspec.structs.replace(part, text=rest), *left) if rest else tuple(left)
        if not said.startswith(part.text):
            return parts
        said = said[len(part.text) :]
    return tuple(left)


def fits(match: Match, view: View) -> bool:
    """Whether a request is one of those that a rule is for."""
    return all(test(wanted, view) for name, test in _TESTS.items() if (wanted := getattr(match, name)) not in (None, {}))


def _part(line: Line, view: View) -> Part:
    if line.call is not None:
        return _call(line.call, view)
    if line.reasoning is not None:
        thought = line.reasoning if isinstance(line.reasoning, ThoughtLine) else ThoughtLine(summary=line.reasoning)
        return Thought(_fill(thought.summary, view), _fill(thought.text, view), thought.encrypted_content, thought.redacted)
    if line.search is not None:
        return Search(_fill(line.search.query, view), tuple(_filled_page(one, view) for one in line.search.found))
    text = line.text if line.text is not None else line.commentary or ""
    return Text(_fill(text, view) * line.repeat, commentary=line.commentary is not None)


def _filled_page(page: Found, view: View) -> Found:
    return Found(_fill(page.title, view), _fill(page.url, view), _fill(page.text, view))


def _call(line: CallLine, view: View) -> ToolUse:
    offered = _offered(line, view)
    tool = offered or Tool(line.name, "custom" if line.input is not None else "function")
    # A tool on offer has its namespace, or none where a gateway has made one name of both.
    namespace = tool.namespace if offered is not None else line.namespace
    if tool.kind == "custom":
        return ToolUse(tool.name, _fill(line.input or "", view), namespace, "custom")
    kind = "tool_search" if tool.kind == "tool_search" else "function"
    return ToolUse(tool.name, _arguments(line, tool, view), namespace, kind)


def _arguments(line: CallLine, tool: Tool, view: View) -> str:
    if line.input is not None:
        return msgspec.json.encode({"input": _fill(line.input, view)}).decode()
    if isinstance(line.arguments, str):
        return _fill(line.arguments, view)
    given = _fill_deep(line.arguments, view) if line.arguments is not None else example({"type": "object", **tool.parameters})
    return msgspec.json.encode(given).decode()


def _offered(line: CallLine, view: View) -> Tool | None:
    """The tool that the line means: by name and namespace, else under the flattened name that a gateway may have made of them."""
    for tool in view.tools:
        if tool.name == line.name and line.namespace in (None, tool.namespace):
            return tool
    return view.tool(f"*{line.namespace}*{line.name}" if line.namespace else f"*__{line.name}")


def _fill(text: str, view: View) -> str:
    return _HOLE.sub(lambda match: _value(match[1], view), text) if "{{" in text else text


def _fill_deep(value: Any, view: View) -> Any:
    if isinstance(value, str):
        return _fill(value, view)
    if isinstance(value, dict):
        return {key: _fill_deep(one, view) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_fill_deep(one, view) for one in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _value(name: str, view: View) -> str:
    head, _, rest = name.partition(".")
    if head == "results":
        index = int(rest) if rest.isdigit() else -1
        return view.results[index].text if -len(view.results) <= index < len(view.results) else ""
    if head == "images":
        return ", ".join([*view.images, *(image for result in view.results for image in result.images)]) or "no images"
    if head == "headers":
        return view.headers.get(rest.lower(), "")
    simple: dict[str, str] = {
        "user": view.user,
        "model": view.model,
        "turn": str(view.turns),
        "result": view.results[-1].text if view.results else "",
    }
    return simple.get(name, "{{" + name + "}}")


_HOLE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_TESTS: dict[str, Callable[[Any, View], bool]] = {
    "model": lambda glob, view: fnmatch.fnmatchcase(view.model, glob),
    "dialect": lambda name, view: view.dialect == name,
    "user": lambda text, view: text in view.user,
    "user_matches": lambda pattern, view: re.search(pattern, view.user) is not None,
    "result": lambda text, view: any(text in result.text for result in view.results),
    "system": lambda text, view: text in view.system,
    "turn": lambda number, view: view.turns == number,
    "round": lambda number, view: view.rounds == number,
    "kind": lambda kind, view: view.kind == kind,
    "stream": lambda flag, view: view.stream is flag,
    "tool": lambda glob, view: view.tool(glob) is not None,
    "images": lambda number, view: len(view.images) + sum(len(result.images) for result in view.results) == number,
    "key": lambda glob, view: fnmatch.fnmatchcase(view.key, glob),
    "headers": lambda globs, view: all(fnmatch.fnmatchcase(view.headers.get(name.lower(), ""), glob) for name, glob in globs.items()),
}
