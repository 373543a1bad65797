"""The vectors of products in each form of an export: the file itself, arrays, a C header, memories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.export.arrays import constants, memories
from fos_ref.formats.arrays import AnyArray
from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.npz import write_npz

_STEM = "products"


def columns(document: Json) -> dict[str, AnyArray]:
    """Return the vectors as arrays of whole numbers, vectors along the first axis.

    Bytes of all vectors stand one after the other: those of vector i begin at 8 * first_block[i] in the codes
    and at first_block[i] in the scales. `outputs` are 0 where no amax is given.
    """
    vectors = document["vectors"]
    blocks = np.array([v["columns"] // 16 for v in vectors], np.uint32)
    found: dict[str, AnyArray] = {
        "first_block": (np.cumsum(blocks) - blocks).astype(np.uint32),
        "blocks": blocks,
        "exact_bits": np.array([int(v["exact_bits"], 16) for v in vectors], np.uint64),
        "amax_given": np.array([v["outputs"] is not None for v in vectors], np.uint8),
    }
    for side in ("a", "b"):
        for part in ("codes", "block_scales"):
            text = " ".join(v[side][part] for v in vectors)
            found[f"{side}_{part}"] = np.array([int(w, 16) for w in text.split(" ")], np.uint8)
        found[f"{side}_amax"] = _words([v[side]["amax_bits"] or "0" for v in vectors])
    for level in ("block", "element"):
        found[f"certified_{level}"] = np.array([v["certified"][level] for v in vectors], np.uint8)
    for kind in ("accumulators", "outputs"):
        for name in _names(vectors, kind):
            words = _words([(v[kind] or {}).get(name, "0") for v in vectors])
            found[f"{kind}_{name}".replace("-", "_")] = words
    return found


def _names(vectors: list[Json], kind: str) -> list[str]:
    return sorted({name for v in vectors for name in v[kind] or {}})


def _words(text: list[str]) -> AnyArray:
    return np.array([int(w, 16) for w in text], np.uint32)


def _json(document: Json) -> dict[str, bytes]:
    return {f"{_STEM}/{_STEM}.json": canonical(document)}


def _npz(document: Json) -> dict[str, bytes]:
    ids = "".join(f"{v['id']}\n" for v in document["vectors"]).encode("ascii")
    return {f"{_STEM}/{_STEM}.npz": write_npz(columns(document) | {"ids": np.frombuffer(ids, np.uint8)})}


def _memh(document: Json) -> dict[str, bytes]:
    return memories(_STEM, columns(document))


def _c(document: Json) -> dict[str, bytes]:
    return {f"{_STEM}/fos_{_STEM}.h": "\n".join(_header(document)).encode("ascii")}


def _header(document: Json) -> Iterator[str]:
    vectors = document["vectors"]
    yield "/* Golden vectors of products: fos_ref/export/products.py says what each array holds. */"
    yield from ("#ifndef FOS_PRODUCTS_H", "#define FOS_PRODUCTS_H", "", "#include <stdint.h>", "")
    yield f"#define FOS_PRODUCT_COUNT {len(vectors)}"
    yield "static const char *const fos_product_id[FOS_PRODUCT_COUNT] = {"
    yield from (f'    "{v["id"]}",' for v in vectors)
    yield "};"
    yield from constants("fos_product", columns(document))
    yield from ("", "#endif", "")


FORMS: Mapping[str, Callable[[Json], dict[str, bytes]]] = MappingProxyType(
    {"json": _json, "npz": _npz, "memh": _memh, "c": _c}
)


def product_files(form: str, document: Json) -> dict[str, bytes]:
    """Return the files of one form by name."""
    return FORMS[form](document)
