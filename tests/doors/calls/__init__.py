"""All rows of the library's calls."""

from tests.doors.calls import causal, checking, device, files, inputs, products, recipes, report, tensors

ROWS = [
    row
    for part in (tensors, recipes, checking, causal, products, inputs, files, device, report)
    for row in part.ROWS
]
