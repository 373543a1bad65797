"""Which tensors of a checkpoint are quantized, and why the others are left as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fos_ref.arguments import is_a
from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.storage.conventions import SUFFIX
from fos_ref.storage.safetensors_read import TensorInfo

FLOATS = ("F32", "F16", "BF16")
_RANK = 2
LONGEST_GLOB = 4096  #: characters: its regular expression takes time to build

#: Names left alone unless `include` says otherwise: embeddings, output heads and the routers of mixtures of
#: experts. ModelOpt disables these by name (embeddings by module class); llm-compressor's recipes quantize
#: Linear modules and ignore lm_head. A checkpoint knows names only, so globs stand for the classes.
DEFAULT_EXCLUDE = (
    "*embed*",
    "shared.weight",
    "*wte.weight",
    "*wpe.weight",
    "*lm_head*",
    "*output_layer*",
    "*proj_out.*",
    "output.*",
    "*router*",
    "*block_sparse_moe.gate*",
    "*mlp.gate.*",
    "*mlp.shared_expert_gate.*",
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Globs over tensor names. `include`, when given, also sets the default exclusions aside."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        for globs in (self.include, self.exclude):
            if not is_a(globs, (tuple, list)) or not all(is_a(g, str) for g in globs):
                msg = f"globs {shown(globs)}: a list of texts is allowed"
                raise InputError(msg)
        for glob in (*self.include, *self.exclude):
            if len(glob) > LONGEST_GLOB:
                msg = f"a glob has {len(glob):,} characters: at most {LONGEST_GLOB:,} are allowed"
                raise InputError(msg)

    def why_left(self, info: TensorInfo, r: Recipe) -> str | None:
        """Return why a tensor is copied unchanged; None when it is quantized."""
        if not info.name.endswith(SUFFIX):
            return f"its name does not end in {SUFFIX}"
        if self.include and not _match(info.name, self.include):
            return "not included"
        excluded = _match(info.name, (*self.exclude, *(() if self.include else DEFAULT_EXCLUDE)))
        return f"excluded by {excluded}" if excluded else unfit(info, r.block_rows, BLOCK)

    def reasons(self, tensors: Mapping[str, TensorInfo], r: Recipe) -> dict[str, str | None]:
        """Return `why_left` of every tensor, by name."""
        return {name: self.why_left(info, r) for name, info in tensors.items()}


def _match(name: str, globs: Sequence[str]) -> str | None:
    return next((g for g in globs if fnmatchcase(name, g)), None)


def unfit(info: TensorInfo, rows: int, cols: int) -> str | None:
    """Return what keeps a tensor from being cut into blocks of (rows, cols) values; None if it fits."""
    if len(info.shape) != _RANK:
        return f"{len(info.shape)}-D"
    if info.dtype not in FLOATS:
        return f"dtype {info.dtype}"
    if not info.nbytes:
        return "empty"
    if info.shape[1] % cols:
        return f"last axis {info.shape[1]} is not a multiple of {cols}"
    if info.shape[0] % rows:
        return f"{info.shape[0]} rows are not a multiple of {rows}"
    return None
