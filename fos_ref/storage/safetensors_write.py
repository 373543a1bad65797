"""Writing safetensors as a stream: every shape is known first, the header goes out first, then chunks.

The file takes its name only when it is whole and on the disk (see fos_ref/publish). After any failure, an
interrupt included, nothing is left and an earlier target is as it was.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import numpy as np

from fos_ref.errors import CheckpointError
from fos_ref.formats.arrays import AnyArray
from fos_ref.publish.publication import Publication
from fos_ref.publish.targets import one_file
from fos_ref.storage.safetensors_read import LENGTH_BYTES, METADATA
from fos_ref.storage.tensor_info import TensorInfo

MAX_HEADER = 100_000_000  #: the largest header that the safetensors package reads
_ALIGNMENT = MappingProxyType(
    {
        "F64": 8,
        "I64": 8,
        "U64": 8,
        "C64": 8,
        "F32": 4,
        "I32": 4,
        "U32": 4,
        "F16": 2,
        "BF16": 2,
        "I16": 2,
        "U16": 2,
    }
)


def check_names(path: Path, infos: Iterable[TensorInfo]) -> None:
    """Raise CheckpointError unless each tensor has a name of its own."""
    seen = {METADATA}
    for info in infos:
        if info.name in seen:
            msg = f"{path}: two tensors would be called {info.name!r}"
            raise CheckpointError(msg)
        seen.add(info.name)


class SafetensorsWriter:
    """Write the tensors `infos` to `path`. Use it as a context manager; leaving it publishes the file.

    Tensors lie in the file by falling alignment, then by name, so that each starts on its own alignment.
    `write` may switch between tensors; each tensor's chunks come in order.
    inputs: what is read meanwhile, which `path` must not be
    within: the publication of several files that this is one of, which publishes it; it decides on
            `overwrite` and `inputs`
    Raises: InputError and OSError as `Publication`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        infos: Sequence[TensorInfo],
        metadata: Mapping[str, str],
        *,
        inputs: Sequence[Path] = (),
        overwrite: bool = False,
        within: Publication | None = None,
    ) -> None:
        self.path = Path(path)
        self._infos = infos
        self._header = self._lay_out(infos, metadata)
        self._next, self._left = _places(infos, len(self._header))
        self._own = within is None
        self._out = within or Publication(one_file(self.path, inputs=inputs, overwrite=overwrite))
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            if self._own:
                stack.enter_context(self._out)
            self._file = self._out.open(self.path.name)
            with self._out.naming(self.path.name):
                self._file.write(self._header)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        if kind is not None:
            self._open.__exit__(kind, e, tb)
            return
        with self._open:
            missing = [name for name, left in self._left.items() if left]
            assert not missing, f"tensors not written to their end: {missing}"

    def describe(self, metadata: Mapping[str, str]) -> None:
        """Replace the metadata by others that take as many bytes: where some are known at the end only."""
        header = self._lay_out(self._infos, metadata)
        assert len(header) == len(self._header), f"{len(header)} bytes of header, not {len(self._header)}"
        with self._out.naming(self.path.name):
            self._file.seek(0)
            self._file.write(header)

    def write(self, name: str, data: AnyArray) -> None:
        """Append the bytes of `data` to the tensor called `name`."""
        raw = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        assert raw.size <= self._left[name], f"{name}: {raw.size} bytes, {self._left[name]} are left"
        with self._out.naming(self.path.name):
            self._file.seek(self._next[name])
            self._file.write(raw.data)
        self._next[name] += raw.size
        self._left[name] -= raw.size

    def _lay_out(self, infos: Sequence[TensorInfo], metadata: Mapping[str, str]) -> bytes:
        check_names(self.path, infos)
        header: dict[str, object] = {METADATA: dict(metadata)} if metadata else {}
        places, _ = _places(infos, 0)
        for info in _in_order(infos):
            offsets = (places[info.name], places[info.name] + info.nbytes)
            header[info.name] = {"dtype": info.dtype, "shape": info.shape, "data_offsets": offsets}
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % LENGTH_BYTES)
        if len(text) > MAX_HEADER:
            msg = f"{self.path}: the header would take {len(text)} bytes; readers take {MAX_HEADER}"
            raise CheckpointError(msg)
        return len(text).to_bytes(LENGTH_BYTES, "little") + text


def _in_order(infos: Iterable[TensorInfo]) -> list[TensorInfo]:
    """Return tensors as they lie in the file."""
    return sorted(infos, key=lambda i: (-_ALIGNMENT.get(i.dtype, 1), i.name))


def _places(infos: Iterable[TensorInfo], first: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return where each tensor begins, the first of them at `first`, and how many bytes it takes."""
    places, sizes, offset = dict[str, int](), dict[str, int](), first
    for info in _in_order(infos):
        places[info.name], sizes[info.name] = offset, info.nbytes
        offset += info.nbytes
    return places, sizes
