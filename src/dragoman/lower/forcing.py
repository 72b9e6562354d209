"""A choice that forces a tool, where the model refuses one: asked for in words, or its thoughts are given up for it."""

from __future__ import annotations

import msgspec

from dragoman.ir.request import Message, ReasoningWish, Request, Text, ToolChoice
from dragoman.lower.fitting import Fitting
from dragoman.lower.thoughts import thinks

replace = msgspec.structs.replace


def ask(request: Request, fitting: Fitting) -> Request:
    """Words in place of a choice that the target refuses. They stand at the end, so that what came before stays as it was."""
    choice = request.tool_choice
    if choice is None or not _forces(choice) or fitting.caps.forced_tools:
        return request
    fitting.warn("tool_choice", "the target cannot be forced to call a tool; it is asked to in words")
    items = (*request.items, Message("developer", (Text(_words(choice)),)))
    return replace(request, items=items, tool_choice=ToolChoice("auto"))


def think_less(request: Request, fitting: Fitting) -> Request:
    """No thoughts beside a forced tool where the target has but one of both: what the client must get goes first."""
    choice = request.tool_choice
    if fitting.caps.forced_while_thinking or choice is None or not _forces(choice) or not thinks(request.reasoning):
        return request
    fitting.warn("reasoning", "the target does not think where it is forced to call a tool")
    return replace(request, reasoning=ReasoningWish("none"))


def _forces(choice: ToolChoice) -> bool:
    return choice.mode in ("required", "one") or (choice.mode == "some" and choice.required)


def _words(choice: ToolChoice) -> str:
    names = " or ".join(f"`{name}`" for _, name in choice.names)
    tool = f"the tool {names}" if names else "a tool"
    return f"Answer this by calling {tool} and in no other way."
