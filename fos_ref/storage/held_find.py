"""From the parts of a file to its weights: what shapes and dtypes must be, and why others are none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.conventions import CODES_PER_BYTE
from fos_ref.storage.held import Held, MX_BLOCK, ScaleLayout
from fos_ref.storage.layout import short_shape, swizzled_shape
from fos_ref.storage.parts import BYTES, GGML, Group, groups, NIBBLES, Part, WORDS
from fos_ref.storage.tensor_info import TensorInfo

_GROUP = 16  #: code bytes of a block of 32, which gpt-oss keeps as an axis of its own
_PER_WORD = 8  #: codes in one of MLX's words
_RANK, _STACKED_RANK = 2, 3
_E8M0_DTYPES = ("F8_E8M0", "U8")
_E4M3_DTYPES = ("F8_E4M3", "U8")
_COLS_PER_CODE = {BYTES: CODES_PER_BYTE, NIBBLES: 1, WORDS: _PER_WORD}


@dataclass(frozen=True, slots=True)
class Found:
    """What the names, dtypes and shapes of a file say."""

    weights: list[Held]
    unread: dict[str, str]  #: tensors that look quantized and are neither NVFP4 nor MXFP4: why
    groups: list[Group]  #: all groups, those with a missing part too


@dataclass(frozen=True, slots=True)
class _Form:
    """What the shapes of codes and block scales say."""

    lead: tuple[int, ...]  #: () or (experts,)
    rows: int
    cols: int
    block: int
    layout: ScaleLayout | None
    turned: bool = False

    @property
    def count(self) -> int:
        """How many matrices."""
        return math.prod(self.lead)


def held_weights(tensors: Mapping[str, TensorInfo]) -> Found:
    """Return the NVFP4 and MXFP4 weights among `tensors`, and why others are none."""
    found = Found([], {}, groups(tensors))
    for group in found.groups:
        needed = {Part.CODES} if group.family.name == "gguf" else {Part.CODES, Part.BLOCK_SCALES}
        if needed <= set(group.parts):
            form = _form(group)
            held = form if isinstance(form, str) else _held(group, form)
            if isinstance(held, str):
                found.unread[group.parts[Part.CODES].name] = held
            else:
                found.weights.extend(held)
    return found


def _form(group: Group) -> _Form | str:
    """Return what codes and block scales are, or why they are no weight."""
    codes = group.parts[Part.CODES]
    scales = group.parts.get(Part.BLOCK_SCALES, codes)
    if codes.dtype not in group.family.dtypes:
        return f"codes of dtype {codes.dtype}: {' and '.join(group.family.dtypes)} are read"
    lead, rows, cols = _sides(group, codes)
    if len(lead) > 1 or rows < 0:
        return f"codes of {len(codes.shape)} dimensions: 2, and 3 for stacked experts, are read"
    if not rows or not cols or not math.prod(lead) or cols % BLOCK:
        return f"codes of a weight ({rows}, {cols}): whole blocks of {BLOCK} are read"
    if scales.shape != (*lead, rows, cols // BLOCK) and _turned(codes, scales):
        linear = (BLOCK, ScaleLayout.LINEAR)
        return _Form(lead, codes.shape[-1], codes.shape[-2] * CODES_PER_BYTE, *linear, turned=True)
    told = _told(group, codes, scales, math.prod(lead), (rows, cols))
    return told if isinstance(told, str) else _Form(lead, rows, cols, *told)


def _held(group: Group, form: _Form) -> list[Held] | str:
    """Return the weights of a group, or why its tensor scale is none."""
    codes, tensor_scale = group.parts[Part.CODES], group.parts.get(Part.TENSOR_SCALE)
    scales = group.parts.get(Part.BLOCK_SCALES, codes)
    values = 1 if tensor_scale is None else math.prod(tensor_scale.shape)
    plain = form.layout in (None, ScaleLayout.LINEAR) and not form.turned
    halves = bool(form.lead) and values == 2 * form.count and form.rows % 2 == 0 and plain
    if tensor_scale is not None and (
        tensor_scale.dtype != "F32" or (values not in (1, form.count) and not halves)
    ):
        n = form.count
        allowed = f"one F32, or {n}, or {n} x 2, is read" if form.lead else "one F32 is read"
        return f"a tensor scale {tensor_scale.dtype} {list(tensor_scale.shape)}: {allowed}"
    inside = form.rows * form.cols // form.block
    whole = Held(
        name=group.parameter,
        parameter=group.parameter,
        experts=form.count,
        family=group.family,
        codes=codes,
        block_scales=scales,
        tensor_scale=tensor_scale,
        input_scale=group.parts.get(Part.INPUT_SCALE),
        shape=(form.rows, form.cols),
        block=form.block,
        layout=form.layout,
        turned=form.turned,
        scale_bytes=inside if codes.dtype in GGML else scales.nbytes // form.count,
    )
    if not form.lead:
        return [whole]
    return list(_halves(whole) if halves else _experts(whole, own=values != 1))


def _experts(whole: Held, *, own: bool) -> Iterator[Held]:
    """Return a weight for each expert, with a tensor scale of its own or all with one."""
    for e in range(whole.experts):
        yield replace(
            whole,
            name=f"{whole.name}[{e}]",
            index=(e,),
            tensor_scale_at=e if own else 0,
            first_row=e * whole.shape[0],
            first_scale=e * whole.scale_bytes,
        )


def _halves(whole: Held) -> Iterator[Held]:
    """Return two weights for each expert: the rows of the gate and those of the up projection."""
    rows, size = whole.shape[0] // 2, whole.scale_bytes // 2
    for at in range(2 * whole.experts):
        yield replace(
            whole,
            name=f"{whole.name}[{at // 2}][{at % 2}]",
            index=(at // 2, at % 2),
            tensor_scale_at=at,
            shape=(rows, whole.shape[1]),
            layout=ScaleLayout.LINEAR,
            first_row=at * rows,
            first_scale=at * size,
            scale_bytes=size,
        )


def _sides(group: Group, codes: TensorInfo) -> tuple[tuple[int, ...], int, int]:
    """Return (leading sides, rows, columns of the weight); rows -1 where there are too few sides."""
    shape = codes.shape
    if group.family.name == "gpt-oss":
        if len(shape) < _STACKED_RANK or shape[-1] != _GROUP:
            return (), -1, 0
        shape = (*shape[:-2], shape[-2] * _GROUP)
    if len(shape) < _RANK:
        return (), -1, 0
    return shape[:-2], shape[-2], shape[-1] * (1 if codes.dtype in GGML else _COLS_PER_CODE[codes.dtype])


def _told(
    group: Group, codes: TensorInfo, scales: TensorInfo, count: int, shape: tuple[int, int]
) -> tuple[int, ScaleLayout | None] | str:
    """Return (block, layout) as dtypes and shapes tell them, or why they fit no format."""
    rows, cols = shape
    if codes.dtype in GGML:
        return (BLOCK if codes.dtype == GGML[0] else MX_BLOCK), ScaleLayout.LINEAR
    for block, dtypes in ((BLOCK, _E4M3_DTYPES), (MX_BLOCK, _E8M0_DTYPES)):
        if cols % block or scales.dtype not in dtypes or (block == BLOCK and group.family.name == "gpt-oss"):
            continue
        fits, layout = _layout_of(scales.shape, count, (rows, cols // block))
        if fits:
            return block, layout
    if scales.dtype not in (*_E4M3_DTYPES, *_E8M0_DTYPES):
        return f"block scales of dtype {scales.dtype}: F8_E4M3, F8_E8M0 and U8 are read"
    kind = "MXFP4" if scales.dtype == _E8M0_DTYPES[0] or group.family.name == "gpt-oss" else "NVFP4"
    per = MX_BLOCK if kind == "MXFP4" else BLOCK
    wide = scales.dtype == "F8_E4M3" and math.prod(scales.shape) * MX_BLOCK == count * rows * cols
    return (
        f"block scales {scales.dtype} {list(scales.shape)} for a weight ({rows}, {cols}): "
        f"one for {per} values is read"
        + (f" (one for {MX_BLOCK} is W4A8_NVFP4_FP8, or half of them are gone)" if wide else "")
    )


def _turned(codes: TensorInfo, scales: TensorInfo) -> bool:
    """Return whether stacked codes (E, K/2, N) and scales (E, K/16, N) run down their columns."""
    if len(codes.shape) != _STACKED_RANK or codes.dtype != BYTES or scales.dtype not in _E4M3_DTYPES:
        return False
    count, half, rows = codes.shape
    return half % (BLOCK // CODES_PER_BYTE) == 0 and scales.shape == (
        count,
        half * CODES_PER_BYTE // BLOCK,
        rows,
    )


def _layout_of(
    shape: tuple[int, ...], count: int, linear: tuple[int, int]
) -> tuple[bool, ScaleLayout | None]:
    """Return (whether the scales fit, what their shape says of the layout)."""
    size = math.prod(shape)
    if size % count:
        return False, None
    size //= count
    if size == math.prod(linear):
        return True, ScaleLayout.TRANSPOSED if shape[-2:] == linear[::-1] != linear else None
    if size == math.prod(swizzled_shape(*linear)):
        return True, ScaleLayout.SWIZZLED
    return size == math.prod(short_shape(*linear)), ScaleLayout.SHORT
