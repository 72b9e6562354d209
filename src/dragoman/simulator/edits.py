"""Sensible small edits to a file, found by rules from what the user asked, and the patch that says them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence

import msgspec


class Edit(msgspec.Struct, frozen=True):
    """The lines of the file after the edit, and what was done in words that follow "I"."""

    lines: list[str]
    what: str


def find_edit(path: str, lines: list[str], request: str) -> Edit | None:
    """The first rule that fits the request and the file. None: nothing safe is known for this kind of file."""
    for rule in _RULES:
        edit = rule(path, lines, request)
        if edit is not None and edit.lines != lines:
            return edit
    return None


def first_content(path: str, request: str) -> list[str]:
    """What a new file starts with."""
    note = _note(request)
    suffix = path.rsplit(".", 1)[-1]
    if suffix == "py":
        name = _named_function(request) or "main"
        return [
            f'"""{note}"""',
            "",
            "",
            f"def {name}():",
            '    print("hello from the demo")',
            "",
            "",
            'if __name__ == "__main__":',
            f"    {name}()",
        ]
    if suffix == "sh":
        return ["#!/bin/sh", f"# {note}", 'echo "hello from the demo"']
    marks = _comment_marks(path)
    return [f"{marks[0]}{note}{marks[1]}"] if marks else ["{}"] if suffix == "json" else [note]


def update_patch(path: str, old: Sequence[str], new: Sequence[str]) -> str:
    """The edit in the patch language of Codex's `apply_patch`. Context is widened until each hunk fits in one place only."""
    hunks = next(hunks for hunks in (_hunks(old, new, size) for size in (3, 8, 20, len(old))) if _is_unique(hunks, old))
    body = [line for hunk in hunks for line in ("@@", *hunk)]
    return "\n".join(["*** Begin Patch", f"*** Update File: {path}", *body, "*** End Patch", ""])


def add_patch(path: str, lines: Sequence[str]) -> str:
    """A new file in the patch language of Codex's `apply_patch`."""
    return "\n".join(["*** Begin Patch", f"*** Add File: {path}", *(f"+{line}" for line in lines), "*** End Patch", ""])


def unified_patch(path: str, old: Sequence[str] | None, new: Sequence[str]) -> str:
    """The edit as `git apply` reads it. `old`: None where the file is new."""
    before = "/dev/null" if old is None else f"a/{path}"
    return "\n".join([*difflib.unified_diff(old or (), new, before, f"b/{path}", lineterm=""), ""])


def _hunks(old: Sequence[str], new: Sequence[str], context: int) -> list[list[str]]:
    hunks: list[list[str]] = []
    for line in list(difflib.unified_diff(old, new, n=context, lineterm=""))[2:]:
        if line.startswith("@@"):
            hunks.append([])
        else:
            hunks[-1].append(line)
    return hunks


def _is_unique(hunks: list[list[str]], old: Sequence[str]) -> bool:
    if sum(map(len, hunks)) >= len(old):
        return True
    for hunk in hunks:
        block = [line[1:] for line in hunk if not line.startswith("+")]
        places = sum(list(old[at : at + len(block)]) == block for at in range(len(old) - len(block) + 1))
        if places != 1:
            return False
    return True


def _replace_text(_path: str, lines: list[str], request: str) -> Edit | None:
    match = _REPLACE.search(request)
    if match is None:
        return None
    before, after = match["before"], match["after"]
    return Edit([line.replace(before, after) for line in lines], f"replaced `{before}` by `{after}`")


def _rename(_path: str, lines: list[str], request: str) -> Edit | None:
    match = _RENAME.search(request)
    if match is None:
        return None
    word = re.compile(rf"\b{re.escape(match['before'])}\b")
    return Edit([word.sub(match["after"], line) for line in lines], f"renamed `{match['before']}` to `{match['after']}`")


def _add_function(path: str, lines: list[str], request: str) -> Edit | None:
    match = _ADD_FUNCTION.search(request)
    if match is None or not path.endswith(".py"):
        return None
    name = match["name"]
    added = ["", "", f"def {name}():", f'    """{_note(request)}"""', f'    return "{name}"']
    return Edit([*lines, *added], f"added a function `{name}`")


def _add_parameter(path: str, lines: list[str], request: str) -> Edit | None:
    name = _named_parameter(request)
    at = _function_line(lines, request)
    head = _DEFINITION.match(lines[at]) if at is not None else None
    if name is None or at is None or head is None or re.search(rf"\b{name}\b", head["parameters"]):
        return None
    given = head["parameters"].strip()
    default = f"{name}='world'" if path.endswith(".py") else f'{name} = "world"' if path.endswith((".js", ".ts")) else name
    new_head = f"{head['start']}{given}{', ' if given else ''}{default}{head['rest']}"
    end = _body_end(lines, at)
    body = _use_parameter(path, lines[at + 1 : end], name)
    return Edit([*lines[:at], new_head, *body, *lines[end:]], f"gave `{head['name']}` a parameter `{name}`")


def _use_parameter(path: str, body: list[str], name: str) -> list[str]:
    """Put the parameter into the first plain string literal that is returned or printed."""
    changed = list(body)
    for at, line in enumerate(body):
        match = _SPOKEN.match(line)
        if match is None or "{" in match["text"]:
            continue
        hole = f"{{{name}}}" if path.endswith(".py") else f"${{{name}}}"
        text = _with_hole(match["text"], hole)
        mark = f"f{match['quote']}" if path.endswith(".py") else "`"
        changed[at] = f"{match['start']}{mark}{text}{mark[-1]}{match['rest']}"
        return changed
    return changed


def _with_hole(text: str, hole: str) -> str:
    """ "hello world!" greets the world no longer, "hello!" gets somebody to greet."""
    world = re.search(r"\b[Ww]orld\b", text)
    if world is not None:
        return text[: world.start()] + hole + text[world.end() :]
    words = text.rstrip("!.")
    return f"{words} {hole}{text[len(words) :]}"


def _add_docstring(path: str, lines: list[str], request: str) -> Edit | None:
    if not path.endswith(".py") or not re.search(r"\b(docstrings?|document)\b", request, re.I):
        return None
    at = _function_line(lines, request)
    if at is None or (at + 1 < len(lines) and lines[at + 1].lstrip().startswith(('"""', "'''"))):
        return None
    head = _DEFINITION.match(lines[at])
    if head is None or not lines[at].rstrip().endswith(":"):
        return None
    indent = re.match(r"\s*", lines[at + 1] if at + 1 < len(lines) else "    ")
    text = f'{indent[0] if indent else "    "}"""What `{head["name"]}` does, in one sentence."""'
    return Edit([*lines[: at + 1], text, *lines[at + 1 :]], f"gave `{head['name']}` a docstring")


def _add_comment(path: str, lines: list[str], request: str) -> Edit | None:
    marks = _comment_marks(path)
    if marks is None:
        return None
    note = f"{marks[0]}{_note(request)}{marks[1]}"
    at = 1 if lines and lines[0].startswith("#!") else 0
    return Edit([*lines[:at], note, *lines[at:]], "added a comment that notes your request")


def _function_line(lines: list[str], request: str) -> int | None:
    """The definition that the request names, else the first one."""
    found = [(at, match["name"]) for at, match in ((at, _DEFINITION.match(line)) for at, line in enumerate(lines)) if match]
    named = [at for at, name in found if re.search(rf"\b{re.escape(name)}\b", request)]
    return (named or [at for at, _ in found] or [None])[0]


def _body_end(lines: list[str], at: int) -> int:
    indent = len(lines[at]) - len(lines[at].lstrip())
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            return number
    return len(lines)


def _named_function(request: str) -> str | None:
    match = _ADD_FUNCTION.search(request)
    return match["name"] if match else None


def _named_parameter(request: str) -> str | None:
    names = (match["name"] for pattern in _PARAMETERS for match in pattern.finditer(request))
    return next((name for name in names if name.lower() not in _NOT_NAMES), None)


def _note(request: str) -> str:
    printable = "".join(sign if sign.isprintable() else " " for sign in request)
    words = " ".join(printable.split()).translate(_SAFE).replace("*/", "").replace("-->", "")
    return f"Demo edit: {words if len(words) <= 72 else words[:71] + '…'}"


def _comment_marks(path: str) -> tuple[str, str] | None:
    name = path.rsplit("/", 1)[-1]
    return _COMMENTS.get(name.rsplit(".", 1)[-1] if "." in name else name)


_SAFE = str.maketrans({'"': "'", "\\": "/"})
_HASH, _SLASHES, _MARKUP = ("# ", ""), ("// ", ""), ("<!-- ", " -->")
_COMMENTS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("py", "sh", "rb", "toml", "yaml", "yml", "cfg", "ini", "Makefile", "Dockerfile", "r", "pl"), _HASH),
    **dict.fromkeys(("js", "ts", "tsx", "jsx", "go", "rs", "java", "c", "h", "cc", "cpp", "hpp", "cs", "kt", "swift", "php"), _SLASHES),
    **dict.fromkeys(("md", "html", "xml", "svg"), _MARKUP),
    **dict.fromkeys(("css",), ("/* ", " */")),
    **dict.fromkeys(("sql", "lua"), ("-- ", "")),
    "txt": ("", ""),
}
KNOWN_SUFFIXES = frozenset(_COMMENTS) | {"json"}
"""Endings that make a word the name of a file."""

_QUOTED = r"[`\"'“‘](?P<{}>[^`\"'”’\n]+)[`\"'”’]"
_REPLACE = re.compile(
    rf"\b(?:replace|change|turn)\b[^`\"'“‘\n]*{_QUOTED.format('before')}\s*(?:with|by|to|into)\s*{_QUOTED.format('after')}",
    re.I,
)
_RENAME = re.compile(
    r"\brename\s+(?:the\s+)?(?:function\s+|variable\s+|class\s+)?`?(?P<before>[A-Za-z_]\w*)`?"
    r"\s+(?:to|into|as)\s+`?(?P<after>[A-Za-z_]\w*)",
    re.I,
)
_ADD_FUNCTION = re.compile(
    r"\badd\b.*\b(?:function|method)\s+(?:called\s+|named\s+)?`?(?P<name>(?!that\b|to\b|which\b|in\b|for\b)[A-Za-z_]\w*)",
    re.I,
)
_PARAMETERS = (
    re.compile(r"\b(?:parameter|argument)\s+(?:called\s+|named\s+)?`?(?P<name>[A-Za-z_]\w*)`?", re.I),
    re.compile(r"`?(?P<name>[A-Za-z_]\w*)`?\s+(?:parameter|argument)\b", re.I),
    re.compile(r"\b(?:takes?|accepts?|gets?)\s+(?:an?\s+|the\s+|one\s+|optional\s+)*`?(?P<name>[A-Za-z_]\w*)`?", re.I),
)
_NOT_NAMES = frozenset(
    (
        *("a", "an", "and", "as", "be", "comment", "docstring", "few", "file", "for", "function", "in", "instead", "is", "it", "line"),
        *("look", "more", "new", "no", "of", "one", "optional", "so", "test", "that", "the", "to", "todo", "two", "which", "with"),
    )
)
_DEFINITION = re.compile(
    r"(?P<start>\s*(?:async\s+)?(?:export\s+)?(?:async\s+)?(?:def|function|func|fn)\s+(?P<name>\w+)\s*\()(?P<parameters>[^)]*)(?P<rest>\).*)$"
)
_SPOKEN = re.compile(r"(?P<start>\s*(?:return\s+|print\(|console\.log\())(?P<quote>[\"'])(?P<text>[^\"'\\]*)(?P=quote)(?P<rest>.*)$")

Rule = Callable[[str, list[str], str], Edit | None]
_RULES: tuple[Rule, ...] = (_replace_text, _rename, _add_docstring, _add_parameter, _add_function, _add_comment)
