"""What an adapter offers, and the bridges from NumPy to torch that all of them need."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import fos_ref
from fos_ref.recipes import Recipe


class PeerMissing(Exception):  # noqa: N818 -- not an error: the test is skipped with this reason
    """The peer's program is not on this machine; the message says what to install or set."""


@dataclass(frozen=True)
class Output:
    """What a peer made of one tensor (R, C)."""

    codes: np.ndarray  #: uint8 (R, C/2), element 2j in the low nibble
    block_scales: np.ndarray  #: uint8 (R, C / columns of a block), linear
    picked4: np.ndarray | None  #: bool, as block_scales, where the peer tells


@dataclass(frozen=True)
class Release:
    """Where the released program is not the commit that the preset states: on these blocks, in these axes."""

    why: str
    blocks: Callable[[Output], np.ndarray]  #: bool (R, B): the only blocks that may differ from the preset
    axes: Mapping[str, Any]  #: with these the recipe is the release's own, on every block


@dataclass(frozen=True)
class Library:
    """Where a program's bits are those of a library that leaves the last one open."""

    why: str
    arithmetic: Callable[[], AbstractContextManager[None]]  #: within it the model calls that library


class Peer:
    """One project's program.

    `presets` maps our preset names to the peer's own arguments: data, no code per preset.
    """

    name: str
    version: str
    exact = True  #: every byte has to be equal
    dtypes = ("float32", "bfloat16", "float16")
    in_ci = (
        True  #: False: no package has the program, so its presets are `read`, whatever a run by hand shows
    )
    presets: Mapping[str, Mapping[str, Any]]
    #: Preset -> the dtypes for which it states the program, where they are not all.
    stated: Mapping[str, tuple[str, ...]] = {}
    slow: frozenset[str] = frozenset()  #: presets of a search, which meet the least number of blocks
    #: Preset -> codes of a block whose scale is NaN, where the NaN's sign and payload choose among them.
    nan_codes: Mapping[str, tuple[int, ...]] = {}
    releases: Mapping[str, Release] = {}
    libraries: Mapping[str, Library] = {}
    #: Tensor of edges.py -> why the program parts there from what any axis can state.
    apart: Mapping[str, str] = {}
    #: Preset -> (block amaxes (R, B)) -> where the program converts infinity or NaN to an integer: no bits.
    undefined: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {}

    def released(self, preset: str) -> Recipe:
        """Return the recipe of the released program: the preset, but for what `releases` names."""
        recipe = fos_ref.recipe(preset)
        return replace(recipe, **self.releases[preset].axes) if preset in self.releases else recipe

    def load(self) -> Any:
        """Raise PeerMissing where the program is not here; AssertionError where it is another version."""
        raise NotImplementedError

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        """Quantize x, of one of `dtypes`, by the peer; `amax` () or (R,) in place of the tensor's own."""
        raise NotImplementedError


def installed(distribution: str, version: str) -> metadata.Distribution:
    """Return the installed distribution, which has to be exactly `version`."""
    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        msg = f"{distribution} is not installed; this comparison needs {distribution}=={version}"
        raise PeerMissing(msg) from None
    assert found.version == version, f"{distribution} {found.version} is installed, not {version}"
    return found


def checkout(variable: str, version: str, sha256: Mapping[str, str]) -> Path:
    """Return the folder that an environment variable names, which has to hold exactly these files."""
    root = Path(os.environ.get(variable, ""))
    if not os.environ.get(variable) or not all((root / file).is_file() for file in sha256):
        msg = f"{variable}={str(root)!r} has no {', '.join(sha256)}: a checkout of {version} is needed"
        raise PeerMissing(msg)
    for file, digest in sha256.items():
        found = hashlib.sha256((root / file).read_bytes()).hexdigest()
        assert found == digest, f"{root / file} is not the file of commit {version}"
    return root


def needs_torch() -> None:
    """Raise PeerMissing where torch is not installed; keep it to one thread.

    The bits are the same with more, but spinning threads on busy cores are far slower than one.
    """
    try:
        import torch  # noqa: PLC0415
    except ImportError:
        msg = "torch is not installed; every peer here is a torch program"
        raise PeerMissing(msg) from None
    torch.set_num_threads(1)


def vector_unit() -> bool:
    """Return whether torch's kernels run on AVX2 or AVX-512, whose NaN results carry the sign bit."""
    import torch  # noqa: PLC0415

    return torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


def to_torch(x: np.ndarray) -> Any:
    """Return a CPU torch tensor with the bits of `x`, its own copy."""
    import torch  # noqa: PLC0415

    x = np.array(x)  # a copy; a scalar becomes 0-d
    if x.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x)


def scale_bytes(scales: Any) -> np.ndarray:
    """Return the bytes of a float8_e4m3fn tensor."""
    import torch  # noqa: PLC0415

    return scales.contiguous().view(torch.uint8).numpy()
