"""What becomes of each tensor: chosen from names, dtypes and shapes, before a value is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fos_ref.engines.conversion.asked import Asked
from fos_ref.engines.conversion.source import Origin
from fos_ref.engines.conversion.units import Unit, Weight
from fos_ref.errors import CheckpointError, InputError
from fos_ref.storage.conventions import GPT_OSS, SUFFIX
from fos_ref.storage.folders import safetensors_of
from fos_ref.storage.manifest import PREFIX
from fos_ref.storage.select import Taking
from fos_ref.storage.shards import Shards
from fos_ref.storage.tensor_info import TensorInfo

#: The readers of a convention that want more left as it is: those of gpt-oss take stacks of experts only.
_ALSO_LEFT: Mapping[str, Sequence[str]] = {GPT_OSS.name: ("*self_attn*",)}
_MATRIX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is quantized, and what is copied unchanged, with the reason."""

    asked: Asked
    tensors: Mapping[str, TensorInfo]
    left: Mapping[str, str | None]  #: why each tensor is copied; None for a weight
    weights: Mapping[str, Weight]
    orientation: str | None  #: how the experts of stacks lie; None where there are none

    @classmethod
    def of(cls, shards: Shards, origin: Origin, asked: Asked) -> Plan:
        """Choose. Raises: CheckpointError for a file quantized already, InputError without a weight."""
        for file in safetensors_of(shards):
            refuse_quantized(file.metadata, file.path)
        stacks = any(asked.selection.is_stack(i) for i in shards.tensors.values())
        lie = orientation_of(asked, stacks=stacks, transposed=origin.inputs_lie_transposed, where=origin.path)
        return cls.chosen(shards.tensors, asked, lie).with_a_weight(origin.path)

    @classmethod
    def chosen(cls, tensors: Mapping[str, TensorInfo], asked: Asked, orientation: str | None) -> Plan:
        """Choose among tensors, of one shard perhaps, whose stacks of experts lie as told."""
        stacks = {n for n, i in tensors.items() if asked.selection.is_stack(i)}
        turned = orientation == "in-out"
        taking = Taking(
            stacks=True,
            transposed=turned,
            padding=asked.padding,
            also_left=_ALSO_LEFT.get(asked.convention.name, ()),
        )
        left = asked.selection.reasons(tensors, asked.recipe, taking)
        weights = {
            name: Weight(
                info=info,
                experts=info.shape[0] if name in stacks else None,
                transposed=turned and name in stacks,
                block=asked.convention.block,
            )
            for name, info in tensors.items()
            if left[name] is None
        }
        taken = orientation if stacks & set(weights) else None
        return cls(asked=asked, tensors=tensors, left=left, weights=weights, orientation=taken)

    def with_a_weight(self, where: object) -> Plan:
        """Return itself. Raises: InputError where nothing is to be quantized."""
        if not self.weights:
            msg = f"{where}: none of its {len(self.left)} tensors is to be quantized: {_tally(self.left)}"
            raise InputError(msg)
        return self

    @property
    def units(self) -> list[Unit]:
        """Every matrix that is quantized, in order."""
        return [u for w in self.weights.values() for u in w.units()]

    def nbytes(self) -> int:
        """Return the bytes that are read: those of a weight twice, once a pass."""
        return sum(i.nbytes * (1 if self.left[n] else 2) for n, i in self.tensors.items())

    def modules_left(self) -> list[str]:
        """Return the modules whose weight is a matrix or a stack that stays as it is."""
        left = [i for n, i in self.tensors.items() if self.left[n] and len(i.shape) >= _MATRIX]
        kept = {i.name.removesuffix(SUFFIX) for i in left if i.name.endswith(SUFFIX)}
        stacks = {
            i.name.rpartition(".")[0]
            for i in left
            if not i.name.endswith(SUFFIX) and self.asked.selection.is_stack(i)
        }
        taken = {name.removesuffix(SUFFIX).rpartition(".")[0] for name in self.weights}
        return sorted(kept | stacks - taken)


def refuse_quantized(metadata: Mapping[str, str], path: object) -> None:
    """Raise CheckpointError for the metadata of a file that is quantized already."""
    if any(key.startswith(PREFIX) for key in metadata):
        msg = f"{path} has a recipe manifest: it is quantized already"
        raise CheckpointError(msg)


def orientation_of(
    asked: Asked, *, stacks: bool, transposed: Callable[[], bool], where: object
) -> str | None:
    """Return how the experts lie, as asked for or as the configuration says; None without stacks.

    transposed: whether the configuration says that they lie as (E, K, N)
    Raises:     InputError where a way is asked for and there are no stacks
    """
    if asked.experts is not None and not stacks:
        msg = f"experts {asked.experts!r}: {where} holds no stack of experts: one that does is allowed"
        raise InputError(msg)
    if not stacks or asked.experts is not None:
        return asked.experts
    return "in-out" if transposed() else "out-in"


def _tally(left: Mapping[str, str | None]) -> str:
    """Count the reasons: '3 excluded by *embed*, 2 1-D'."""
    reasons: Sequence[str] = [why for why in left.values() if why]
    return ", ".join(f"{reasons.count(why)} {why}" for why in dict.fromkeys(reasons)) or "the file is empty"
