"""What is quantized how: every linear layer of the blocks, by a method, a recipe and a draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.ptq.bits import Blocks, blocks, of_rows, rounded
from benchmarks.ptq.seen import READERS, Seen
from benchmarks.ptq.transforms import apply, factors
from benchmarks.ptq.walk import factor, walk
from fos_ref.recipes.recipe import Recipe

ROUNDED = ("rtn", "smoothquant", "awq")
WALKED = {"gptq": False, "gptq-rechosen": True}
METHODS = (*ROUNDED, *WALKED)


@dataclass(frozen=True)
class Layer:
    """A linear layer: the block, the input that it reads, its name in the block."""

    block: int
    name: str
    reads: str

    def weight(self, model: Any) -> Any:
        """Return its weight in a model."""
        return getattr(model.blk[self.block], self.name).weight


def layers(model: Any) -> list[Layer]:
    """Return the linear layers of the blocks."""
    readers = [(name, reader) for name, every in READERS.items() for reader in every]
    return [Layer(b, reader, name) for b in range(len(model.blk)) for name, reader in readers]


def restore(model: Any, original: dict[str, Any]) -> None:
    """Give a model its own weights back."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(original[name])


@torch.no_grad()
def arms(
    model: Any, method: str, recipes: list[Recipe], phases: tuple[float, ...], seen: list[dict[str, Seen]]
) -> Iterator[tuple[Recipe, int]]:
    """Give `model` the weights of each recipe and draw, one after the other; leave it as it was."""
    original = {name: p.clone() for name, p in model.named_parameters()}
    if method in WALKED:
        every = {layer: _walked(model, layer, recipes, phases, seen, method) for layer in layers(model)}
    elif method != ROUNDED[0]:
        apply(model, factors(model, method, seen))
    base = {layer: layer.weight(model).clone() for layer in layers(model)}
    for at, r in enumerate(recipes):
        for draw, phase in enumerate(phases):
            for layer, w in base.items():
                values = every[layer][at, draw] if method in WALKED else rounded(w, r, phase)
                layer.weight(model).copy_(values)
            yield r, draw
    restore(model, original)


def _walked(  # noqa: PLR0917
    model: Any,
    layer: Layer,
    recipes: list[Recipe],
    phases: tuple[float, ...],
    seen: list[dict[str, Seen]],
    method: str,
) -> Any:
    """Return the values (recipes, draws, N, K) of a layer after the walk, all of them at once."""
    w, products = layer.weight(model), seen[layer.block][layer.reads].products
    u, dead, columns = factor(products)
    found = [blocks(w, r, phase) for r in recipes for phase in phases]
    wide = [r.block_cols for r in recipes for _ in phases]
    pairs = list(zip(found, wide, strict=True))
    step = torch.cat([b.step.repeat_interleave(n, -1) for b, n in pairs])
    second = torch.cat([b.second.repeat_interleave(n, -1) for b, n in pairs])
    renew = _renewal(recipes, phases, found, len(w)) if WALKED[method] else None
    out = walk(w.repeat(len(found), 1), u, dead, columns, step, second, renew)
    return out.reshape(len(recipes), len(phases), *w.shape)


def _renewal(recipes: list[Recipe], phases: tuple[float, ...], found: list[Blocks], rows: int) -> Any:
    """Return what gives the scales of a block from the values that the walk has made by then."""
    parts = rows * len(phases)
    amaxes, multipliers = [], []
    for at in range(len(recipes)):
        mine = found[at * len(phases) : (at + 1) * len(phases)]
        device = mine[0].step.device
        amax = torch.tensor([0.0 if b.amax is None else float(b.amax) for b in mine], device=device)
        by = torch.tensor([b.factor for b in mine], device=device)
        amaxes.append(amax.repeat_interleave(rows))
        multipliers.append(by.repeat_interleave(rows))

    def renew(x: Any, _: int) -> tuple[Any, Any]:
        each = zip(recipes, x.split(parts), amaxes, multipliers, strict=True)
        made = [of_rows(part, r, amax, by) for r, part, amax, by in each]
        return torch.cat([e for e, _ in made]), torch.cat([s for _, s in made])

    return renew


def rechosen(recipes: list[Recipe]) -> list[Recipe]:
    """Return the recipes whose scales can be chosen again in a walk here: blocks of 16, no search."""
    return [r for r in recipes if r.block_cols == 16 and r.search is None]  # noqa: PLR2004
