"""The built-in coder does a real task with the tools of each shape, and reacts to what they give back."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from desk import Workspace, ask, fast

APP = "def greet():\n    return 'hello'\n"
GREETED = "def greet(name='world'):\n    return f'hello {name}'\n"
REQUEST = "change greet in app.py so that it takes a name"

EXEC: dict[str, Any] = {
    "type": "function",
    "name": "exec_command",
    "strict": False,
    "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
}
PATCH: dict[str, Any] = {"type": "custom", "name": "apply_patch", "format": {"type": "text"}}
SCRIPTED = {
    "type": "additional_tools",
    "role": "developer",
    "tools": [{"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}],
}
INPUT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def of_chat(name: str, parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def drive_responses(workspace: Workspace, request: str, tools: list[Any], *before: Any) -> list[dict[str, Any]]:
    """Play Codex until the model stops calling; gives the last output."""
    history: list[Any] = [*before, {"type": "message", "role": "user", "content": [{"type": "input_text", "text": request}]}]
    simulator = fast()
    for _ in range(8):
        output = ask(simulator, "responses", {"model": "m", "input": history, "tools": tools})["output"]
        history += output
        calls = [item for item in output if item["type"].endswith("_call")]
        if not calls:
            return output
        history += [answer_item(workspace, call) for call in calls]
    raise AssertionError("the model never stops calling")


def answer_item(workspace: Workspace, call: dict[str, Any]) -> dict[str, Any]:
    if call["name"] == "exec_command":
        output: Any = workspace.run(json.loads(call["arguments"])["cmd"])
    elif call["name"] == "apply_patch":
        output = workspace.patch(call["input"])
    else:
        output = run_script(workspace, call["input"])
    return {"type": f"{call['type']}_output", "call_id": call["call_id"], "output": output}


def run_script(workspace: Workspace, script: str) -> list[dict[str, str]]:
    """Code mode: one call of a tool, its output as a text of its own."""
    tool, argument = script.split("tools.", 1)[1].split("(", 1)
    value, _ = json.JSONDecoder().raw_decode(argument)
    text = "{}" if tool == "apply_patch" else workspace.run(value["cmd"]).split("Output:\n", 1)[1]
    if tool == "apply_patch":
        workspace.patch(value)
    return [{"type": "input_text", "text": "Script completed\nWall time 0.1 seconds\nOutput:\n"}, {"type": "input_text", "text": text}]


def drive_chat(workspace: Workspace, request: str, tools: list[Any]) -> str:
    messages: list[Any] = [{"role": "user", "content": request}]
    simulator = fast()
    for _ in range(8):
        message = ask(simulator, "chat", {"model": "m", "messages": messages, "tools": tools})["choices"][0]["message"]
        message.pop("reasoning_content", None)
        messages.append(message)
        if "tool_calls" not in message:
            return message["content"]
        for call in message["tool_calls"]:
            arguments = json.loads(call["function"]["arguments"])
            done = workspace.patch(arguments["input"]) if "input" in arguments else workspace.run(arguments["cmd"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": done})
    raise AssertionError("the model never stops calling")


def test_edits_with_the_freeform_tool_where_it_is_offered() -> None:
    workspace = Workspace(app__py=APP)

    output = drive_responses(workspace, REQUEST, [EXEC, PATCH])

    assert workspace.files == {"app.py": GREETED}
    assert [command.split()[0] for command in workspace.commands] == ["cat", "python3"]
    assert output[-1]["content"][0]["text"].startswith("Done: I gave `greet` a parameter `name` in `app.py`. The check passed:")


def test_edits_by_a_here_document_where_there_is_no_patch_tool() -> None:
    workspace = Workspace(app__py=APP)

    drive_responses(workspace, REQUEST, [EXEC])

    assert workspace.files == {"app.py": GREETED}
    assert workspace.commands[1].startswith("apply_patch <<'EOF'\n*** Begin Patch\n")


def test_edits_with_the_shell_of_an_old_codex() -> None:
    class Old(Workspace):
        def run(self, command: str) -> str:
            output = super().run(command).split("Output:\n", 1)[1]
            return json.dumps({"output": output, "metadata": {"exit_code": 0, "duration_seconds": 0.1}})

    workspace = Old(app__py=APP)

    output = drive_responses(workspace, REQUEST, [EXEC])

    assert workspace.files == {"app.py": GREETED}
    assert output[-1]["content"][0]["text"].startswith("Done: I gave `greet` a parameter `name` in `app.py`. The check passed:")


def test_edits_in_code_mode() -> None:
    workspace = Workspace(app__py=APP)

    drive_responses(workspace, REQUEST, [], SCRIPTED)

    assert workspace.files == {"app.py": GREETED}


@pytest.mark.parametrize("names", [("exec_command", "apply_patch"), ("functions__exec_command", "codex__apply_patch")])
def test_edits_over_chat_with_functions_made_of_freeform_and_namespaced_tools(names: tuple[str, str]) -> None:
    workspace = Workspace(app__py=APP)

    told = drive_chat(workspace, REQUEST, [of_chat(names[0], EXEC["parameters"]), of_chat(names[1], INPUT)])

    assert workspace.files == {"app.py": GREETED}
    assert told.startswith("Done: ")


def test_edits_files_it_was_not_made_for() -> None:
    source = "class Shop:\n    def total(self, prices):\n        return sum(prices)\n\n\ndef main():\n    print('Hello, World!')\n"
    workspace = Workspace(shop__py=source)

    drive_responses(workspace, "please add a parameter called `who` to main in ./shop.py", [EXEC])

    assert workspace.files["shop.py"] == source.replace("def main():", "def main(who='world'):").replace(
        "'Hello, World!'", "f'Hello, {who}!'"
    )
    ast.parse(workspace.files["shop.py"])


def test_second_request_in_a_conversation_is_worked_on_afresh() -> None:
    workspace = Workspace(app__py=GREETED)
    earlier = [
        {"type": "message", "role": "user", "content": REQUEST},
        {"type": "function_call", "call_id": "call_1", "name": "exec_command", "arguments": '{"cmd":"cat app.py"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": APP},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
    ]

    drive_responses(workspace, "replace `hello` with `goodbye` in app.py", [EXEC, PATCH], *earlier)

    assert workspace.files == {"app.py": GREETED.replace("hello", "goodbye")}


def test_missing_file_is_told() -> None:
    workspace = Workspace()

    output = drive_responses(workspace, REQUEST, [EXEC, PATCH])

    assert workspace.files == {}
    assert "No such file or directory" in output[-1]["content"][0]["text"]


def test_missing_file_is_created_where_that_is_asked() -> None:
    workspace = Workspace()

    drive_responses(workspace, "create hello.py with a greeting", [EXEC, PATCH])

    ast.parse(workspace.files["hello.py"])


def test_file_that_is_only_asked_about_stays_as_it_is() -> None:
    workspace = Workspace(app__py=APP)

    output = drive_responses(workspace, "explain app.py", [EXEC, PATCH])

    assert workspace.files == {"app.py": APP}
    assert "It defines `greet`." in output[-1]["content"][0]["text"]


def test_refused_edit_is_told_and_not_tried_for_ever() -> None:
    class Stubborn(Workspace):
        def patch(self, patch: str) -> str:
            return "Exit code: 1\nWall time: 0 seconds\nOutput:\npatch rejected\n"

    output = drive_responses(Stubborn(app__py=APP), REQUEST, [EXEC, PATCH])

    assert "patch rejected" in output[-1]["content"][0]["text"]


def test_runs_a_quoted_command_and_tells_its_output() -> None:
    workspace = Workspace()

    output = drive_responses(workspace, "run `make test`", [EXEC])

    assert workspace.commands == ["make test"]
    assert "ran: make test" in output[-1]["content"][0]["text"]


def test_context_that_a_client_writes_is_not_the_user() -> None:
    body = {
        "model": "m",
        "input": [
            {"type": "message", "role": "user", "content": "say hello"},
            {"type": "message", "role": "user", "content": "<environment_context>\n<cwd>/app.py</cwd>\n</environment_context>"},
        ],
    }

    assert ask(fast(), "responses", body)["output"][0]["content"][0]["text"] == "hello"


def test_talks_where_no_file_is_named() -> None:
    output = drive_responses(Workspace(), "hi there", [EXEC, PATCH])

    assert output[0]["content"][0]["text"].startswith("You said: “hi there”. I'm the demo provider of Dragoman")


def test_title_request_gets_a_title_that_fits_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string", "maxLength": 20}},
        "required": ["title"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "name": "t", "strict": True, "schema": schema}
    body = {"model": "m", "input": "Generate a concise title.\n\nUser prompt: make greet take a name", "text": {"format": form}}

    assert json.loads(ask(fast(), "responses", body)["output"][0]["content"][0]["text"]) == {"title": "Make greet take a na"}


def test_compaction_request_gets_a_summary() -> None:
    history = [
        {"role": "user", "content": "fix app.py"},
        {"role": "user", "content": "You are performing a CONTEXT CHECKPOINT COMPACTION. Go."},
    ]

    text = ask(fast(), "responses", {"model": "m", "input": history, "tools": []})["output"][0]["content"][0]["text"]

    assert "The user last asked: “fix app.py”" in text


def test_compaction_trigger_gets_exactly_one_compaction_item() -> None:
    history = [{"type": "message", "role": "user", "content": "fix app.py"}, {"type": "compaction_trigger"}]

    output = ask(fast(), "responses", {"model": "m", "input": history})["output"]

    assert [(item["type"], item["encrypted_content"][:5]) for item in output] == [("compaction", "gAAAA")]


def test_review_looks_at_the_diff_and_answers_with_findings() -> None:
    class Repository(Workspace):
        def run(self, command: str) -> str:
            self.commands.append(command)
            return self._wrap(0, "+++ b/app.py\n@@ -1 +1,2 @@\n def greet():\n+    eval(input())\n")

    repository = Repository()
    guide = {"type": "message", "role": "developer", "content": "# Review guidelines:\nbe kind"}

    output = drive_responses(repository, "Review the code changes introduced by commit HEAD.", [EXEC, PATCH], guide)

    review = json.loads(output[-1]["content"][0]["text"])
    assert repository.commands == ["git show HEAD"]
    assert review["findings"][0]["code_location"] == {"absolute_file_path": "app.py", "line_range": {"start": 2, "end": 2}}
