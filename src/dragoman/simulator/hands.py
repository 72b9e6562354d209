"""The tools that a client lends the simulated coder, whatever their shape: how to look, edit and run with them, and what came back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from dragoman.simulator import edits
from dragoman.simulator.reply import ToolUse
from dragoman.simulator.view import Result, Tool, View

GIT_APPLY = "git apply"


class Outcome(msgspec.Struct, frozen=True):
    """A tool result without the client's wrapping. `ok` is False where it says that the command failed."""

    output: str
    ok: bool


class _Ended(msgspec.Struct):
    exit_code: int


class _Told(msgspec.Struct):
    output: str
    metadata: _Ended


class _Ran(msgspec.Struct):
    success: bool
    result: str = ""
    error: str = ""


class Hands(msgspec.Struct, frozen=True):
    """A shell, and a patch tool where there is one."""

    shell: Tool
    patcher: Tool | None = None

    def run(self, command: str) -> ToolUse:
        """Run a shell command."""
        return _call(self.shell, _shell_payload(self.shell, command))

    def look(self, path: str) -> ToolUse:
        """Read a file."""
        return self.run(f"cat {shlex.quote(path)}")

    def edit(self, path: str, old: Sequence[str] | None, new: Sequence[str]) -> ToolUse:
        """Make `new` of the lines `old` (None: there is no file yet): with the patch tool, in the script of a code-mode shell, by a
        here-document that Codex intercepts, or in the shell of another client, which has no `apply_patch`, by git."""
        if self.patcher is None and any(fnmatchcase(self.shell.name, pattern) for pattern in _PLAIN_SHELLS):
            return self.run(f"{GIT_APPLY} <<'EOF'\n{edits.unified_patch(path, old, new)}EOF")
        patch = edits.add_patch(path, new) if old is None else edits.update_patch(path, old, new)
        if self.patcher is not None:
            payload = patch if self.patcher.kind == "custom" else _json({"input": patch})
            return _call(self.patcher, payload)
        if _is_script(self.shell):
            script = f"const result = await tools.apply_patch({_json(patch)});\ntext(JSON.stringify(result));\n"
            return _call(self.shell, script if self.shell.kind == "custom" else _json({"input": script}))
        return self.run(f"apply_patch <<'EOF'\n{patch}EOF")


def find_hands(view: View) -> Hands | None:
    """The hands that this request lends, None where it offers no shell."""
    for pattern in _SHELLS:
        shell = view.tool(pattern)
        if shell is not None and (_is_script(shell) or _shell_field(shell) is not None):
            return Hands(shell, view.tool("apply_patch") or view.tool("*__apply_patch"))
    return None


def outcome(result: Result) -> Outcome:
    """Unwrap what Codex and its kind put around an output."""
    text = result.text.replace("\r\n", "\n")
    told = _told_as_json(text)
    if told is not None:
        return told
    report = _REPORT.fullmatch(text)
    if report is not None:
        return Outcome(report["output"], report["code"] in ("0", "(none)"))
    head, found, output = text.partition("Output:\n")
    code = _EXIT_CODE.search(text)
    if not found or (code is None and not head.startswith(("Wall time", "Script"))):
        return Outcome(text, not _FAILED.search(text))
    if output.startswith("Exit code:"):
        output = output.partition("Output:\n")[2]
    failed = (code is not None and code[1] != "0") or head.startswith("Script failed")
    return Outcome(output, not failed)


def _told_as_json(text: str) -> Outcome | None:
    """The wrappings that are JSON: `{"output": "…", "metadata": {"exit_code": 0, …}}` of Codex up to 0.60, and a list with what came of
    each command of Cline, `[{"query": "…", "result": "…", "success": true}]`."""
    try:
        told = msgspec.json.decode(text, type=_Told | list[_Ran])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    if isinstance(told, _Told):
        return Outcome(told.output, told.metadata.exit_code == 0)
    return Outcome("".join([ran.result or ran.error for ran in told]), all(ran.success for ran in told)) if told else None


def call_tool(tool: Tool, payload: str) -> ToolUse:
    """Call any tool with a payload that fits its kind."""
    return _call(tool, payload)


def _call(tool: Tool, payload: str) -> ToolUse:
    kind = tool.kind if tool.kind in ("custom", "tool_search") else "function"
    return ToolUse(tool.name, payload, tool.namespace, kind)  # pyright: ignore[reportArgumentType]


def _is_script(tool: Tool) -> bool:
    """A shell in code mode: it takes JavaScript as one text."""
    return tool.takes_text


def _shell_field(tool: Tool) -> str | None:
    properties: dict[str, Any] = tool.parameters.get("properties") or {}
    return next((name for name in ("cmd", "command", "script", "commands") if name in properties), None)


def _shell_payload(tool: Tool, command: str) -> str:
    if _is_script(tool):
        script = f"const result = await tools.exec_command({_json({'cmd': command})});\ntext(result.output);\n"
        return script if tool.kind == "custom" else _json({"input": script})
    field = _shell_field(tool) or "cmd"
    form: dict[str, Any] = tool.parameters["properties"][field]
    if form.get("type") != "array":
        return _json({field: command})
    return _json({field: [command] if field == "commands" else ["bash", "-lc", command]})


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


Search = Callable[[str], Tool | None]
_PLAIN_SHELLS = ("bash", "Bash", "*__bash", "run_shell_command", "run_commands")
"""The shells of opencode, pi, Continue, Qwen Code, Cline: what they are given is run as it stands."""
_SHELLS = ("exec_command", "*__exec_command", "shell_command", "shell", *_PLAIN_SHELLS, "exec", "*__exec")
_EXIT_CODE = re.compile(r"(?:exited with code|[Ee]xit code:?) (-?\d+)")
_REPORT = re.compile(r"Command: .*\nDirectory: .*\nOutput: (?P<output>.*)\nError: .*\nExit Code: (?P<code>\S+)\nSignal: .*", re.S)
"""How Qwen Code wraps what a command printed."""
_FAILED = re.compile(r"No such file or directory|command not found|^(?:Error|error):|aborted|unsupported call", re.M)
