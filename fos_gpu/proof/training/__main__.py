"""`python -m fos_gpu.proof.training`: training's kernels beside the model on this GPU."""

import sys

from fos_gpu.proof.training.device import main

if __name__ == "__main__":
    sys.exit(main())
