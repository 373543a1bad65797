"""One matrix of the original: read in rows, an expert turned round or rows reordered if need be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fos_ref.formats.arrays import AnyArray, I64
from fos_ref.formats.bits import widen
from fos_ref.storage.held import Held
from fos_ref.storage.shards import Shards
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo

KEPT_VALUES = 1 << 22  #: of a weight that stays in memory between its passes
CHUNK_VALUES = 1 << 20  #: of the original, read at once


@dataclass(slots=True)
class Source:
    """One matrix of the original, padded with zeros to the shape of the codes."""

    file: Shards
    info: TensorInfo
    held: Held
    first: int  #: value of the tensor where the matrix begins
    shape: tuple[int, int]  #: of the matrix as it lies in the file
    turned: bool = False  #: it lies with its columns and rows exchanged
    order: I64 | None = None  #: which of its rows each row of the weight is
    _kept: AnyArray | None = field(default=None)

    @property
    def real(self) -> tuple[int, int]:
        """(N, K) without padding."""
        return self.shape[::-1] if self.turned else self.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its values."""
        found: np.dtype[Any] = NUMPY_DTYPES[self.info.dtype]
        return found

    def rows(self, rows: slice) -> AnyArray:
        """Return rows (R, K) of the weight."""
        if self._kept is not None or self._kept_whole:
            return self._padded(self._whole()[rows], rows)
        cols = self.shape[1]
        stop = min(rows.stop, self.shape[0])
        start = min(rows.start, stop)
        part = self.file.read_values(self.info.name, self.first + start * cols, self.first + stop * cols)
        return self._padded(part.reshape(-1, cols), rows)

    def amax(self) -> np.float32:
        """Return max|x|; NaN where there is one."""
        if self._kept_whole:
            return np.float32(np.abs(widen(self._whole())).max(initial=np.float32(0)))
        amax, size = np.float32(0), self.shape[0] * self.shape[1]
        for at in range(self.first, self.first + size, CHUNK_VALUES):
            stop = min(at + CHUNK_VALUES, self.first + size)
            amax = np.maximum(amax, np.abs(widen(self.file.read_values(self.info.name, at, stop))).max())
        return np.float32(amax)

    def forget(self) -> None:
        """Let go of what was kept."""
        self._kept = None

    @property
    def _kept_whole(self) -> bool:
        """Whether it is read in one piece."""
        moved = self.turned or self.order is not None
        return moved or self.shape[0] * self.shape[1] <= KEPT_VALUES

    def _whole(self) -> AnyArray:
        if self._kept is None:
            size = self.shape[0] * self.shape[1]
            x = self.file.read_values(self.info.name, self.first, self.first + size).reshape(self.shape)
            x = x if self.order is None else x[self.order]
            self._kept = np.ascontiguousarray(x.T) if self.turned else x
        return self._kept

    def _padded(self, part: AnyArray, rows: slice) -> AnyArray:
        short = (rows.stop - rows.start - part.shape[0], self.held.shape[1] - part.shape[1])
        return np.pad(part, ((0, short[0]), (0, short[1]))) if any(short) else part
