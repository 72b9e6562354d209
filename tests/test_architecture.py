"""The map of the house (docs/architecture.md) as a test: who may import whom, and what is kept out of which room.

Plain `ast`, no imports of the code. Each rule is a function from a module to what breaks it; EXCEPTIONS may only shrink.
"""

from __future__ import annotations

import ast
import gc
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "dragoman"

# Top to bottom. A module imports only from lines below its own; names on one line do not import each other.
LAYERS = (
    ("cli",),
    ("app",),
    ("server",),
    ("core",),
    ("upstream", "mcp"),
    ("routing", "policy", "observe"),
    ("config", "store"),
    ("profiles", "agents"),
    ("dialects", "lower"),
    ("ir", "wire", "tasks"),
)
# Rooms that stand beside the layers: what they may import, and who may import them.
BESIDE = {"simulator": ({"ir", "wire", "dialects"}, {"cli", "app"})}
PURE = {"ir", "wire", "dialects", "lower", "profiles", "agents", "routing"}
IMPURE_MODULES = {"asyncio", "logging", "os", "random", "secrets", "selectors", "socket", "ssl", "subprocess", "threading", "time", "uuid"}
CLOCK_CALLS = {"now", "utcnow", "today"}
# Third-party library -> its rooms. msgspec is the house's material; the others live in one room, or two with the reason beside it.
HOMES = {
    "alembic": {"store"},
    "click": {"cli"},
    "genai_prices": {"policy"},
    "httptools": {"server", "upstream"},  # parses requests in the one, replies in the other
    "jinja2": {"server"},
    "markupsafe": {"server"},
    "psycopg": {"store"},
    "re2": {"observe"},
    "sqlalchemy": {"store", "server", "cli"},  # makes the tables in the first, asks them in the others
    "uvicorn": {"server", "simulator"},  # the simulator serves itself and may import no room above it
    "uvloop": {"server"},
    "yaml": {"config", "simulator"},  # settings in the one, scripts in the other
    "zstandard": {"store", "observe"},  # unpacked in the one, packed where bodies are taken apart
}
# Names of providers and clients: one page of facts each. The rest of those rooms is no page.
NOT_PAGES = {"__init__", "contract", "families", "generic", "registry"}
PAGES = {path.stem for room in ("profiles", "agents") for path in (SOURCE / room).glob("*.py")} - NOT_PAGES
NAMES_OF_OTHERS = PAGES | {name.replace("_", "-") for name in PAGES} | {"openai", "codex", "claude", "google"}
# In a regular expression: what stands for one character (escaped, a set), and what gives nothing back.
ONE_CHARACTER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
POSSESSIVE = re.compile(r"[*+?}]\+|\(\?>")
SHARED_BY_DIALECTS = ("contract", "counts", "errors", "glance", "media", "peeking", "remainder", "turns", "unsaid")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50

# rule -> {place: why it stands}. A row that nothing needs any more fails the test: the list may only shrink.
EXCEPTIONS: dict[str, dict[str, str]] = {}


class Module(NamedTuple):
    """One file: its path below the package, its source, its tree, and every node of that."""

    path: str
    source: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    @property
    def room(self) -> str:
        """The first part of the path: `ir`, `cli`, `tasks`. `python -m dragoman` is a door of the command line."""
        room = self.path.partition("/")[0].removesuffix(".py")
        return "cli" if room == "__main__" else room


class Broken(NamedTuple):
    """A place where a rule does not hold."""

    place: str
    line: int
    why: str


Rule = Callable[[Module], Iterator[Broken]]


def read(path: str, source: str) -> Module:
    tree = ast.parse(source)
    return Module(path, source, tree, tuple(ast.walk(tree)))


def imports(module: Module) -> Iterator[tuple[int, str, str | None]]:
    """(line, module, name imported from it or None) of every import."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, node.module or "", alias.name) for alias in node.names)


def imported_rooms(module: Module) -> Iterator[tuple[int, str]]:
    for line, name, member in imports(module):
        parts = name.split(".") + ([member] if name == "dragoman" and member else [])
        if parts[0] == "dragoman" and len(parts) > 1:
            yield line, parts[1]


def layers_are_kept(module: Module) -> Iterator[Broken]:
    rank = {room: number for number, line in enumerate(LAYERS) for room in line}
    for line, room in imported_rooms(module):
        if room in (module.room, "__version__") or module.room == "__init__":
            continue
        if module.room in BESIDE:
            allowed = room in BESIDE[module.room][0]
        elif room in BESIDE:
            allowed = module.room in BESIDE[room][1]
        else:
            allowed = room in rank and module.room in rank and rank[room] > rank[module.room]
        if not allowed:
            yield Broken(module.path, line, f"`{module.room}` may not import `{room}`")


def dialects_do_not_know_each_other(module: Module) -> Iterator[Broken]:
    parts = module.path.split("/")
    if parts[0] != "dialects" or len(parts) < 3:
        return
    for line, name, member in imports(module):
        other = [*name.split("."), member or ""]
        if other[:2] == ["dragoman", "dialects"] and other[2] not in (parts[1], *SHARED_BY_DIALECTS):
            yield Broken(module.path, line, f"dialect `{parts[1]}` imports `{'.'.join(other)}`")


def imports_stand_at_the_top(module: Module) -> Iterator[Broken]:
    if all(node.col_offset == 0 for node in module.nodes if isinstance(node, ast.Import | ast.ImportFrom)):
        return
    for function in functions(module):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield Broken(module.path, node.lineno, f"import inside `{function.name}`")


def pure_rooms_are_pure(module: Module) -> Iterator[Broken]:
    if module.room not in PURE:
        return
    for line, name, _ in imports(module):
        if name.split(".")[0] in IMPURE_MODULES:
            yield Broken(module.path, line, f"`{module.room}` is pure and imports `{name}`")
    for node in module.nodes:
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield Broken(module.path, node.lineno, f"`{module.room}` is pure and has async code")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS:
            yield Broken(module.path, node.lineno, f"`{module.room}` is pure and looks at the clock")


def libraries_have_one_home(module: Module) -> Iterator[Broken]:
    for line, name, _ in imports(module):
        library = name.split(".")[0]
        if library in sys.stdlib_module_names or library in ("dragoman", "msgspec"):
            continue
        if module.room not in HOMES.get(library, set()):
            yield Broken(module.path, line, f"`{library}` lives in {sorted(HOMES.get(library, set()))}, not in `{module.room}`")


def nobody_branches_on_names(module: Module) -> Iterator[Broken]:
    """No comparison with the name of a provider or client outside the page of facts about it."""
    if module.room in ("profiles", "agents"):
        return
    for node in module.nodes:
        compared: set[str] = set(strings(node)) if compares(node) else set()
        for name in sorted(compared & NAMES_OF_OTHERS):
            yield Broken(module.path, getattr(node, "lineno", 0), f"branches on the name `{name}`")


def tasks_are_spawned_in_one_place(module: Module) -> Iterator[Broken]:
    for node in module.nodes:
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if name in ("create_task", "ensure_future") and module.path != "tasks.py":
            yield Broken(module.path, getattr(node, "lineno", 0), f"`{name}` outside tasks.py")


def files_are_short(module: Module) -> Iterator[Broken]:
    count = module.source.count("\n")
    if count > MAX_FILE_LINES:
        yield Broken(module.path, count, f"{count} lines; more than {MAX_FILE_LINES} wants splitting by idea")


def functions_are_short(module: Module) -> Iterator[Broken]:
    for function in functions(module):
        count = (function.end_lineno or 0) - function.lineno + 1
        if count > MAX_FUNCTION_LINES:
            yield Broken(f"{module.path}:{function.name}", function.lineno, f"{count} lines; more than {MAX_FUNCTION_LINES}")


def private_names_stay_in_their_file(module: Module) -> Iterator[Broken]:
    ours = {member or name for _, name, member in imports(module) if name.startswith("dragoman") and is_module(name, member)}
    for line, name, member in imports(module):
        if name.startswith("dragoman") and member and is_private(member):
            yield Broken(module.path, line, f"imports the private name `{name}.{member}`")
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and is_private(node.attr) and isinstance(node.value, ast.Name) and node.value.id in ours:
            yield Broken(module.path, node.lineno, f"uses the private name `{node.value.id}.{node.attr}`")


def modules_say_what_they_are(module: Module) -> Iterator[Broken]:
    if not ast.get_docstring(module.tree):
        yield Broken(module.path, 1, "has no docstring")


def patterns_give_back(module: Module) -> Iterator[Broken]:
    """No possessive quantifiers: Python 3.11.2 loses matches with them. https://github.com/python/cpython/issues/101955"""
    for node in module.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)):
            continue
        if node.func.value.id == "re" and node.args:
            pattern = "".join(
                leaf.value for leaf in ast.walk(node.args[0]) if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
            )
            pattern += "".join(
                leaf.value.decode("latin-1")
                for leaf in ast.walk(node.args[0])
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, bytes)
            )
            if POSSESSIVE.search(ONE_CHARACTER.sub("x", pattern)):
                yield Broken(module.path, node.lineno, "a possessive quantifier or an atomic group")


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in module.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def compares(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in ("startswith", "endswith")
    return isinstance(node, ast.Compare | ast.MatchValue)


def strings(node: ast.AST) -> Iterator[str]:
    return (leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def is_module(name: str, member: str | None) -> bool:
    place = SOURCE.parent.joinpath(*name.split("."), *([member] if member else []))
    return place.is_dir() or place.with_suffix(".py").is_file()


RULES: tuple[Rule, ...] = (
    layers_are_kept,
    dialects_do_not_know_each_other,
    imports_stand_at_the_top,
    pure_rooms_are_pure,
    libraries_have_one_home,
    nobody_branches_on_names,
    tasks_are_spawned_in_one_place,
    files_are_short,
    functions_are_short,
    private_names_stay_in_their_file,
    modules_say_what_they_are,
    patterns_give_back,
)
# For each rule a file that breaks it, so that a rule which sees nothing is seen.
BREAKING: dict[Rule, tuple[str, str]] = {
    layers_are_kept: ("ir/x.py", "from dragoman.wire import frame"),
    dialects_do_not_know_each_other: ("dialects/chat/x.py", "from dragoman.dialects.responses.frames import Delta"),
    imports_stand_at_the_top: ("core/x.py", "def f():\n    import json"),
    pure_rooms_are_pure: ("routing/x.py", "import time"),
    libraries_have_one_home: ("core/x.py", "import yaml"),
    nobody_branches_on_names: ("core/x.py", "if kind in ('openai', 'x'): pass"),
    tasks_are_spawned_in_one_place: ("server/x.py", "asyncio.create_task(f())"),
    files_are_short: ("core/x.py", "\n" * 401),
    functions_are_short: ("core/x.py", "def f():\n" + "    f()\n" * 51),
    private_names_stay_in_their_file: ("core/x.py", "from dragoman.ir.fold import _Open"),
    modules_say_what_they_are: ("core/x.py", "x = 1"),
    patterns_give_back: ("core/x.py", "re.compile(r'[^+]*+x')"),
}


@pytest.fixture(scope="module")
def house() -> Iterator[list[Module]]:
    # Half a million nodes that all stay: to go through them for garbage while they are made takes longer than to make them.
    gc.disable()
    yield [read(path.relative_to(SOURCE).as_posix(), path.read_text()) for path in sorted(SOURCE.rglob("*.py"))]
    gc.enable()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_house_keeps(rule: Rule, house: list[Module]) -> None:
    allowed = EXCEPTIONS.get(rule.__name__, {})

    broken = [found for module in house for found in rule(module)]

    assert [f"{b.place}:{b.line} {b.why}" for b in broken if b.place not in allowed] == []
    assert set(allowed) - {b.place for b in broken} == set(), "exceptions that nothing needs any more"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_sees_what_breaks_it(rule: Rule) -> None:
    assert list(rule(read(*BREAKING[rule])))


def test_every_room_has_a_place_on_the_map(house: list[Module]) -> None:
    known = {room for line in LAYERS for room in line} | set(BESIDE) | {"__init__"}

    assert {module.room for module in house} - known == set()
