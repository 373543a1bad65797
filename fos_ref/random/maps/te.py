"""The maps of TransformerEngine: a cuRAND state for each thread, a draw of four words for each block of 16.

A kernel's thread takes its words in program order. So the place of a block decides the thread, and how many
blocks the thread has rounded before decides the draw.
"""

from __future__ import annotations

from types import MappingProxyType

from fos_ref.formats.arrays import I64
from fos_ref.random.maps.wordmap import Asked, Places, sequence_draws, WordMap

_SOURCE = "NVIDIA/TransformerEngine@d0067d0d:transformer_engine/common/"
_TILE = 128
_MOST_TILES = 8  #: token tiles that one work item of the fused kernel takes
_STREAMS = 512  #: sequences set aside for each tile
_FIRST_ROW_THREAD, _FIRST_COLUMN_THREAD = 256, 128
_HALF_WARP = 16


def _fused_tile(tokens: I64, features: I64, shape: tuple[int, int]) -> tuple[I64, I64]:
    """Return (k, lin * kmax) of the fused kernel's work item of each 128x128 tile of (tokens, features)."""
    rows, columns = shape
    most = min(-(-rows // _TILE), _MOST_TILES)
    tile = tokens // _TILE
    linear = features // _TILE + tile // most * -(-columns // _TILE)
    return tile % most, linear * most


def _fused_row(asked: Asked) -> Places:
    """Return the places of x's own rows, (tokens, features): a thread has 64 features of a token."""
    column = 4 * asked.groups
    k, before = _fused_tile(asked.rows, column, asked.shape)
    thread = 2 * (asked.rows % _TILE) + column % _TILE // 64
    sequence = _FIRST_ROW_THREAD + thread + (k + 1 + before) * _STREAMS
    return sequence_draws(asked, sequence, column % 64 // 16, asked.groups % 4)


def _fused_column(asked: Asked) -> Places:
    """Return the places of the rotated x^T, (features, tokens): a thread has 128 tokens of a feature."""
    token = 4 * asked.groups
    features, tokens = asked.shape
    k, before = _fused_tile(token, asked.rows, (tokens, features))
    sequence = _FIRST_COLUMN_THREAD + asked.rows % _TILE + (k + before) * _STREAMS
    return sequence_draws(asked, sequence, token % _TILE // 16, asked.groups % 4)


def _thread(asked: Asked, thread: I64, row: I64, column: I64, columns: int) -> I64:
    """Return the sequence of a thread of the 128x128 tile that holds (row, column) of x."""
    del asked
    return thread + _TILE * (column // _TILE) + _TILE * -(-columns // _TILE) * (row // _TILE)


def _upper_first(group: I64, thread: I64) -> I64:
    """Return which word a group of four has: lanes 16 to 31 round the upper eight of a block first."""
    return (group % 4) ^ (2 * (thread % 32 // _HALF_WARP))


def _tuned_row(asked: Asked) -> Places:
    """Return the places of x's rows: four stages of 64x64, in each two iterations of 32 rows."""
    row, column = asked.rows, 4 * asked.groups
    thread = 4 * (row % 32) + column % 64 // 16
    stage = 2 * (row % _TILE // 64) + column % _TILE // 64
    draws = 4 if asked.options["copies"] == "both" else 2  # of a stage; the columns come after the rows
    sequence = _thread(asked, thread, row, column, asked.shape[1])
    draw = draws * stage + row % 64 // 32
    return sequence_draws(asked, sequence, draw, _upper_first(asked.groups, thread))


def _tuned_column(asked: Asked) -> Places:
    """Return the places of x^T's rows, (features, tokens): a thread has two features of 16 tokens."""
    row, column = 4 * asked.groups, asked.rows  # of x
    lane = column % 64 // 2
    warp = (row % 64 // 16 - lane // 2) % 4
    stage = 2 * (row % _TILE // 64) + column % _TILE // 64
    sequence = _thread(asked, 32 * warp + lane, row, column, asked.shape[0])
    return sequence_draws(asked, sequence, 4 * stage + 2 + column % 2, asked.groups % 4)


def _general_row(asked: Asked) -> Places:
    """Return the places of x's rows: four stages of 32x128, the columns before the rows."""
    row, column = asked.rows, 4 * asked.groups
    thread = 8 * (row % 16) + column % _TILE // 16
    both = asked.options["copies"] == "both"
    draw = (4 if both else 2) * (row % _TILE // 32) + (2 if both else 0) + row % 32 // 16
    sequence = _thread(asked, thread, row, column, asked.shape[1])
    return sequence_draws(asked, sequence, draw, _upper_first(asked.groups, thread))


def _general_column(asked: Asked) -> Places:
    """Return the places of x^T's rows, (features, tokens): a thread has one feature."""
    row, column = 4 * asked.groups, asked.rows  # of x
    draw = 4 * (row % _TILE // 32) + row % 32 // 16
    sequence = _thread(asked, column % _TILE, row, column, asked.shape[0])
    return sequence_draws(asked, sequence, draw, asked.groups % 4)


_COPIES = MappingProxyType({"copies": ("both", "row")})
_FUSED = "hadamard_transform/row_cast_col_hadamard_transform_cast_fusion.cu"
_TUNED = "cast/nvfp4/specialized/quantize_transpose_nvfp4_tuned_1D.cuh"
_GENERAL = "cast/nvfp4/quantize_transpose_nvfp4.cuh"

TE_MAPS = (
    WordMap(
        name="te-fused-row",
        source=f"{_SOURCE}{_FUSED}",
        multiple=(64, 128),
        place=_fused_row,
        shares="none",
    ),
    WordMap(
        name="te-fused-column",
        source=f"{_SOURCE}{_FUSED}",
        multiple=(128, 64),
        place=_fused_column,
        shares="none",
    ),
    WordMap(
        name="te-tuned-row",
        source=f"{_SOURCE}{_TUNED}",
        place=_tuned_row,
        options=_COPIES,
        shares="none",
    ),
    WordMap(name="te-tuned-column", source=f"{_SOURCE}{_TUNED}", place=_tuned_column, shares="none"),
    WordMap(
        name="te-general-row",
        source=f"{_SOURCE}{_GENERAL}",
        place=_general_row,
        options=_COPIES,
        shares="none",
    ),
    WordMap(name="te-general-column", source=f"{_SOURCE}{_GENERAL}", place=_general_column, shares="none"),
)
