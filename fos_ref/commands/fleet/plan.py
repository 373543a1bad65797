"""`fos fleet plan`: what will be made of which shards, from their headers."""

from __future__ import annotations

from typing import Annotated, Any, TYPE_CHECKING

import typer

from fos_ref.commands.fleet.options import Source, Target
from fos_ref.commands.options import AsJson, CONVENTIONS, one_of, RecipeName
from fos_ref.commands.output import say_json
from fos_ref.commands.quantize import Exclude, Experts, Include, Padded, Share

if TYPE_CHECKING:
    from fos_ref.fleet.plan import Fleet

_GIB = 1 << 30


def plan(  # noqa: PLR0917 -- typer reads the parameters
    source: Source,
    target: Target,
    recipe: RecipeName = "4over6",
    convention: Annotated[str, one_of(CONVENTIONS, "How the output is laid out.")] = "modelopt",
    include: Include = None,
    exclude: Exclude = None,
    share: Share = "none",
    padding: Padded = False,  # noqa: FBT002 -- a switch
    experts: Experts = None,
    new: Annotated[  # noqa: FBT002
        bool, typer.Option("--new", help="Replace another plan; shards that it leaves the same stay made.")
    ] = False,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Plan the quantization of a checkpoint of many shards.

    Reads headers, the index and config.json, and no weight: from object
    storage by range requests. Writes DST/.fos/plan.json. The options are
    those of `fos quantize`, and so is every byte of the output.
    """
    from fos_ref.engines.conversion.asked import Asked
    from fos_ref.fleet.places.find import origin, place
    from fos_ref.fleet.planning import make_plan
    from fos_ref.recipes.catalog import recipe as get_recipe
    from fos_ref.report.console import output, plain
    from fos_ref.storage.conventions import convention as get_convention
    from fos_ref.storage.select import Selection

    r = get_recipe(recipe)
    asked = Asked.checked(
        r,
        get_convention(convention, r),
        selection=Selection(tuple(include or ()), tuple(exclude or ())),
        share=share,
        padding=padding,
        experts=experts,
    )
    made = make_plan(origin(source), place(target), asked, new=new)
    if as_json:
        say_json(_document(made, target))
    else:
        output().print(*map(plain, _lines(made, target)), sep="\n")


def _document(made: Fleet, target: str) -> dict[str, Any]:
    return {
        "plan": made.id,
        "source": made.source,
        "target": target,
        "recipe": made.recipe().name,
        "shards": len(made.parts),
        "bytes": made.nbytes,
        "largest_tensor": made.largest_tensor,
        "hashes_listed": _listed(made),
    }


def _lines(made: Fleet, target: str) -> tuple[str, str]:
    size = f"{made.nbytes / _GIB:.2f} GiB, the largest tensor {made.largest_tensor / _GIB:.2f} GiB"
    listed = f"{_listed(made)} with a published sha256; recipe {made.recipe().name}"
    first = f"plan {made.id[:12]}: {len(made.parts)} shards, {size}, {listed}"
    return first, f"next: fos fleet run {target}"


def _listed(made: Fleet) -> int:
    """Return of how many shards a list of hashes lies beside the source."""
    return sum(p.sha256 is not None for p in made.parts.values())
