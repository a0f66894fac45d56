"""What `torch.autograd` offers, under the same names."""

from minigrad.autograd import functional
from minigrad.autograd.anomaly import detect_anomaly, set_detect_anomaly
from minigrad.autograd.function import Function, once_differentiable
from minigrad.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from minigrad.autograd.hooks import register_hook
from minigrad.autograd.missing import why_no_grad
from minigrad.check import gradcheck, gradgradcheck
from minigrad.engine import grad
from minigrad.errors import missing

__all__ = [
    "Function",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "once_differentiable",
    "register_hook",
    "set_detect_anomaly",
    "set_grad_enabled",
    "why_no_grad",
]

__getattr__ = missing(__name__, __all__)
