"""What does a stack make of one linear layer? The operands of its three products, each with the bits it has.

linear       the operands and the products of y = x W^T, forward and backward
STACKS       the programs, as data: TransformerEngine, torchao, fouroversix, Quartet II
"""

from fos_ref.training.layer import Layer, linear
from fos_ref.training.operands import Made
from fos_ref.training.stack import Operand, Origin, Product, Rotation, Stack
from fos_ref.training.stacks import STACKS

__all__ = ["STACKS", "Layer", "Made", "Operand", "Origin", "Product", "Rotation", "Stack", "linear"]
