"""Modules without parameters: functions with their arguments remembered, so that they can stand in a `Sequential`.

    ReLU = module("ReLU", relu)                    nn.ReLU()(x) is relu(x)
    LeakyReLU = module("LeakyReLU", leaky_relu)    nn.LeakyReLU(0.2)(x) is leaky_relu(x, negative_slope=0.2)

The function says it all: which arguments there are and what they are unless given, what is computed, which errors there
are. Errors at the call name the function.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

from minigrad.nn import functional as F
from minigrad.nn.module import Module
from minigrad.rearrange import flatten, unflatten
from minigrad.tensor import Tensor, in_place

TORCH_NAMES = {"axis": "dim", "sizes": "unflattened_size"}  # what PyTorch's modules call an argument of a function
BUFFERS = ("weight", "pos_weight")  # arguments that are arrays, and belong to the state


class FunctionModule(Module):
    """What all these modules are: a function and the arguments for it, as attributes.

    Attributes:
        function: what is called.
        inputs: how many tensors it is called with.
        options: the names of its other arguments, each under the name of its attribute.
        shown: the attributes that `repr` shows, where they are not None.
        inplace: whether the result is written over the input; not all offer it.

    Raises:
        TypeError: an argument that there is not, or a tensor where a module is only being made; at the call, another
            number of tensors.
    """

    function: Callable[..., Any]
    inplace = False
    __signature__: Signature

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            given = type(self).__signature__.bind(*args, **{TORCH_NAMES.get(n, n): v for n, v in kwargs.items()})
            for name, value in given.arguments.items():
                if name not in BUFFERS and isinstance(value, Tensor | np.ndarray):
                    raise TypeError(f"{name} cannot be a tensor")
        except TypeError as error:
            usage = f"the module is made first, and then called with {tensors(self.inputs)}"
            raise TypeError(f"{type(self).__name__}{type(self).__signature__}: {error}; {usage}") from None
        given.apply_defaults()
        for name, value in given.arguments.items():
            if name == "stride" and value is None:
                value = given.arguments["kernel_size"]
            if name in BUFFERS and value is not None:
                self.register_buffer(name, Tensor(value))
            else:
                setattr(self, name, value)

    def forward(self, *inputs: Any) -> Any:
        if len(inputs) != self.inputs:
            wanted, given = tensors(self.inputs), tensors(len(inputs))
            raise TypeError(f"{type(self).__name__} is called with {wanted}, not with {given}")
        function = in_place(type(self).function) if self.inplace else type(self).function
        return function(*inputs, **{name: getattr(self, attribute) for attribute, name in self.options.items()})

    def extra_repr(self) -> str:
        values = {name: getattr(self, name) for name in self.shown}
        texts = [f"{name}={value!r}" for name, value in values.items() if value is not None]
        return ", ".join(texts + ["inplace=True"] * bool(self.inplace)).removeprefix("lambd=")


def tensors(n: int) -> str:
    """So many tensors, in an error."""
    return "1 tensor" if n == 1 else f"{n} tensors"


def module(
    name: str, function: Callable[..., Any], inputs: int = 1, shown: Any = None, may_write: bool = False, **changed: Any
) -> Any:
    """The class of modules that call `function`; `may_write` says whether it offers `inplace`.

    The names in `shown` are what `repr` shows, None standing for all; `changed` are defaults that the function has not.
    """
    parameters = list(signature(function).parameters.values())[inputs:]
    options = {TORCH_NAMES.get(p.name, p.name): p.name for p in parameters}
    defaults = {name: p.default for name, p in zip(options, parameters, strict=True)} | changed
    defaults |= {"inplace": False} if may_write else {}
    bare = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=value) for name, value in defaults.items()]
    attributes = {
        "__doc__": f"{function.__doc__}\n\nThis module calls `{function.__name__}` with the arguments it was given.",
        "__module__": __name__,
        "__signature__": Signature(bare),
        "function": staticmethod(function),
        "inputs": inputs,
        "options": options,
        "shown": tuple(options) if shown is None else shown,
    }
    return type(name, (FunctionModule,), attributes)


# -- activation functions ---------------------------------------------------------------------------------------------

CELU = module("CELU", F.celu, may_write=True)
ELU = module("ELU", F.elu, may_write=True)
GELU = module("GELU", F.gelu)
GLU = module("GLU", F.glu)
Hardshrink = module("Hardshrink", F.hardshrink)
Hardsigmoid = module("Hardsigmoid", F.hardsigmoid, may_write=True)
Hardswish = module("Hardswish", F.hardswish, may_write=True)
Hardtanh = module("Hardtanh", F.hardtanh, may_write=True)
LeakyReLU = module("LeakyReLU", F.leaky_relu, may_write=True)
LogSigmoid = module("LogSigmoid", F.logsigmoid)
LogSoftmax = module("LogSoftmax", F.log_softmax)
Mish = module("Mish", F.mish, may_write=True)
ReLU = module("ReLU", F.relu, may_write=True)
ReLU6 = module("ReLU6", F.relu6, may_write=True)
SELU = module("SELU", F.selu, may_write=True)
SiLU = module("SiLU", F.silu, may_write=True)
Sigmoid = module("Sigmoid", F.sigmoid)
Softmax = module("Softmax", F.softmax)
Softmin = module("Softmin", F.softmin)
Softplus = module("Softplus", F.softplus)
Softshrink = module("Softshrink", F.softshrink)
Softsign = module("Softsign", F.softsign)
Tanh = module("Tanh", F.tanh)
Tanhshrink = module("Tanhshrink", F.tanhshrink)
Threshold = module("Threshold", F.threshold, may_write=True)

# -- losses: called with a prediction and a target --------------------------------------------------------------------

BCELoss = module("BCELoss", F.binary_cross_entropy, 2, ())
BCEWithLogitsLoss = module("BCEWithLogitsLoss", F.binary_cross_entropy_with_logits, 2, ())
CosineEmbeddingLoss = module("CosineEmbeddingLoss", F.cosine_embedding_loss, 3, ())
CrossEntropyLoss = module("CrossEntropyLoss", F.cross_entropy, 2, ())
GaussianNLLLoss = module("GaussianNLLLoss", F.gaussian_nll_loss, 3, ())
HingeEmbeddingLoss = module("HingeEmbeddingLoss", F.hinge_embedding_loss, 2, ())
HuberLoss = module("HuberLoss", F.huber_loss, 2, ())
KLDivLoss = module("KLDivLoss", F.kl_div, 2, ())
L1Loss = module("L1Loss", F.l1_loss, 2, ())
MSELoss = module("MSELoss", F.mse_loss, 2, ())
MarginRankingLoss = module("MarginRankingLoss", F.margin_ranking_loss, 3, ())
NLLLoss = module("NLLLoss", F.nll_loss, 2, ())
PoissonNLLLoss = module("PoissonNLLLoss", F.poisson_nll_loss, 2, ())
SmoothL1Loss = module("SmoothL1Loss", F.smooth_l1_loss, 2, ())
SoftMarginLoss = module("SoftMarginLoss", F.soft_margin_loss, 2, ())
CosineSimilarity = module("CosineSimilarity", F.cosine_similarity, 2, ())  # no loss, but likeness

# -- windows, sizes and shapes ----------------------------------------------------------------------------------------

AdaptiveAvgPool1d = module("AdaptiveAvgPool1d", F.adaptive_avg_pool1d)
AdaptiveAvgPool2d = module("AdaptiveAvgPool2d", F.adaptive_avg_pool2d)
AvgPool1d = module("AvgPool1d", F.avg_pool1d, shown=("kernel_size", "stride", "padding"))
AvgPool2d = module("AvgPool2d", F.avg_pool2d, shown=("kernel_size", "stride", "padding"))
MaxPool1d = module("MaxPool1d", F.max_pool1d)
MaxPool2d = module("MaxPool2d", F.max_pool2d)
Flatten = module("Flatten", flatten, start_dim=1)
Unflatten = module("Unflatten", unflatten)
Fold = module("Fold", F.fold)
Unfold = module("Unfold", F.unfold)
Upsample = module("Upsample", F.interpolate, shown=("size", "scale_factor", "mode"))

__all__ = [name for name, kind in globals().items() if isinstance(kind, type) and hasattr(kind, "function")]
