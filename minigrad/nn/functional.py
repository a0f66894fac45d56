"""The functions behind the layers, under the names of `torch.nn.functional`."""

from minigrad.functions import dropout
from minigrad.ops.activation import relu, sigmoid
from minigrad.ops.elementwise import tanh
from minigrad.ops.nn import cross_entropy, linear, log_softmax, softmax

__all__ = ["cross_entropy", "dropout", "linear", "log_softmax", "relu", "sigmoid", "softmax", "tanh"]
