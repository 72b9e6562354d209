"""The default model: a small rule-based coder. It looks at the file that the user names, edits it, checks it and reports; it reacts
to what the tools really gave back. Where no file is named it calls the tool asked for, answers in JSON, sums up, or talks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import msgspec

from dragoman.simulator import edits, talk
from dragoman.simulator.example import example
from dragoman.simulator.hands import GIT_APPLY, Hands, Outcome, call_tool, find_hands, outcome
from dragoman.simulator.reply import Compacted, Part, Text, Thought
from dragoman.simulator.view import Result, Tool, View


def answer(view: View) -> tuple[Part, ...]:
    """What the model says to this request."""
    return _BY_KIND[view.kind](view)


def named_file(text: str) -> str | None:
    """The first word of a text that is the name of a file."""
    for match in _FILE.finditer(text):
        path = match[0].strip("./") if match[0].startswith("./") else match[0]
        suffix = path.rsplit("/", 1)[-1].rsplit(".", 1)[-1]
        if suffix in edits.KNOWN_SUFFIXES:
            return path
    return None


def _turn(view: View) -> tuple[Part, ...]:
    tool_parts = _asked_tools(view)
    if tool_parts is not None:
        return tool_parts
    hands = find_hands(view)
    if hands is None:
        return talk.report_results(view) if view.results else talk.chat(view)
    command = _COMMAND.search(view.user)
    if command is not None:
        return _run_command(view, hands, command["command"])
    path = named_file(view.user)
    if path is None:
        return talk.report_results(view) if view.results else talk.chat(view)
    return _work_on(view, hands, path)


def _work_on(view: View, hands: Hands, path: str) -> tuple[Part, ...]:
    """One step of look, edit, check, report: the one whose result is not there yet."""
    done = {_stage(result): outcome(result) for result in view.results}
    looked, edited, checked = done.get("look"), done.get("edit"), done.get("check")
    if looked is None:
        return (
            Thought(summary=f"**Looking at {path}**\n\nThe request is about `{path}`, so I read it first."),
            Text(f"I'll look at `{path}` first.", commentary=True),
            hands.look(path),
        )
    if edited is None:
        return _edit(view, hands, path, looked)
    if not edited.ok:
        return (Text(f"I tried to edit `{path}`, but the edit was refused:\n\n```\n{edited.output.strip()}\n```"),)
    if checked is None:
        return (
            Thought(summary=f"**Checking {path}**\n\nThe edit was taken; whether `{path}` still parses is not known yet."),
            Text("The edit is in. I'll check it.", commentary=True),
            hands.run(_check_command(path)),
        )
    return (Text(_report(view, path, looked, checked)),)


def _edit(view: View, hands: Hands, path: str, looked: Outcome) -> tuple[Part, ...]:
    wants_edit = _EDIT.search(view.user) is not None
    if not looked.ok:
        if not re.search(r"\b(create|write|new|start)\b", view.user, re.I):
            return (Text(f"I looked for `{path}`, but could not read it:\n\n```\n{looked.output.strip()}\n```"),)
        content = edits.first_content(path, view.user)
        return Text(f"`{path}` does not exist yet, so I'll create it.", commentary=True), hands.edit(path, None, content)
    lines = _visible_lines(looked)
    if not wants_edit:
        return (Text(talk.describe(path, lines)),)
    edit = edits.find_edit(path, lines, view.user)
    if edit is None:
        return (Text(f"I read `{path}` ({len(lines)} lines), but the rules of the demo provider know no safe edit for it."),)
    return (
        Thought(summary=f"**Editing {path}**\n\nIt has {len(lines)} lines; the smallest edit that does what is asked will do."),
        Text(f"Now I'll make the change in `{path}`.", commentary=True),
        hands.edit(path, lines, edit.lines),
    )


def _report(view: View, path: str, looked: Outcome, checked: Outcome) -> str:
    lines = _visible_lines(looked)
    edit = edits.find_edit(path, lines, view.user) if looked.ok else None
    what = edit.what if edit is not None else f"created `{path}`"
    output = checked.output.strip()
    verdict = "The check passed" if checked.ok else "The check failed"
    return f"Done: I {what} in `{path}`. {verdict}:\n\n```\n{output}\n```"


def _visible_lines(looked: Outcome) -> list[str]:
    """The lines of the file as far as the client showed them: it cuts long outputs in the middle."""
    lines = looked.output.removesuffix("\n").split("\n") if looked.output else []
    cut = next((at for at, line in enumerate(lines) if re.search(r"…\d+ \w+ truncated…", line)), len(lines))
    return lines[:cut]


def _stage(result: Result) -> str:
    if "*** Begin Patch" in result.payload or GIT_APPLY in result.payload:
        return "edit"
    return "look" if re.search(r"\bcat ", result.payload) else "check"


def _check_command(path: str) -> str:
    name = shlex.quote(path)
    suffix = path.rsplit(".", 1)[-1]
    # Parsed, not compiled: `py_compile` would leave a cache directory in the user's workspace.
    checks = {
        "py": f"python3 -m ast {name} > /dev/null && echo {name} parses",
        "js": f"node --check {name} && echo {name} parses",
        "sh": f"sh -n {name} && echo {name} parses",
        "json": f"python3 -m json.tool {name}",
    }
    return checks.get(suffix, f"wc -l {name}")


def _run_command(view: View, hands: Hands, command: str) -> tuple[Part, ...]:
    if not view.results:
        return Text(f"I'll run `{command}`.", commentary=True), hands.run(command)
    ran = outcome(view.results[-1])
    verdict = "It ended well" if ran.ok else "It failed"
    return (Text(f"I ran `{command}`. {verdict}:\n\n```\n{ran.output.strip()}\n```"),)


def _asked_tools(view: View) -> tuple[Part, ...] | None:
    """Calls of the tools that the user or the client asks for, None where nobody does."""
    wanted = _wanted(view)
    if not wanted or any(result.name == tool.name for result in view.results for tool in wanted):
        return talk.report_results(view) if wanted else None
    calls = [call_tool(tool, _arguments(tool, view)) for tool in wanted]
    return tuple(calls if view.parallel else calls[:1])


def _wanted(view: View) -> list[Tool]:
    callable_tools = [tool for tool in view.tools if tool.kind in ("function", "custom", "tool_search")]
    if view.forced is not None and not view.results:
        return [tool for tool in callable_tools if view.forced in ("*", tool.name)][:1]
    hands = find_hands(view)
    if hands is not None:
        return [tool for tool in callable_tools if tool not in (hands.shell, hands.patcher) and _names_tool(tool.name, view.user)]
    fitting = [tool for tool in callable_tools if tool.name in view.user or talk.common_words(tool.name, view.user)]
    if fitting or not re.search(r"\b(?:use|call)\b.*\btools?\b", view.user, re.I):
        return fitting
    return callable_tools[:1]


def _names_tool(name: str, user: str) -> bool:
    """Whether the user means this tool. A name that is a plain word must be marked as one, or each "wait" would be a call."""
    mark = re.escape(name)
    if "_" in name:
        return re.search(rf"(?<![\w-]){mark}(?![\w-])", user) is not None
    return re.search(rf"`{mark}`|\b{mark} tool\b|\btool {mark}\b|\bcall {mark}\b", user) is not None


def _arguments(tool: Tool, view: View) -> str:
    if tool.kind == "custom":
        return talk.topic(view.user)
    return msgspec.json.encode(example({"type": "object", **tool.parameters}, talk.hints(view.user, tool))).decode()


def _structured(view: View) -> tuple[Part, ...]:
    calls = _asked_tools(view) if view.tools else None
    if calls is not None and any(not isinstance(part, Text) for part in calls):
        return calls
    if not view.schema:
        return (Text(msgspec.json.encode({"answer": talk.topic(view.user)}).decode()),)
    return (Text(msgspec.json.encode(example(view.schema, talk.hints(view.user, None))).decode()),)


def _title(view: View) -> tuple[Part, ...]:
    return (Text(msgspec.json.encode(example(view.schema, {"title": talk.title(view.user)})).decode()),)


def _compaction(view: View) -> tuple[Part, ...]:
    return (Compacted(talk.summary(view)) if view.compacts else Text(talk.summary(view)),)


def _review(view: View) -> tuple[Part, ...]:
    hands = find_hands(view)
    if hands is not None and not view.results:
        return Text("I'll look at the changes.", commentary=True), hands.run(talk.diff_command(view.user))
    diff = outcome(view.results[-1]).output if view.results else ""
    return (Text(msgspec.json.encode(talk.findings(diff)).decode()),)


_BY_KIND: dict[str, Callable[[View], tuple[Part, ...]]] = {
    "turn": _turn,
    "title": _title,
    "structured": _structured,
    "compaction": _compaction,
    "review": _review,
}

_FILE = re.compile(r"(?<![\w/:.@-])(?:\.{0,2}/)?(?:[\w.@+-]+/)*(?:[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,5}|Makefile|Dockerfile)(?![\w(])")
_COMMAND = re.compile(r"\b(?:run|execute)\s+[`\"'](?P<command>[^`\"'\n]+)[`\"']", re.I)
_EDIT = re.compile(
    r"\b(?:chang|edit|mak|add|fix|updat|modif|renam|refactor|rewrit|document|implement|improv|replac|remov|writ|creat|extend|insert|put|giv|turn|append|delet)"
    r"(?:e|es|ed|ing|s|y|ies|ied|ten)?\b",
    re.I,
)
