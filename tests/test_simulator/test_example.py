"""Examples satisfy their schema."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.simulator.example import example

Schema = dict[str, Any]


def satisfies(value: Any, schema: Schema, root: Schema) -> bool:
    """A few keywords of JSON Schema, enough to judge the examples."""
    if "$ref" in schema:
        return satisfies(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if "anyOf" in schema:
        return any(satisfies(value, option, root) for option in schema["anyOf"])
    return CHECKS[schema["type"]](value, schema, root)


def is_object(value: Any, schema: Schema, root: Schema) -> bool:
    properties = schema.get("properties", {})
    if not isinstance(value, dict) or not set(schema.get("required", [])) <= set(value):
        return False
    return all(name in properties and satisfies(inner, properties[name], root) for name, inner in value.items())


def is_array(value: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(value, list) or not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 99):
        return False
    return all(satisfies(inner, schema["items"], root) for inner in value)


def is_string(value: Any, schema: Schema, _root: Schema) -> bool:
    return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 999)


def is_number(value: Any, schema: Schema, _root: Schema) -> bool:
    if not isinstance(value, int if schema["type"] == "integer" else int | float):
        return False
    return schema.get("minimum", -1e9) <= value <= schema.get("maximum", 1e9) and value % schema.get("multipleOf", value or 1) == 0


CHECKS = {
    "object": is_object,
    "array": is_array,
    "string": is_string,
    "integer": is_number,
    "number": is_number,
    "boolean": lambda value, _schema, _root: isinstance(value, bool),
    "null": lambda value, _schema, _root: value is None,
}

LENGTHS = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)
BOUNDS = st.tuples(st.integers(-50, 50), st.integers(0, 50)).map(lambda pair: (pair[0], pair[0] + pair[1]))
LEAVES = st.one_of(
    LENGTHS.map(lambda pair: {"type": "string", "minLength": pair[0], "maxLength": pair[1]}),
    BOUNDS.map(lambda pair: {"type": "integer", "minimum": pair[0], "maximum": pair[1]}),
    BOUNDS.map(lambda pair: {"type": "number", "minimum": pair[0], "maximum": pair[1]}),
    st.integers(1, 9).map(lambda step: {"type": "integer", "multipleOf": step}),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": ["red", 2, None]}, {"const": "only"}]),
)


def grown(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        st.dictionaries(st.sampled_from("abcd"), inner).flatmap(
            lambda properties: (
                st.lists(st.sampled_from(sorted(properties)), unique=True).map(
                    lambda required: {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
                )
                if properties
                else st.just({"type": "object", "properties": {}})
            )
        ),
        st.tuples(inner, LENGTHS).map(lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1][0], "maxItems": pair[1][1]}),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
    )


@given(st.recursive(LEAVES, grown, max_leaves=8))
def test_example_satisfies_its_schema(schema: Schema) -> None:
    assert satisfies(example(schema), schema, schema)


def test_recursive_schema_comes_to_an_end() -> None:
    node: Schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["name", "next"],
    }
    schema: Schema = {"$ref": "#/$defs/node", "$defs": {"node": node}}

    assert satisfies(example(schema), schema, schema)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000000"),
        ({"type": ["null", "integer"], "exclusiveMinimum": 5}, 6),
        ({"allOf": [{"type": "object", "properties": {"a": {"type": "boolean"}}}, {"required": ["a"]}]}, {"a": True}),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, ["demo", 1]),
        ({}, "demo"),
        (None, "demo"),
    ],
)
def test_other_forms(schema: Any, value: Any) -> None:
    assert example(schema) == value


def test_hints_are_taken_where_they_fit() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 3}, "days": {"type": "integer", "maximum": 5}}}

    assert example(schema, {"city": "Paris", "days": 9}) == {"city": "Par", "days": 1}


def test_names_stand_for_what_is_unknown() -> None:
    assert re.fullmatch(r"first name", example({"type": "object", "properties": {"first_name": {}}})["first_name"])
