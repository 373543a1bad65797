"""Quantization after training: what a method makes of a model under a recipe's block scales.

golden, given   GPTQ in NumPy, in two forms, each rounding stated; what it takes
storable        which recipes a checkpoint of compressed-tensors can hold
calibration     the text that a method looks at
asked, needs    what a caller asks for, checked before the work; the packages of the extra `ptq`
observer        the plug in llm-compressor: a recipe answers for a weight's scales
methods         RTN, SmoothQuant, AWQ and GPTQ as llm-compressor's modifiers
settle          the recipe's own codes in what compressed-tensors packs
model           a model's weights by a method, into a checkpoint

observer, methods, settle and model import torch and llm-compressor; the others do not.
"""
