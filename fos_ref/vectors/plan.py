"""Which recipes have which groups of vectors: one file for each pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fos_ref.recipes.axes import ScaleFormat
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.case import Case
from fos_ref.vectors.distinguishing.mutants import MutantVector
from fos_ref.vectors.file import Plan
from fos_ref.vectors.groups import choice, elements, scales, tensors
from fos_ref.vectors.schema import MOST_BLOCKS


@dataclass(frozen=True, slots=True)
class Group:
    """A group of vectors: what it aims at, how its cases are made, and for which recipes."""

    comment: str
    cases: Callable[[Recipe], Iterable[Case]]
    suits: Callable[[Recipe], bool] = lambda _: True


def _rows_only(r: Recipe) -> bool:
    return r.block_rows == 1


def _e4m3_rows(r: Recipe) -> bool:
    return r.block_rows == 1 and r.scale_format is ScaleFormat.E4M3


def _chooses(r: Recipe) -> bool:
    return r.chooses


#: name -> group, in the order in which they are worth running.
GROUPS: Mapping[str, Group] = MappingProxyType(
    {
        "worked": Group("Worked examples, to start with.", tensors.worked),
        "midpoints": Group(
            "Every midpoint of the element format with its neighbours on both sides.",
            elements.midpoints,
            lambda r: r.block_rows == 1 and r.element.second is None,
        ),
        "scale-codes-low": Group(
            "Each E4M3 byte from 00 to 3F as the chosen scale.", scales.low_codes, _e4m3_rows
        ),
        "scale-codes-high": Group(
            "Each E4M3 byte from 40 to 7E as the chosen scale.", scales.high_codes, _e4m3_rows
        ),
        "scale-midpoints": Group(
            "Block scales on midpoints of E4M3 and one step beside.", scales.midpoints, _e4m3_rows
        ),
        "scale-extremes": Group("Subnormal, zero and saturated block scales.", scales.extremes, _rows_only),
        "amaxes": Group("Tiny and huge tensor amaxes, and exact ones.", scales.amaxes, _rows_only),
        "zeros": Group("Zeros of both signs, zero blocks, zero tensors.", elements.zeros),
        "nonfinite": Group(
            "NaN and infinity: propagated as the recipe says, or refused.", elements.nonfinite
        ),
        "ties": Group("Candidates whose errors are equal or nearly so.", choice.ties, _chooses),
        "near-ties": Group(
            "Blocks on both sides of the edge of a choice, by float32 steps.",
            choice.near_ties,
            _chooses,
        ),
        "worst-cases": Group("The published worst cases.", choice.worst_cases, _rows_only),
        "aimed": Group("Random blocks aimed at boundaries.", choice.aimed),
        "shapes": Group("Tensors of several rows and blocks.", tensors.shapes),
        "tails": Group("Ragged shapes, and buffers full of poison.", tensors.tails, _rows_only),
        "random": Group("Random values.", tensors.random),
    }
)
HUNT, REPORTED = "hunt", "reported"
_HUNT = "The inputs that tell deliberate mistakes from the recipe they were made in (distinguishing.json)."
_REPORTED = (
    "The inputs that tell the mistakes of real reports from the recipe they were made in (mutants.json)."
)
_ALL = frozenset({*GROUPS, HUNT})
_CODES = frozenset({"scale-codes-low", "scale-codes-high"})
_FEW = frozenset({"worked"})
_CHOICE = frozenset({"worked", "ties", "near-ties"})

#: recipe -> its groups, those left out that do not suit it.
PLAN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "4over6": _ALL,
        "nvfp4": _ALL,
        "te-mse-256": _ALL - _CODES,
        "te-mae-448": _CHOICE | {"scale-midpoints", "scale-extremes"},
        "te-mse-448": _CHOICE | {"scale-extremes", HUNT},
        "te-nvfp4": _FEW | {"scale-midpoints", "amaxes", HUNT},
        "te-mse-256-row": _CHOICE | {"shapes", "tails", "nonfinite", HUNT},
        "te-mse-256-fast": _CHOICE,
        "4over6-mae": _CHOICE | {"zeros", HUNT},
        "4over6-absmax": _CHOICE,
        "4over6-16x16": _ALL,
        "fouroversix-mse": _CHOICE | {"zeros", "nonfinite", "scale-extremes", "amaxes", HUNT},
        "fouroversix-cuda-mse": _CHOICE | {"nonfinite", HUNT},
        "fouroversix-static4": _FEW | {"midpoints"},
        "fouroversix-nvint4": _FEW | {"midpoints", "zeros"},
        "fouroversix-if4-mse": _CHOICE | {"nonfinite"},
        "fouroversix-mxfp4-static6": _FEW | {"midpoints", "scale-extremes", "zeros"},
        "flashinfer-mae-256": _CHOICE | {"nonfinite", HUNT},
        "modelopt-nvfp4": _FEW | {"scale-extremes", "zeros", HUNT},
        "modelopt-4over6": _CHOICE | {"scale-extremes"},
        "compressed-tensors-nvfp4": _FEW | {"scale-extremes", "amaxes"},
        "llmcompressor-4over6-mse": _CHOICE,
        "torchao-nvfp4": _FEW | {"scale-extremes", "zeros"},
        "quartet2-4over6": _CHOICE | {"zeros", HUNT},
        "fouroversix-nvfp3": _FEW | {"midpoints", "zeros"},
        "fouroversix-nvfp6-e2m3": _FEW | {"midpoints", "zeros"},
        "fouroversix-nvfp6-e3m2": _FEW | {"midpoints"},
        "fouroversix-nvint3": _FEW | {"midpoints"},
        "fouroversix-nvint6": _FEW | {"midpoints", "zeros"},
        "fouroversix-if6-e2m3-mse": _CHOICE | {"nonfinite"},
        "fouroversix-if3-mse": _CHOICE,
        "fouroversix-nvfp4-bs8": _FEW | {"shapes"},
        "ocp-mxfp4": _FEW | {"midpoints", "scale-extremes", "zeros"},
        "ocp-mxfp6-e3m2": _FEW | {"midpoints"},
        "ocp-mxfp8-e4m3": _FEW | {"midpoints", "scale-extremes", "zeros", "nonfinite"},
        "ocp-mxfp8-e5m2": _FEW | {"midpoints", "nonfinite"},
        "ocp-mxint8": _FEW | {"midpoints", "zeros"},
        "auto-round-nvfp4-e5m3": _FEW | {"scale-extremes", "zeros"},
        "ggml-nvfp4": _FEW | {"midpoints", "scale-extremes", "zeros", "nonfinite"},
        "flashinfer-nvfp4": _FEW | {"midpoints", "scale-extremes", "amaxes", "zeros"},
        "razer-4over6": _CHOICE | {"zeros"},
        "fpquant-4over6-mse": _CHOICE | {"zeros"},
    }
)


def plan(
    hunted: Sequence[MutantVector], reported: Sequence[MutantVector]
) -> Iterator[tuple[Recipe, list[Plan]]]:
    """Yield each recipe with its files, in the order of the plan.

    `hunted` and `reported` are the vectors of the mutants, first and second edition; the inputs of those that
    fit a recipe's blocks are its hunt and its reported mistakes.
    """
    for name in PLAN:
        r = PRESETS[name]
        yield r, [_file(r, group, hunted, reported) for group in groups_of(name)]


def groups_of(recipe: str) -> list[str]:
    """Return the groups of a recipe, in order, without those that do not suit it."""
    planned, r = PLAN[recipe], PRESETS[recipe]
    suited = [group for group, g in GROUPS.items() if group in planned and g.suits(r)]
    return [*suited, *((HUNT, REPORTED) if HUNT in planned else ())]


def _file(r: Recipe, group: str, hunted: Sequence[MutantVector], reported: Sequence[MutantVector]) -> Plan:
    if group == HUNT:
        return Plan(HUNT, _HUNT, _hunt(r, hunted))
    if group == REPORTED:
        return Plan(REPORTED, _REPORTED, _hunt(r, reported), edition=2)
    return Plan(group, GROUPS[group].comment, list(GROUPS[group].cases(r)))


def _hunt(r: Recipe, hunted: Sequence[MutantVector]) -> list[Case]:
    """Return the inputs of whole blocks, each once, as many as a file holds."""
    found: dict[bytes, Case] = {}
    blocks = 0
    for v in hunted:
        rows, cols = v.input.x.shape
        count = (rows // r.block_rows) * (cols // r.block_cols)
        view = v.input.buffer is not None
        key = b"%s %s %d %d" % (v.input.x.tobytes(), repr(v.input.amax).encode(), cols, view)
        fits = not (rows % r.block_rows or cols % r.block_cols)
        if fits and key not in found and blocks + count <= MOST_BLOCKS:
            blocks += count
            comment = f"shows the mistake {v.mutant} of {v.sides[0].recipe.name}"
            found[key] = Case(comment=comment, given=v.input, buffer=v.input.buffer)
    return list(found.values())
