"""The rules of Gemini's generateContent for a request as a whole (https://ai.google.dev/api/generate-content)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dragoman.simulator.etiquette_contents import check_contents
from dragoman.simulator.gemini import Gemini, gemini
from dragoman.simulator.script import Etiquette
from dragoman.simulator.shapes import as_dict, as_dicts, as_list
from dragoman.simulator.view import View
from dragoman.simulator.view_generate import either
from dragoman.simulator.violation import Violation

Body = dict[str, Any]


def check_generate(view: View, etiquette: Etiquette) -> Iterable[Violation]:
    """Every rule that the request breaks."""
    body, family = view.body, gemini(view.model)
    config = as_dict(either(body, "generationConfig"))
    if etiquette.unknown_fields == "refused":
        yield from _unknown("", body, _FIELDS)
        yield from _unknown("generation_config", config, _CONFIG)
        yield from _unknown("tool_config", as_dict(either(body, "toolConfig")), _TOOL_CONFIG)
    yield from _config(config)
    yield from _thinking(as_dict(either(config, "thinkingConfig")), family)
    yield from _output(config, body, family)
    yield from _tools(body, family)
    yield from _tool_config(body)
    system = either(body, "systemInstruction")
    if system is not None and not all("text" in part for part in as_dicts(as_dict(system).get("parts"))):
        yield Violation("* GenerateContentRequest.system_instruction: only text parts are supported.", "system_instruction")
    yield from check_contents(body.get("contents"), family)


def _unknown(place: str, form: Body, allowed: frozenset[str]) -> Iterable[Violation]:
    for name in form:
        if _camel(name) not in allowed:
            where = f" at '{place}'" if place else ""
            yield Violation(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.', name)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _config(config: Body) -> Iterable[Violation]:
    for name, low, high in _RANGES:
        value = either(config, name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield Violation(f"Invalid value at 'generation_config.{name}', \"{value}\"", name)
        elif not low <= value <= high:
            told = f"it has a {name} value of {value} but the supported range is from {low:g} (inclusive) to {high:g} (inclusive)"
            yield Violation(f"Unable to submit request because {told}. Update the value and try again.", name)
    if len(as_list(either(config, "stopSequences"))) > 5:
        yield Violation("* GenerateContentRequest.generation_config.stop_sequences: must not have more than 5 elements.", "stopSequences")


def _thinking(thinking: Body, family: Gemini) -> Iterable[Violation]:
    yield from _unknown("generation_config.thinking_config", thinking, frozenset(("includeThoughts", "thinkingBudget", "thinkingLevel")))
    level, budget = either(thinking, "thinkingLevel"), either(thinking, "thinkingBudget")
    if level is not None and budget is not None:
        yield Violation("You can only set only one of thinking budget and thinking level.", "thinkingConfig")
    if level is not None and not family.levels:
        yield Violation("Thinking level is not supported for this model.", "thinkingLevel")
    elif level is not None and str(level).upper() not in family.levels:
        yield Violation(f"Thinking level {level} is not supported for this model. Please retry with other thinking level.", "thinkingLevel")
    if budget is not None:
        yield from _budget(budget, family)


def _budget(budget: Any, family: Gemini) -> Iterable[Violation]:
    if not isinstance(budget, int):
        yield Violation(
            f"Invalid value at 'generation_config.thinking_config.thinking_budget' (TYPE_INT32), \"{budget}\"", "thinkingBudget"
        )
    elif family.budget is None and not family.levels:
        yield Violation("Thinking is not enabled for this model.", "thinkingBudget")
    elif budget == 0 and (family.levels or not family.may_rest):
        yield Violation("Budget 0 is invalid. This model only works in thinking mode.", "thinkingBudget")
    elif family.budget is not None and budget > 0 and not family.budget[0] <= budget <= family.budget[1]:
        low, high = family.budget
        yield Violation(f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}.", "thinkingBudget")


def _output(config: Body, body: Body, family: Gemini) -> Iterable[Violation]:
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if either(config, name) is not None]
    mime = either(config, "responseMimeType")
    if len(schemas) > 1:
        yield Violation("response_schema and response_json_schema cannot be set at the same time.", "responseJsonSchema")
    if schemas and mime not in ("application/json", "text/x.enum"):
        yield Violation("Structured output requires response_mime_type 'application/json'.", "responseMimeType")
    if either(config, "responseFormat") is not None and (schemas or mime is not None):
        yield Violation("response_format cannot be combined with response_mime_type or a response schema.", "responseFormat")
    if mime == "application/json" and _declarations(body) and not family.demands_signatures:
        yield Violation("Function calling with a response mime type: 'application/json' is unsupported", "responseMimeType")


def _declarations(body: Body) -> list[Body]:
    return [one for group in as_dicts(body.get("tools")) for one in as_dicts(either(group, "functionDeclarations"))]


def _tools(body: Body, family: Gemini) -> Iterable[Violation]:
    groups = as_dicts(body.get("tools"))
    declared = _declarations(body)
    builtin = [name for group in groups for name in group if _camel(name) in _BUILTIN]
    for number, group in enumerate(groups):
        yield from _unknown(f"tools[{number}]", group, _BUILTIN | {"functionDeclarations"})
    for number, one in enumerate(declared):
        yield from _declaration(f"tools[0].function_declarations[{number}]", one)
    names = [str(one.get("name")) for one in declared]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Violation(f"Duplicate function declaration found: {name}", "tools")
    if len(declared) > 512:
        yield Violation(f"The number of function declarations ({len(declared)}) exceeds the maximum of 512.", "tools")
    if builtin and declared and not family.mixes_tools:
        yield Violation("Tool use with function calling is unsupported", "tools")
    elif builtin and declared and either(as_dict(either(body, "toolConfig")), "includeServerSideToolInvocations") is not True:
        told = "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling."
        yield Violation(told, "tools")


def _declaration(param: str, declared: Body) -> Iterable[Violation]:
    yield from _unknown(param, declared, _DECLARATION)
    if not _NAME.fullmatch(str(declared.get("name") or "")):
        yield Violation(
            f"* GenerateContentRequest.{param}.name: Invalid function name. Must start with a letter or an underscore. Must be "
            "alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.",
            param,
        )
    older, newer = declared.get("parameters"), either(declared, "parametersJsonSchema")
    if older is not None and newer is not None:
        yield Violation(f"* GenerateContentRequest.{param}: parameters and parameters_json_schema are mutually exclusive.", param)
    for schema in (older, newer):
        if schema is not None and str(as_dict(schema).get("type", "object")).lower() != "object":
            yield Violation(f"* GenerateContentRequest.{param}.parameters: should be of type OBJECT", param)
    yield from _schema(f"{param}.parameters", as_dict(older))


def _schema(param: str, schema: Body) -> Iterable[Violation]:
    """The older form of parameters is a message of its own: it knows some words of JSON Schema, not all."""
    yield from _unknown(param, {name: 1 for name in schema if not name.startswith("$")}, _SCHEMA)
    for name in ("$schema", "$id", "$comment"):
        if name in schema:
            yield Violation(f"Invalid JSON payload received. Unknown name \"{name}\" at '{param}': Cannot find field.", param)
    for name, inner in as_dict(schema.get("properties")).items():
        yield from _schema(f"{param}.properties[{name}]", as_dict(inner))
    if isinstance(schema.get("items"), dict):
        yield from _schema(f"{param}.items", as_dict(schema["items"]))
    for number, inner in enumerate(as_dicts(either(schema, "anyOf"))):
        yield from _schema(f"{param}.any_of[{number}]", inner)


def _tool_config(body: Body) -> Iterable[Violation]:
    config = as_dict(either(as_dict(either(body, "toolConfig")), "functionCallingConfig"))
    if not config:
        return
    mode, names = config.get("mode"), [str(one.get("name")) for one in _declarations(body)]
    if mode not in (None, "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"):
        yield Violation(f"Invalid value at 'tool_config.function_calling_config.mode', \"{mode}\"", "toolConfig")
    if not names and mode in ("ANY", "VALIDATED"):
        yield Violation("Function calling config is set without function_declarations.", "toolConfig")
    allowed = as_list(either(config, "allowedFunctionNames"))
    if allowed and mode not in ("ANY", "VALIDATED"):
        yield Violation("allowed_function_names can only be set when function_calling_config.mode is ANY or VALIDATED.", "toolConfig")
    for name in allowed:
        if name not in names:
            yield Violation(f"allowed_function_names contains '{name}', which is not declared.", "toolConfig")


_RANGES = (
    ("temperature", 0, 2),
    ("topP", 0, 1),
    ("topK", 1, 1_000_000),
    ("maxOutputTokens", 1, 1_048_576),
    ("candidateCount", 1, 8),
    ("presencePenalty", -2, 2),
    ("frequencyPenalty", -2, 2),
    ("logprobs", 0, 20),
)
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_FIELDS = frozenset(
    (
        *("contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig", "cachedContent"),
        *("labels", "store", "modelArmorConfig", "continuationToken", "outputConfig", "serviceTier", "model"),
    )
)
_CONFIG = frozenset(
    (
        *("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed", "presencePenalty"),
        *("frequencyPenalty", "responseLogprobs", "logprobs", "responseModalities", "speechConfig", "imageConfig"),
        *("mediaResolution", "thinkingConfig", "responseFormat", "responseMimeType", "responseSchema", "responseJsonSchema"),
        *("routingConfig", "translationConfig", "audioTranscriptionConfig", "audioTimestamp", "enableAffectiveDialog"),
        *("enableEnhancedCivicAnswers",),
    )
)
_TOOL_CONFIG = frozenset(("functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"))
_BUILTIN = frozenset(
    (
        *("googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "googleMaps", "fileSearch", "computerUse"),
        *("mcpServers", "enterpriseWebSearch", "retrieval", "exaAiSearch", "parallelAiSearch"),
    )
)
_DECLARATION = frozenset(("name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"))
_SCHEMA = frozenset(
    (
        *("type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required"),
        *("minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering"),
        *("default", "items", "minimum", "maximum", "additionalProperties", "ref", "defs"),
    )
)
