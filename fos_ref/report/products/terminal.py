"""The page on products in a terminal: certified shares, alpha, accumulators and leaks."""

from __future__ import annotations

from rich.console import Console

from fos_ref.report.console import apart, of_rows, titled
from fos_ref.report.products.measured import Products
from fos_ref.report.products.text import alpha_rows, certified_rows, leak_rows, vector_rows


def show(console: Console, p: Products) -> None:
    """Print the tables that stand for the page."""
    console.print(
        apart(
            titled("certified and exact outputs, %", of_rows(certified_rows(p.certified))),
            titled("forms of alpha: pairs of amaxes whose float32 differs, %", of_rows(alpha_rows(p.alphas))),
            titled(
                "accumulators; V3 to V5: what is above 2^24", of_rows(vector_rows(p.accumulators, says=False))
            ),
            titled("causal attention: which outputs see later tokens", of_rows(leak_rows(p.leaks.table))),
        ),
        "",
    )
