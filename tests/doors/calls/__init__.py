"""All rows of the library's calls."""

from tests.doors.calls import checking, device, files, inputs, recipes, tensors

ROWS = [row for part in (tensors, recipes, checking, inputs, files, device) for row in part.ROWS]
