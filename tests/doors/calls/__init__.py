"""All rows of the library's calls."""

from tests.doors.calls import checking, device, files, inputs, products, recipes, tensors

ROWS = [row for part in (tensors, recipes, checking, products, inputs, files, device) for row in part.ROWS]
