"""What `torch.autograd` offers, under the same names."""

from minigrad.check import gradcheck, gradgradcheck
from minigrad.engine import grad

__all__ = ["grad", "gradcheck", "gradgradcheck"]
