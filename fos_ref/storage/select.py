"""Which tensors of a checkpoint are quantized, and why the others are left as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fos_ref.arguments import is_a
from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import SUFFIX
from fos_ref.storage.tensor_info import TensorInfo

FLOATS = ("F32", "F16", "BF16")
_RANK = 2
_STACK = 3  #: axes of a stack of experts: (E, N, K) or (E, K, N)
#: What a stack of experts is called: by transformers, by Mixtral, by vLLM.
EXPERTS = (
    "gate_up_proj",
    "down_proj",
    "gate_proj",
    "up_proj",
    "w1",
    "w2",
    "w3",
    "w13_weight",
    "w2_weight",
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """Which tensors are taken besides matrices of whole blocks."""

    stacks: bool = False  #: stacks of experts
    transposed: bool = False  #: which lie as (E, K, N)
    padding: bool = False  #: rows that are no whole number of blocks
    also_left: Sequence[str] = ()  #: globs of names that the readers of a convention want as they are


MATRICES = Taking()


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

    def why_left(self, info: TensorInfo, r: Recipe, taking: Taking = MATRICES) -> str | None:
        """Return why a tensor is copied unchanged; None when it is quantized."""
        stack = taking.stacks and self.is_stack(info)
        if not stack and not info.name.endswith(SUFFIX):
            return f"its name does not end in {SUFFIX}"
        if self.include and not _match(info.name, self.include):
            return "not included"
        by_default = () if self.include else (*DEFAULT_EXCLUDE, *taking.also_left)
        excluded = _match(info.name, (*self.exclude, *by_default))
        if excluded:
            return f"excluded by {excluded}"
        if not stack and len(info.shape) != _RANK:
            return f"{len(info.shape)}-D"
        rows, cols = info.shape[-2:]
        if stack and taking.transposed:
            rows, cols = cols, rows
        return _unfit(info, (rows, cols), r.block_rows, 1 if taking.padding else r.block_cols)

    def is_stack(self, info: TensorInfo) -> bool:
        """Return whether a tensor is a stack of experts: by three axes, and its name or `include`."""
        if len(info.shape) != _STACK:
            return False
        module = info.name.removesuffix(SUFFIX)
        named = module.rpartition(".")[2] in EXPERTS or (
            info.name.endswith(SUFFIX) and "experts" in module.split(".")
        )
        return named or _match(info.name, self.include) is not None

    def reasons(
        self, tensors: Mapping[str, TensorInfo], r: Recipe, taking: Taking = MATRICES
    ) -> dict[str, str | None]:
        """Return `why_left` of every tensor, by name."""
        return {name: self.why_left(info, r, taking) for name, info in tensors.items()}


def _match(name: str, globs: Sequence[str]) -> str | None:
    return next((g for g in globs if fnmatchcase(name, g)), None)


def unfit(info: TensorInfo, rows: int, cols: int) -> str | None:
    """Return what keeps a tensor from being cut into blocks of (rows, cols) values; None if it fits."""
    if len(info.shape) != _RANK:
        return f"{len(info.shape)}-D"
    return _unfit(info, (info.shape[0], info.shape[1]), rows, cols)


def _unfit(info: TensorInfo, shape: tuple[int, int], rows: int, cols: int) -> str | None:
    if info.dtype not in FLOATS:
        return f"dtype {info.dtype}"
    if not info.nbytes:
        return "empty"
    if shape[1] % cols:
        last = "last axis" if shape == info.shape[-2:] else "middle axis"
        return f"{last} {shape[1]} is not a multiple of {cols}"
    if shape[0] % rows:
        return f"{shape[0]} rows are not a multiple of {rows}"
    return None
