"""What is public: the modules whose names have a page, and the pages that are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

#: Page: (its title, its modules, in their order).
PAGES = {
    "fos_ref": ("fos_ref: quantize, trace, exact errors", ("fos_ref",)),
    "verify": (
        "fos_ref.verify: check bytes, test a kernel",
        (
            "fos_ref.verify",
            "fos_ref.verify.disagreement",
            "fos_ref.verify.distributions",
            "fos_ref.verify.hardware",
            "fos_ref.verify.inspect",
            "fos_ref.verify.mutants",
            "fos_ref.verify.near_tie",
            "fos_ref.verify.strategies",
            "fos_ref.verify.vectors.chain",
        ),
    ),
    "formats": (
        "fos_ref.formats, fos_ref.recipes: numbers and dialects",
        ("fos_ref.formats", "fos_ref.recipes"),
    ),
    "training": (
        "fos_ref.random, rotate, training: replayable training",
        ("fos_ref.random", "fos_ref.rotate", "fos_ref.training"),
    ),
    "products": (
        "fos_ref.matmul, fos_ref.attention: what comes after",
        ("fos_ref.matmul", "fos_ref.attention"),
    ),
    "report": ("fos_ref.report: own recipes on own data", ("fos_ref.report",)),
    "doctor": ("fos_ref.doctor, fos_ref.errors", ("fos_ref.doctor", "fos_ref.errors")),
    "fos_gpu": ("fos_gpu: arrays on the device", ("fos_gpu",)),
}
MODULES = tuple(m for _, modules in PAGES.values() for m in modules)


def names_of(module: str) -> list[str]:
    """Return the public names of a module: its __all__, else the classes and functions that it defines."""
    found = import_module(module)
    listed = getattr(found, "__all__", None)
    if listed is not None:
        return sorted(listed)
    own = (n for n, v in vars(found).items() if getattr(v, "__module__", None) == module and callable(v))
    return sorted(n for n in own if not n.startswith("_"))


def pages() -> Iterator[tuple[str, str]]:
    """Yield (name, Markdown) of each page of the public calls."""
    seen: set[int] = set()
    for page, (title, modules) in PAGES.items():
        parts = [f"# {title}\n"]
        for module in modules:
            heading = f"\n## {module}\n" if len(modules) > 1 else ""
            parts.append(f"{heading}\n```{{eval-rst}}\n{_directives(module, seen)}\n```\n")
        yield page, "".join(parts)


def _directives(module: str, seen: set[int]) -> str:
    """Return autodoc's directives for a module and its public names; what was seen is no target again."""
    lines = [f".. automodule:: {module}", "   :no-members:", ""]
    for name in names_of(module):
        value = getattr(import_module(module), name)
        again = ["   :no-index:"] if id(value) in seen else []
        seen.add(id(value))
        if isinstance(value, type):
            lines += [f".. autoclass:: {module}.{name}", *again, "   :members:", ""]
        elif callable(value):
            lines += [f".. autofunction:: {module}.{name}", *again, ""]
        else:
            lines += [f".. autodata:: {module}.{name}", *again, "   :no-value:", ""]
    return "\n".join(lines)
