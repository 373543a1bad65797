"""A recipe: one dialect of NVFP4 as a value. Two recipes differ exactly where `diff` says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from typing import Any, cast, get_type_hints, TypeGuard

from fos_ref.errors import RecipeError
from fos_ref.errors.text import listed
from fos_ref.foreign import shown
from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    BlockShape,
    Candidates,
    Dequantize,
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    Reciprocal,
    ReciprocalOverflow,
    Reduction,
    ScaleFloor,
    ScaleFormat,
    ScaleNan,
    TensorScale,
    Tie,
    ZeroScale,
    ZeroSign,
)

SCALE_BOUNDS = (256, 448)
BLOCK = 16  #: consecutive values of a row under one NVFP4 block scale
MX_BLOCK = 32  #: the same for MX formats
_OF_AMAX = ", ".join(f.value for f in ScaleFormat if f.of_amax)
#: Block scales that leave a tensor scale out.
MX_BLOCK_SCALES = (BlockScale.AMAX, BlockScale.LOGARITHM, BlockScale.LOGARITHM_IN_INPUT_DTYPE)
NO_BOUND = 1  #: scale_max of a recipe without a tensor scale
#: Fields that describe a recipe without changing any bit; not part of `diff` and `fingerprint`.
DESCRIPTIVE = ("name", "source", "evidence")
#: Forms of N8 that divide by what they make of the scales; the others multiply.
DIVISIONS = frozenset(
    {
        ElementScaling.DIVIDE_BY_PRODUCT,
        ElementScaling.DIVIDE_BY_QUOTIENT,
        ElementScaling.DIVIDE_THEN_ENCODE,
        ElementScaling.ENCODE_THEN_DIVIDE,
    }
)
REPLACE_MULTIPLIER = frozenset({ZeroScale.MULTIPLIER_ZERO, ZeroScale.PRODUCT_ZERO, ZeroScale.PRODUCT_TINY})
_FIELDS = 3  #: unknown or missing fields of JSON that a message names
LONGEST_TEXT = 500  #: characters of each of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One dialect as a value: a field for every decision that moves a bit, and where it was learnt.

    Two recipes give different bits only if `diff` lists an axis. Change an axis with
    `dataclasses.replace(recipe, name=..., axis=value)`. docs/numerics.md has a table of values for each axis.
    The five fields that default to None belong to the choice between two candidates and are None without one.
    Two of them can be None with a choice: `reduction` for the ABS_MAX metric, which has no order, and
    `map4_scale` where the candidates are not 4/6.

    Raises: RecipeError for a combination that has no meaning, for a value of the wrong type, and for a name
    or a source that is not of printable characters.
    """

    name: str
    element_format: ElementFormat = ElementFormat.E2M1
    scale_format: ScaleFormat = ScaleFormat.E4M3
    block_shape: BlockShape = BlockShape.ROW_16
    amax_scope: AmaxScope = AmaxScope.TENSOR
    candidates: Candidates = Candidates.SIX
    scale_max: int = 448  #: the E4M3 magnitude that the largest block scale maps to
    tensor_scale: TensorScale = TensorScale.CLAMPED_ZERO_IS_ONE
    block_scale: BlockScale = BlockScale.DIVIDE_THEN_MULTIPLY
    map4_scale: Map4Scale | None = None
    scale_floor: ScaleFloor = ScaleFloor.NONE
    scale_nan: ScaleNan = ScaleNan.CODE_7F
    element_scaling: ElementScaling = ElementScaling.RECIPROCAL_OF_PRODUCT
    reciprocal: Reciprocal = Reciprocal.EXACT
    zero_scale: ZeroScale = ZeroScale.ZERO_CODES
    reciprocal_overflow: ReciprocalOverflow = ReciprocalOverflow.CLAMP_TO_MAX
    element_cast: ElementCast = ElementCast.SATURATE
    element_nan: ElementNan = ElementNan.CODE_7
    zero_sign: ZeroSign = ZeroSign.SIGN_BIT
    error_domain: ErrorDomain | None = None
    error_metric: ErrorMetric | None = None
    reduction: Reduction | None = None
    tie: Tie | None = None
    dequantize: Dequantize = Dequantize.AMAX_DIVIDE
    nonfinite: NonFinite = NonFinite.RAISE
    source: str = ""  #: repo@commit:path::symbol
    evidence: str = "own"  #: ran | read | own

    def __post_init__(self) -> None:
        _check_types(self)
        for illegal, why in _illegal(self):
            if illegal:
                msg = f"recipe {self.name!r}: {why}"
                raise RecipeError(msg)

    def __hash__(self) -> int:
        """Return the hash of the name: equal recipes have one name, and caches ask often."""
        return hash(self.name)

    @property
    def element_max(self) -> int:
        """E, the largest element that the tensor scale uses: 6; 4 if all blocks map to 4; 7 for INT4."""
        return {Candidates.FOUR: 4, Candidates.SEVEN: 7}.get(self.candidates, 6)

    @property
    def range_max(self) -> int:
        """C = element_max * scale_max, the magnitude that the tensor amax is scaled to."""
        return self.element_max * self.scale_max

    @property
    def block_rows(self) -> int:
        """Rows under one block scale: 1 or 16."""
        return BLOCK if self.block_shape is BlockShape.TILE_16X16 else 1

    @property
    def block_cols(self) -> int:
        """Consecutive values of a row under one block scale: 16 or 32."""
        return MX_BLOCK if self.block_shape is BlockShape.ROW_32 else BLOCK

    @property
    def chooses(self) -> bool:
        """Whether there are two candidates to choose between."""
        return self.candidates in (Candidates.FOUR_OVER_SIX, Candidates.FLOAT_OR_INT)

    def axes(self) -> dict[str, Any]:
        """Return {axis: value} for the fields that decide bits, in their order."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in DESCRIPTIVE}

    def diff(self, other: Recipe) -> dict[str, tuple[Any, Any]]:
        """Return {axis: (mine, other's)} for every axis that differs; empty means the same bits.

        Raises: RecipeError for what is no `Recipe`.
        """
        if not issubclass(type(other), Recipe):  # isinstance would ask the object itself
            msg = f"recipe {self.name!r} beside {shown(other)}: a Recipe is allowed"
            raise RecipeError(msg)
        mine, theirs = self.axes(), other.axes()
        return {k: (mine[k], theirs[k]) for k in mine if mine[k] != theirs[k]}

    def fingerprint(self) -> str:
        """Return the sha256 of the axes as canonical JSON: equal fingerprints mean equal bits."""
        text = json.dumps(plain_values(self.axes()), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values."""
        return plain_values({f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def from_dict(cls, data: object) -> Recipe:
        """Return the recipe of `to_dict` output. Raises RecipeError that names a missing or wrong field."""
        known = [f.name for f in fields(cls)]
        given = cast("dict[Any, Any]", data) if issubclass(type(data), dict) else None
        if given is None or set(given) != set(known):
            what = "not an object" if given is None else _fields_apart(given, known)
            msg = f"recipe JSON: {what}: exactly the fields {', '.join(known)} are allowed"
            raise RecipeError(msg)
        return cls(**{k: _parse(k, v) for k, v in given.items()})


def _fields_apart(data: dict[Any, Any], known: list[str]) -> str:
    """Return which fields are unknown and which are missing, the first of each."""
    apart = {
        "unknown": [k if type(k) is str else shown(k) for k in data if k not in known],
        "missing": [k for k in known if k not in data],
    }
    return "; ".join(f"{what} {listed(names, _FIELDS)}" for what, names in apart.items() if names)


def _is_axis(value: Any) -> TypeGuard[Enum]:
    return issubclass(type(value), Enum)


def plain_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` with every axis member as its JSON name."""
    return {k: v.value if _is_axis(v) else v for k, v in values.items()}


@cache
def _field_types(name: str) -> tuple[type, ...]:
    """Return the types a field may hold, its own first; cached because reading annotations is slow."""
    hint: type = get_type_hints(Recipe)[name]
    kinds: tuple[type, ...] = getattr(hint, "__args__", ()) or (hint,)
    return tuple(sorted(kinds, key=lambda t: t is type(None)))


def field_kind(name: str) -> type:
    """Return the type of a field: an axis enum, int or str."""
    return _field_types(name)[0]


def _optional(name: str) -> bool:
    return type(None) in _field_types(name)


def _parse(name: str, value: object) -> Any:
    kind = field_kind(name)
    if not issubclass(kind, Enum) or (value is None and _optional(name)):
        return value
    try:
        return kind(value)
    except ValueError:
        allowed = [str(m.value) for m in kind]
        msg = f"recipe JSON: {name} {_given(value)}: one of {', '.join(allowed)} is allowed"
        raise RecipeError(msg) from None


def _given(value: object) -> str:
    return "is not set" if value is None else f"= {shown(value.value if _is_axis(value) else value)}"


def _check_types(r: Recipe) -> None:
    for f in fields(r):
        value, kind = getattr(r, f.name), field_kind(f.name)
        if type(value) is not kind and not (value is None and _optional(f.name)):
            msg = f"recipe {shown(r.name)}: {f.name} {_given(value)}: {_wanted(kind)} is allowed"
            raise RecipeError(msg)
    if not r.name:
        msg = "recipe '': a name is needed"
        raise RecipeError(msg)
    for name in DESCRIPTIVE:  # they go into messages, tables, file names and pages
        text = getattr(r, name)
        if not text.isprintable() or len(text) > LONGEST_TEXT:
            allowed = f"{LONGEST_TEXT} printable characters are allowed"
            msg = f"recipe {shown(r.name)}: {name} {_given(text)}: {allowed}"
            raise RecipeError(msg)


def _wanted(kind: type) -> str:
    """Return what a field takes: of an axis its type and every value."""
    if not issubclass(kind, Enum):
        return {str: "a text", int: "a whole number"}[kind]
    return f"a {kind.__name__} ({', '.join(str(m.value) for m in kind)})"


def _illegal(r: Recipe) -> list[tuple[bool, str]]:
    """Return the legality table: (broken, why)."""
    return _illegal_choice(r) + _illegal_formats(r)


def _illegal_choice(r: Recipe) -> list[tuple[bool, str]]:
    both = r.chooses
    choice = {k: getattr(r, k) for k in ("error_domain", "error_metric", "tie")}
    unset = [k for k, v in choice.items() if v is None]
    idle = [k for k, v in {**choice, "reduction": r.reduction}.items() if v is not None]
    ordered = r.error_metric in (ErrorMetric.MSE, ErrorMetric.MAE)
    fused = r.reduction in (Reduction.FUSED_SEQUENTIAL, Reduction.FUSED_EVEN_ODD)
    four_over_six = r.candidates is Candidates.FOUR_OVER_SIX
    return [
        (both and bool(unset), f"a choice has to say how it is made: {', '.join(unset)} not set"),
        (
            not both and bool(idle),
            f"one candidate leaves nothing to choose: {', '.join(idle)} must not be set",
        ),
        (
            both and ordered is (r.reduction is None),
            f"reduction {_given(r.reduction)}: an order for mse and mae, none for absmax",
        ),
        (fused and r.error_metric is not ErrorMetric.MSE, f"{r.reduction} squares inside the sum: mse only"),
        (
            four_over_six is (r.map4_scale is None),
            f"map4_scale {_given(r.map4_scale)}: set exactly for the candidates 4/6",
        ),
    ]


def _illegal_formats(r: Recipe) -> list[tuple[bool, str]]:
    element = {Candidates.SEVEN: ElementFormat.INT4, Candidates.FLOAT_OR_INT: ElementFormat.E2M1_OR_INT4}.get(
        r.candidates, ElementFormat.E2M1
    )
    unscaled = r.tensor_scale is TensorScale.NONE
    bounds = (NO_BOUND,) if unscaled else SCALE_BOUNDS
    return [
        (
            r.scale_max not in bounds,
            f"scale_max = {r.scale_max}: one of {', '.join(map(str, bounds))} is allowed",
        ),
        (
            r.element_format is not element,
            f"candidates {r.candidates.value!r} go with element_format {element.value!r}",
        ),
        (
            r.block_shape is BlockShape.TILE_16X16 and r.amax_scope is AmaxScope.ROW,
            "a 16x16 tile spans 16 rows, so amax_scope has to be tensor",
        ),
        (
            r.scale_format.is_power and r.scale_floor is ScaleFloor.ZERO_IS_EIGHTH,
            f"scale_floor {r.scale_floor.value!r} is an E4M3 code, so scale_format has to be E4M3",
        ),
        (
            r.scale_format.of_amax is not (r.block_scale is BlockScale.AMAX),
            f"scale_format {r.scale_format.value!r}: block_scale 'b' goes with {_OF_AMAX}, and they with it",
        ),
        (
            r.block_scale in MX_BLOCK_SCALES and not unscaled,
            f"block_scale {r.block_scale.value!r} takes no tensor scale, so tensor_scale has to be '1'",
        ),
        (
            r.block_shape is BlockShape.ROW_32 and r.reduction is not None,
            f"reduction = {r.reduction}: no order is known for the errors of a block of 32",
        ),
        (
            (r.element_cast is ElementCast.UNSATURATED) is not (r.element_nan is ElementNan.WRAPS),
            "element_nan is 'wraps' exactly when element_cast is 'unsaturated'",
        ),
        (
            r.element_cast is ElementCast.FIRST_NEAREST and r.zero_sign is not ZeroSign.NEVER,
            f"element_cast {r.element_cast.value!r} gives no code 8: zero_sign has to be 'never'",
        ),
        (
            r.zero_scale in REPLACE_MULTIPLIER and r.element_scaling in DIVISIONS,
            f"zero_scale {r.zero_scale.value!r} replaces a multiplier: element_scaling has to multiply",
        ),
    ]
