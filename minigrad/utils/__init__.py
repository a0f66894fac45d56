"""What `torch.utils` offers, under the same names: `data`, datasets and batches."""

from minigrad.errors import missing
from minigrad.utils import data

__all__ = ["data"]

__getattr__ = missing(__name__, __all__)
