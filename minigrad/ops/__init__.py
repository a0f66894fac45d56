"""Chapter 3: the operators. Each states its forward pass and its local gradients, and nothing else.

Next: `engine.py`, which puts the local gradients together.
"""

from minigrad.ops import activation, elementwise, linalg, nn, reduce, shape

__all__ = ["activation", "elementwise", "linalg", "nn", "reduce", "shape"]
