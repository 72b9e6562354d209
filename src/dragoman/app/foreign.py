"""What a body may not hold if it is to be relayed to a deployment: one compiled pattern, made when the runtime is built.

Only keys and tags of the wire are looked for. A false alarm costs speed, never meaning: the exchange is translated instead.
"""

from __future__ import annotations

import re

from dragoman.dialects.contract import Quirks
from dragoman.ir.seal import MARK
from dragoman.lower.capabilities import Capabilities

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SWITCHES: dict[str, tuple[str, ...]] = {
    "freeform_tools": ("custom", "custom_tool_call"),
    "namespaces": ("namespace",),
    "tool_search": ("tool_search", "tool_search_call"),
    "tools_added": ("additional_tools",),
    "developer_role": ("developer",),
    "sampling": ("temperature", "top_p"),
    "parallel_tools": ("parallel_tool_calls",),
    "verbosity": ("verbosity",),
    "cache_key": ("prompt_cache_key",),
    "service_tier": ("service_tier",),
    "schema_output": ("json_schema",),
    "json_output": ("json_object",),
    "reasoning_with_tools": ("reasoning_effort",),
    "images_in_results": ("input_image",),
}


def foreign_pattern(capabilities: Capabilities, quirks: Quirks) -> re.Pattern[bytes]:
    """The pattern that finds, in a request's JSON, anything that this target does not take, or a seal of ours."""
    words = [word for field, words in _SWITCHES.items() if not getattr(capabilities, field) for word in words]
    if quirks.max_tokens_field == "max_tokens":
        words.append("max_completion_tokens")
    if "web_search" not in capabilities.hosted_tools:
        words.append("web_search")
    alternatives = [re.escape(word) + '"' for word in words]
    alternatives.append(re.escape(MARK))
    alternatives += _effort_patterns(capabilities.efforts)
    return re.compile(('"(?:' + "|".join(alternatives) + ")").encode())


def _effort_patterns(efforts: tuple[str, ...] | None) -> list[str]:
    if efforts is None:
        return []
    if not efforts:
        return ['reasoning(?:_effort)?"']
    refused = "|".join(effort for effort in _EFFORTS if effort not in efforts)
    return [rf'(?:reasoning_)?effort"\s*:\s*"(?:{refused})"'] if refused else []
