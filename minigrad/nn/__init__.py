"""Chapter 8: neural networks. Parameters and state around the operators.

`module.py` says what a module is, `containers.py` how modules are put together, and `layers.py` what a layer is. The
others are rooms to look things up in: `derived.py`, `convolution.py`, `normalization.py`, `recurrent.py`,
`attention.py`, and `init.py`, `utils.py` and `summary.py` for what is done to a module from outside.

Next: `optim/`, how the parameters move.
"""

from minigrad.errors import missing
from minigrad.nn import functional, init, utils
from minigrad.nn.attention import *
from minigrad.nn.containers import *
from minigrad.nn.convolution import *
from minigrad.nn.derived import *
from minigrad.nn.layers import *
from minigrad.nn.module import *
from minigrad.nn.normalization import *
from minigrad.nn.recurrent import *
from minigrad.nn.summary import summary

__all__ = [name for name, value in globals().items() if isinstance(value, type)]
__all__ += ["functional", "init", "summary", "utils"]

__getattr__ = missing(__name__, __all__)
