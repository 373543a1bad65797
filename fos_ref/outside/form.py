"""What of a JSON document breaks its schema, as one line: jsonschema finds it, this file says it.

Three rules are stricter than JSON Schema's, because a file of ours has one form only:

- an integer is a Python int: JSON Schema calls 1.0 one too;
- a constant has the type that the schema gives it, so neither 1.0 nor true is 1;
- a pattern fits the whole string: `$` of Python's re also fits before a line break at the end.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

Json = dict[str, Any]
#: The way to a place in the document, what stands there, what is allowed.
Told: TypeAlias = tuple[tuple[str | int, ...], str, str]
_SHOWN = 60  #: characters of a value, or of a name that a document makes up
_short = reprlib.Repr()  # looks no deeper than it shows: a value may be large, or nested a thousandfold
_short.maxstring = _short.maxother = _SHOWN


def validator(schema: Json) -> Validator:
    """Return what checks documents against a schema; it is made once for many documents."""
    return _Strict(schema)


def problem(checker: Validator, document: Any) -> str | None:
    """Return the first thing that breaks the schema: its path, what stands there, what is allowed."""
    error = next(iter(checker.iter_errors(document)), None)
    if error is None:
        return None
    told = _told(error)
    steps, found, _ = told[0]
    path = "".join(f"/{_name(str(step))}" for step in steps)
    return f"{path or 'document'}: {found}{', or '.join(allowed for *_, allowed in told)}"


def _told(error: ValidationError) -> list[Told]:
    """Return what to tell of an error; of a choice of forms, what is wrong with the one meant.

    That is the form that breaks deepest inside. Where several break at one place, each says what it allows.
    """
    if not error.context:
        return [_leaf(error)]
    forms: dict[Any, list[Told]] = {}
    for e in error.context:
        forms[e.schema_path[0]] = max(forms.get(e.schema_path[0], []), _told(e), key=_depth)
    first = max(forms.values(), key=_depth)
    return [told for found in forms.values() for told in found if told[0] == first[0][0]]


def _depth(told: list[Told]) -> int:
    return len(told[0][0]) if told else -1


def _leaf(error: ValidationError) -> Told:
    keyword, value, wanted = str(error.validator), error.instance, error.validator_value
    steps = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        steps = (*steps, value)
    if keyword == "required":
        return (*steps, next(n for n in wanted if n not in value)), "", "missing"
    if keyword == "additionalProperties":
        unknown = next(n for n in value if n not in error.schema["properties"])
        return (*steps, unknown), "", "no field of this name is allowed"
    found, allowed = _SAID[keyword](value, wanted)
    return steps, found, allowed


def _name(text: str) -> str:
    """Return a name as it stands in a path; one line, whatever a document makes up."""
    return text if text.isprintable() and len(text) <= _SHOWN else _shown(text)


def _shown(value: Any) -> str:
    return _short.repr(value)[:_SHOWN]


def _count(bound: str) -> Callable[[Any, Any], tuple[str, str]]:
    return lambda value, wanted: (f"{len(value)} items: ", f"{bound} {wanted} are allowed")


def _value(allowed: Callable[[Any], str]) -> Callable[[Any, Any], tuple[str, str]]:
    return lambda value, wanted: (f"{_shown(value)}: ", f"{allowed(wanted)} is allowed")


#: By keyword: what is wrong and what is allowed, of a value and of what the schema wants there.
_SAID: Mapping[str, Callable[[Any, Any], tuple[str, str]]] = {
    "type": _value(lambda wanted: wanted if isinstance(wanted, str) else " or ".join(wanted)),
    "pattern": _value(str),
    "enum": _value(lambda wanted: f"one of {wanted}"),
    "const": _value(repr),
    "minimum": _value(lambda wanted: f"at least {wanted}"),
    "maximum": _value(lambda wanted: f"at most {wanted}"),
    "minItems": _count("at least"),
    "maxItems": _count("at most"),
    "uniqueItems": lambda _, __: ("", "an item stands there twice"),
    "oneOf": lambda _, __: ("", "more than one of the allowed forms fits"),
}


def _pattern(_: Validator, wanted: str, value: Any, __: Json) -> Iterator[ValidationError]:
    if isinstance(value, str) and not re.fullmatch(wanted, value):
        yield ValidationError("the pattern does not fit")


def _const(_: Validator, wanted: Any, value: Any, __: Json) -> Iterator[ValidationError]:
    if type(value) is not type(wanted) or value != wanted:
        yield ValidationError("not the constant")


_Strict = extend(
    Draft202012Validator,
    {"pattern": _pattern, "const": _const},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)
