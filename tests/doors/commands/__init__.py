"""All rows of the program `fos`."""

from tests.doors.commands import (
    check,
    doctor,
    fleet,
    golden,
    inspect,
    leak,
    matmul,
    model,
    model_eval,
    model_quantize,
    program,
    quantize,
    recipes,
    report,
    report_own,
)

ROWS = [
    row
    for part in (
        program,
        check,
        doctor,
        matmul,
        model,
        model_eval,
        model_quantize,
        leak,
        quantize,
        inspect,
        fleet,
        recipes,
        golden,
        report,
        report_own,
    )
    for row in part.ROWS
]
