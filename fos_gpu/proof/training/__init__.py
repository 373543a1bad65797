"""What a GPU, or g++, gives for training beside the model.

python -m fos_gpu.proof.training        on a card: quantizers, words, rotations, MS-EDEN
python -m fos_gpu.proof.training.host   the header by g++, without a GPU
"""
