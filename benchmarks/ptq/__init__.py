"""Methods x recipes x draws on one language model: what a method is worth over several draws.

seen        what the layers see of the calibration text in the float model
transforms  SmoothQuant and AWQ as llm-compressor has them, in float32
bits        weights by a recipe: values, effective block scales
optimum     the search of `scale-optimum` on the device
walk        the column walk of GPTQ for many weights at once
arms        what is quantized how
score       losses by window
page        the tables and the page

`python -m benchmarks.ptq run DIR --out OUT` runs it.
"""
