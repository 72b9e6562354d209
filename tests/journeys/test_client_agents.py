"""Coding agents that are not Codex, as they come from their registries, each edits a file through a gateway: opencode, with a
sub-agent, and Continue. The provider behind it is played by the built-in coder; each is told of the gateway in its own settings only."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from machine import CLIENTS, Machine, Ran, requests, ruled, stats
from parts import gateway, simulator
from patience import until
from upstreams import DIALECTS, MODELS, provider

pytestmark = pytest.mark.journey

DOCS = Path(__file__).parents[2] / "docs" / "clients.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEY = "a-client-key"
APP = "def greet():\n    return 'hello'\n"
GREETED = "def greet(name='world'):\n    return f'hello {name}'\n"
CHANGE = "change greet in app.py so that it takes a name"
HELPER = {"description": "look around", "prompt": "What is here?", "subagent_type": "general"}
SCRIPT = ruled(
    {"match": {"model": "spent"}, "fault": {"error": "quota"}},
    {"match": {"user": "delegate", "tool": "task", "round": 0}, "reply": [{"call": {"name": "task", "arguments": HELPER}}]},
    {"match": {"user": "delegate", "tool": "task"}, "reply": [{"text": "My helper did it."}]},
    {"match": {"user": "What is here"}, "reply": [{"text": "An app."}]},
    {"name": "coder"},
    pace={"first_s": 0, "delta_s": 0},
)

Row = dict[str, Any]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, str]]:
    """Addresses of a gateway, and of the simulator that plays its four providers."""
    with simulator(SCRIPT, kept=1000) as upstream:
        config: Row = {
            "providers": {name: provider(upstream, name) for name in DIALECTS},
            "models": {name: f"{name}/{MODELS[name]}" for name in DIALECTS},
            "access": {"keys": [{"name": "ada", "key": KEY}]},
        }
        with gateway(tmp_path_factory.mktemp("agents"), config) as address:
            yield address, upstream


@pytest.fixture
def app(machine: Machine) -> Path:
    """The file that is to be changed."""
    file = machine.work / "app.py"
    file.write_text(APP)
    return file


def opencode(machine: Machine, address: str, model: str, prompt: str) -> Ran:
    """`opencode run`, told of the gateway as the documentation says, without anything of the internet."""
    settings = json.loads(block("json", "@ai-sdk").replace("http://127.0.0.1:8080", address))
    settings["provider"]["dragoman"]["models"] = {model: {}}
    (machine.work / "opencode.json").write_text(json.dumps({**settings, "autoupdate": False, "share": "disabled"}))
    # The package's own starter is made by a script of its installation, which is not run here.
    found = CLIENTS / "node_modules" / "opencode-linux-x64-baseline" / "bin" / "opencode"
    binary = str(found) if found.exists() else shutil.which("opencode")
    assert binary is not None, "opencode is installed for Linux on x64 only; put one for this machine on the PATH"
    quiet = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
    return machine.run(binary, "run", "-m", f"dragoman/{model}", prompt, DRAGOMAN_KEY=KEY, **quiet)


def continued(machine: Machine, address: str, dialect: str, prompt: str) -> Ran:
    """Continue's `cn`, told of the gateway as the documentation says."""
    settings = block("yaml", "provider: openai").replace("http://127.0.0.1:8080", address)
    file = machine.home / "continue.yaml"
    file.write_text(settings.replace("apiKey: any", f"apiKey: {KEY}").replace("claude-sonnet-4-5", dialect))
    return machine.run("cn", "--config", str(file), "--auto", "-p", prompt, CONTINUE_TELEMETRY_ENABLED="0")


def block(language: str, containing: str) -> str:
    """The settings that the documentation gives."""
    (found,) = [text for name, text in BLOCK.findall(DOCS.read_text()) if name == language and containing in text]
    return found


def fetch(address: str, path: str) -> Any:
    with urlopen(Request(f"{address}{path}", headers={"authorization": f"Bearer {KEY}"})) as answer:
        return json.load(answer)


def recorded(address: str, question: str, count: int) -> list[Row]:
    """The exchanges on record, once there are so many: they are written behind the answers."""

    def look() -> list[Row] | None:
        rows = fetch(address, f"/api/exchanges?limit=500&{question}")["exchanges"]
        return rows if len(rows) >= count else None

    return until(look, f"{count} exchanges on record")


def test_opencode_edits_a_file(machine: Machine, app: Path, ends: tuple[str, str]) -> None:
    address, upstream = ends

    ran = opencode(machine, address, "messages", CHANGE)

    assert ran.code == 0, ran.err
    assert app.read_text() == GREETED
    assert "The check passed" in ran.out
    assert stats(upstream)["violations"] == []


def test_sub_agents_of_opencode_stand_beneath_its_session(machine: Machine, ends: tuple[str, str]) -> None:
    address, upstream = ends
    since = len(requests(upstream))

    ran = opencode(machine, address, "generate", "delegate this")

    assert ran.code == 0, ran.err
    assert "My helper did it." in ran.out
    got = requests(upstream)[since:]
    rows = recorded(address, "provider=generate", len(got))
    assert {row["agent"] for row in rows} == {"opencode"}
    (parent,) = {row["session"] for row in rows if row["parent_session"] is None}
    (helper,) = [row for row in rows if row["parent_session"] is not None]
    assert (helper["parent_session"], helper["kind"], helper["status"]) == (parent, "subagent", 200)
    assert helper["session"] != parent
    assert [name for one in got for name in one["headers"] if "session" in name] == []


def test_opencode_does_not_wait_for_a_quota_that_is_spent(machine: Machine, ends: tuple[str, str]) -> None:
    address, upstream = ends
    since = len(requests(upstream))

    ran = opencode(machine, address, "chat/spent", "hello")

    assert "You exceeded your current quota" in ran.err + ran.out
    # Its title and its turn, of which the gateway answers whichever comes later by itself.
    assert len(requests(upstream)) - since <= 2


@pytest.mark.parametrize("dialect", ["responses", "messages"])
def test_continue_edits_a_file(machine: Machine, app: Path, ends: tuple[str, str], dialect: str) -> None:
    address, upstream = ends

    ran = continued(machine, address, dialect, CHANGE)

    assert ran.code == 0, ran.err
    assert app.read_text() == GREETED
    assert "The check passed" in ran.out
    assert stats(upstream)["violations"] == []
