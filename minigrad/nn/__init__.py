"""Chapter 8: neural networks. Parameters and state around the operators.

Next: `optim.py`, how the parameters move.
"""

from minigrad.errors import missing
from minigrad.nn import functional
from minigrad.nn.layers import BatchNorm1d, CrossEntropyLoss, Dropout, Linear, ReLU, Sequential
from minigrad.nn.module import Module, Parameter

__all__ = [
    "BatchNorm1d",
    "CrossEntropyLoss",
    "Dropout",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "functional",
]

__getattr__ = missing(__name__, __all__)
