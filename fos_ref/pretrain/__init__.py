"""What does a stack do to a small model that trains? Paired arms, replayable codes (`fos model train`).

config     what is trained: sizes, arms, seeds, data
arms       which stack quantizes each linear layer's three products
language   an endless synthetic language of known entropy
text       real text that installs by name
batches    which tokens a step sees: the same in every arm
places     which random word rounds which value: a function of seed, step, layer and operand
replay     the codes of a captured layer once more, by `fos_ref.training`
captured   what one layer was given and what was made of it
network/   the model and its linear layers, in torch
loop/      a run: steps, checkpoints, processes; and all runs of a config
"""
