"""All rows of the program `fos`."""

from tests.doors.commands import check, golden, inspect, program, quantize, recipes, report

ROWS = [row for part in (program, check, quantize, inspect, recipes, golden, report) for row in part.ROWS]
