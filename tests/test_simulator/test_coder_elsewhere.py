"""The built-in coder does the same task over Messages and generateContent, in every shape that a gateway gives Codex's tools there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from agent import INPUT, SHELL, drive_generate, drive_messages
from desk import Workspace, fast

APP = "def greet():\n    return 'hello'\n"
GREETED = "def greet(name='world'):\n    return f'hello {name}'\n"
REQUEST = "change greet in app.py so that it takes a name"
SHAPES: dict[str, dict[str, Any]] = {
    "code mode": {"functions__exec": INPUT},
    "freeform": {"exec_command": SHELL, "apply_patch": INPUT, "tool_search": {"type": "object", "properties": {}}},
    "fallback": {"exec_command": SHELL, "multi_agent_v1__spawn_agent": {"type": "object", "properties": {}}},
}
DRIVERS: dict[str, Callable[..., list[Any]]] = {"messages": drive_messages, "generate": drive_generate}


@pytest.mark.parametrize("dialect", DRIVERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_edits_in_every_shape(dialect: str, shape: str) -> None:
    workspace = Workspace(app__py=APP)
    simulator = fast()

    said = DRIVERS[dialect](workspace, simulator, REQUEST, SHAPES[shape])

    last = next(part["text"] for part in (said[-1].get("content") or said[-1]["parts"]) if "text" in part)
    assert last.startswith("Done: I gave `greet` a parameter `name` in `app.py`. The check passed:")
    assert workspace.files == {"app.py": GREETED}
    assert simulator.records.stats()["violations"] == []
