"""What does quantization do to a language model? Token by token, with every draw and its interval.

text, tokenizer        what is read: a file, or the ledes that install by name; as token numbers
loading, llama         the model: one that installs by name, by our own forward, or what transformers loads
arms, draws            what is quantized by which recipe, and how often the rounding of the weights is drawn
fake, linears          fake quantization, the bits of `fos_ref.quantize`: weights once, inputs each time
windows, scoring       which tokens are scored after which; the negative log-likelihood of each
perplexity             the conventions of the field, each by its name
paired                 differences of two arms over the same tokens, with intervals
results, evaluate      the file that a run continues from; the run itself
matrix                 recipes x operands x amax x draws, for the report

torch is imported in this room and nowhere else, when a call needs it. docs/models.md is the guide.
"""
