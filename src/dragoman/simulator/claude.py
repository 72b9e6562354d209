"""What Claude models take and do, by family: facts of the provider's model pages, kept apart from the gateway's own tables.

Source: https://docs.claude.com/en/docs/about-claude/models/overview and the pages on extended and adaptive thinking.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

from dragoman.simulator.shapes import as_dict
from dragoman.simulator.view import View

_LOW_TO_HIGH = ("low", "medium", "high")
_LOW_TO_MAX = (*_LOW_TO_HIGH, "max")
_ALL = (*_LOW_TO_HIGH, "xhigh", "max")


class Claude(msgspec.Struct, frozen=True):
    """One family of models."""

    thinking: tuple[str, ...] = ("enabled", "disabled")
    """Legal values of `thinking.type`."""
    thinks_by_default: bool = False
    """Whether it thinks where the request says nothing."""
    hides_thoughts: bool = False
    """Whether thoughts come as empty blocks with a signature unless `display` says else."""
    narrates_in_thoughts: bool = False
    """Whether words between tool calls come as thinking blocks too."""
    efforts: tuple[str, ...] = ()
    """Legal values of `output_config.effort`; none: the field is refused."""
    forced_choice: bool = True
    """Whether `tool_choice` may be `any` or `tool`."""
    binds_prefix: bool = False
    """Preserved thinking: blocks are bound to everything before them."""
    prefill: bool = True
    """Whether the last turn may be the assistant's."""
    sampling: bool = True
    """Whether temperature and its kin are taken in the old API version."""
    cache_minimum: int = 1024
    """Tokens below which nothing is cached."""
    system_turns: bool = False
    """Whether messages may have the role `system`."""


_FIFTH = Claude(
    thinking=("adaptive", "disabled"),
    thinks_by_default=True,
    hides_thoughts=True,
    efforts=_ALL,
    prefill=False,
    sampling=False,
    cache_minimum=512,
    system_turns=True,
)
_BOUND = msgspec.structs.replace(_FIFTH, thinking=("adaptive",), forced_choice=False, binds_prefix=True)
_FAMILIES: tuple[tuple[str, Claude], ...] = (
    ("claude-opus-5-5*", msgspec.structs.replace(_BOUND, narrates_in_thoughts=True)),
    ("claude-sonnet-5-5*", msgspec.structs.replace(_BOUND, thinking=("adaptive", "between_tools"), narrates_in_thoughts=True)),
    ("claude-haiku-5-5*", msgspec.structs.replace(_FIFTH, binds_prefix=True)),
    ("claude-fable-5-[12]*", _BOUND),
    ("claude-mythos-5-[12]*", _BOUND),
    ("claude-fable-5*", msgspec.structs.replace(_FIFTH, thinking=("adaptive",))),
    ("claude-mythos-5*", msgspec.structs.replace(_FIFTH, thinking=("adaptive",))),
    ("claude-opus-5*", _FIFTH),
    ("claude-sonnet-5*", msgspec.structs.replace(_FIFTH, cache_minimum=1024)),
    (
        "claude-opus-4-8*",
        Claude(("adaptive", "disabled"), efforts=_ALL, prefill=False, sampling=False, cache_minimum=1024, system_turns=True),
    ),
    ("claude-opus-4-7*", Claude(("adaptive", "disabled"), efforts=_ALL, prefill=False, sampling=False, cache_minimum=2048)),
    ("claude-opus-4-6*", Claude(("adaptive", "enabled", "disabled"), efforts=_LOW_TO_MAX, prefill=False, cache_minimum=4096)),
    ("claude-sonnet-4-6*", Claude(("adaptive", "enabled", "disabled"), efforts=_LOW_TO_MAX, prefill=False)),
    ("claude-opus-4-5*", Claude(efforts=_LOW_TO_HIGH, cache_minimum=4096)),
    ("claude-haiku-4-5*", Claude(cache_minimum=4096)),
)


def claude(model: str) -> Claude:
    """The family of a model; a name that is none of Claude's takes what the oldest takes."""
    name = model.rpartition("/")[2].replace(".", "-")
    return next((family for glob, family in _FAMILIES if fnmatchcase(name, glob)), Claude())


def is_thinking(view: View) -> bool:
    """Whether the request has thinking on."""
    kind = as_dict(view.body.get("thinking")).get("type")
    return claude(view.model).thinks_by_default if kind is None else kind != "disabled"


def shows_thoughts(view: View) -> bool:
    """Whether thinking blocks come with their words."""
    display = as_dict(view.body.get("thinking")).get("display")
    return not claude(view.model).hides_thoughts if display is None else display != "omitted"
