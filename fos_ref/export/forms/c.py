"""One C header a recipe: types, axes and arrays of whole numbers; with it a checker and a plain quantizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fos_ref.errors.text import in_ascii
from fos_ref.export.columns import BLOCKS, Column, DTYPE_NUMBERS, TABLES, VECTORS
from fos_ref.export.source import Source, static
from fos_ref.export.tables import Row, Tables
from fos_ref.recipes.recipe import plain_values, Recipe
from fos_ref.vectors.bits import Json

_WORDS_A_LINE = 8


def c_files(source: Source) -> dict[str, bytes]:
    """Return the headers of the recipes and the C sources, by name."""
    found = static("c")
    return found | {f"{t.recipe.name}.h": _header(t, source).encode("ascii") for t in source.tables()}


def _header(t: Tables, source: Source) -> str:
    chains = source.chains.get(t.recipe.name, ())
    lines = [*_head(t, source), *_types(t.recipe), *_data(t), *_chains(chains), "", "#endif", ""]
    return "\n".join(lines)


def _head(t: Tables, source: Source) -> Iterator[str]:
    r = t.recipe
    axes = {k: "" if v is None else str(v) for k, v in plain_values(r.axes()).items()}
    yield f"/* Golden vectors of the recipe {r.name}, written by `fos golden export`."
    yield " * Its arrays are there for FOS_VECTORS_DATA, the digests of the chains for FOS_CHAINS_DATA. */"
    yield "#ifndef FOS_VECTORS_H"
    yield "#define FOS_VECTORS_H"
    yield ""
    yield "#include <stdint.h>"
    yield ""
    yield f"#define FOS_RECIPE {_quoted(r.name)}"
    yield f'#define FOS_FINGERPRINT "{r.fingerprint()}"'
    yield f"#define FOS_SOURCE {_quoted(source.named())}"
    yield f"#define FOS_BLOCK_ROWS {r.block_rows}"
    yield f"#define FOS_BLOCK_COLS {r.block_cols}"
    yield f"#define FOS_CODES_PER_BYTE {r.codes_per_byte}"
    yield f"#define FOS_ELEMENTS {r.block_rows * r.block_cols}"
    yield f"#define FOS_VECTOR_COUNT {t.rows('vectors')}"
    yield f"#define FOS_BLOCK_COUNT {t.rows('blocks')}"
    yield f"#define FOS_FLAG_COUNT {len(t.flags())}"
    yield f"#define FOS_AXIS_COUNT {len(axes)}"
    yield ""
    yield "/* Every axis of the recipe; an empty value: it has no meaning here. */"
    yield "static const struct {"
    yield "    const char *axis, *value;"
    yield "} FOS_AXES[FOS_AXIS_COUNT] = {"
    yield from (f"    {{{_quoted(axis)}, {_quoted(value)}}}," for axis, value in axes.items())
    yield "};"


def _types(r: Recipe) -> Iterator[str]:
    yield from ("", "/* A vector: an input, and which blocks it gives. */", "typedef struct {")
    yield "    const char *id, *flags, *comment;"
    yield from (_member(c, r) for c in VECTORS)
    yield from ("} fos_vector;", "", "/* A block, in the order of the arithmetic. */", "typedef struct {")
    yield from (_member(c, r) for c in BLOCKS)
    yield from ("} fos_block;", "")
    yield "/* The columns of fos_block: ONE(type, name), MANY(type, name, numbers). */"
    calls = [
        f"    ONE({_type(c)}, {c.name})" if c.size(r) == 1 else f"    MANY({_type(c)}, {c.name}, {c.size(r)})"
        for c in BLOCKS
    ]
    yield " \\\n".join(["#define FOS_BLOCK_COLUMNS(ONE, MANY)", *calls])


def _type(c: Column) -> str:
    return f"uint{8 * c.dtype.itemsize}_t"


def _member(c: Column, r: Recipe) -> str:
    n = c.size(r)
    many = "" if n == 1 else f"[{n}]"
    return f"    {_type(c)} {c.name}{many}; /* {c.doc.replace('*/', '* /')} */"


def _data(t: Tables) -> Iterator[str]:
    yield "\n#ifdef FOS_VECTORS_DATA\n"
    yield "static const fos_vector fos_vectors[FOS_VECTOR_COUNT] = {"
    for text, row in zip(t.texts, t.each("vectors"), strict=True):
        said = ", ".join(_quoted(s) for s in (text.id, " ".join(text.flags), text.comment))
        yield f"    {{{said},\n     {_values(VECTORS, row)}}},"
    yield "};"
    yield "\n/* Every flag of the vectors above; the last one is 0. */"
    yield "static const char *const fos_flags[] = {"
    yield from (f"    {_quoted(flag)}," for flag in t.flags())
    yield from ("    0,", "};")
    for c in TABLES["words"]:
        words = [f"0x{v:X}" for v in t.columns["words"][c.name].tolist()]
        yield f"\n/* {c.doc} */\nstatic const {_type(c)} fos_words_{c.name}[] = {{"
        yield from _wrapped(words)
        yield "};"
    yield "\nstatic const fos_block fos_blocks[FOS_BLOCK_COUNT] = {"
    yield from (f"    {{{_values(BLOCKS, row)}}}," for row in t.each("blocks"))
    yield from ("};", "", "#endif /* FOS_VECTORS_DATA */")


def _chains(chains: Sequence[Json]) -> Iterator[str]:
    """Yield the chains of the recipe: their digests after so many steps, in order."""
    yield '\n/* Chains of 10,000 blocks a step: docs/vectors.md, "The chain". */'
    yield "typedef struct {\n    uint32_t step;\n    const char *sha256; /* after that step */\n} fos_point;"
    yield "typedef struct {"
    yield "    const char *id;"
    yield "    uint8_t dtype; /* 0 float32, 1 bfloat16 */"
    yield "    uint32_t first, points; /* which of fos_points */"
    yield "} fos_chain; /* the last one's id is 0 */"
    yield "\n#ifdef FOS_CHAINS_DATA\n\nstatic const fos_point fos_points[] = {"
    yield from (f"    {{{p['step']}, {_quoted(p['sha256'])}}}," for c in chains for p in c["points"])
    yield from ("    {0, 0},", "};", "", "static const fos_chain fos_chains[] = {")
    first = 0
    for c in chains:
        yield f"    {{{_quoted(c['id'])}, {DTYPE_NUMBERS[c['dtype']]}, {first}, {len(c['points'])}}},"
        first += len(c["points"])
    yield from ("    {0, 0, 0, 0},", "};", "", "#endif /* FOS_CHAINS_DATA */")


def _wrapped(words: Sequence[str]) -> Iterator[str]:
    for i in range(0, len(words), _WORDS_A_LINE):
        yield f"    {', '.join(words[i : i + _WORDS_A_LINE])},"


def _values(columns: Sequence[Column], row: Row) -> str:
    return ", ".join(_initial(row[c.name]) for c in columns)


def _initial(value: int | list[int]) -> str:
    return f"{{{','.join(f'0x{v:X}' for v in value)}}}" if isinstance(value, list) else f"0x{value:X}"


def _quoted(text: str) -> str:
    """Return a text as a C string; what is not printable ASCII is shown by its escape."""
    escaped = in_ascii(text).replace("\\", "\\\\").replace('"', '\\"').replace("??", "?\\?")
    return f'"{escaped}"'
