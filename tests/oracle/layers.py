"""Every layer of `nn`: how it starts, what it computes, its gradients and its `repr`, from the same seed.

The functions take the framework to run under, PyTorch for the answers, minigrad in the tests: one text serves both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.oracle.training import float64


class Layer(NamedTuple):
    make: Callable[[Any, Any], Any]  # from nn and a function that makes tensors of arrays
    inputs: list[Any]  # shapes of floating inputs; or arrays
    options: dict[str, Any] = {}  # noqa: RUF012 -- of the call


random = np.random.default_rng(0)
labels = random.integers(0, 4, 6)
signs = np.array([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
probabilities = random.random((6, 4))
counts = random.integers(0, 5, (6, 4)).astype(float)
weights = random.random(4) + 0.5
later = np.triu(np.ones((5, 5), bool), 1)
padding = np.array([[False] * 5, [False, False, False, True, True], [False, True, True, True, True]])

LAYERS: dict[str, Layer] = {
    # -- with parameters
    "Identity": Layer(lambda nn, t: nn.Identity(), [(2, 3)]),
    "Linear": Layer(lambda nn, t: nn.Linear(4, 3), [(5, 4)]),
    "Linear, more axes, no bias": Layer(lambda nn, t: nn.Linear(4, 3, bias=False), [(2, 5, 4)]),
    "Bilinear": Layer(lambda nn, t: nn.Bilinear(3, 4, 5), [(6, 3), (6, 4)]),
    "Bilinear, no bias": Layer(lambda nn, t: nn.Bilinear(3, 4, 2, bias=False), [(2, 6, 3), (2, 6, 4)]),
    "Embedding": Layer(lambda nn, t: nn.Embedding(7, 3), [random.integers(0, 7, (4, 5))]),
    "Embedding, padding": Layer(lambda nn, t: nn.Embedding(7, 3, padding_idx=-1), [random.integers(0, 7, (4, 5))]),
    "PReLU": Layer(lambda nn, t: nn.PReLU(), [(4, 3)]),
    "PReLU, by channel": Layer(lambda nn, t: nn.PReLU(3, init=0.1), [(4, 3, 2)]),
    "Dropout2d": Layer(lambda nn, t: nn.Dropout2d(0.4), [(3, 5, 2, 2)]),
    "Dropout": Layer(lambda nn, t: nn.Dropout(0.3), [(8, 9)]),
    "Dropout, in place": Layer(lambda nn, t: nn.Sequential(nn.Linear(9, 9), nn.Dropout(0.3, inplace=True)), [(8, 9)]),
    "Conv1d": Layer(lambda nn, t: nn.Conv1d(3, 4, 3), [(2, 3, 8)]),
    "Conv1d, all": Layer(lambda nn, t: nn.Conv1d(4, 6, 3, 2, 1, 2, 2, bias=False), [(2, 4, 9)]),
    "Conv2d": Layer(lambda nn, t: nn.Conv2d(3, 4, 3), [(2, 3, 6, 7)]),
    "Conv2d, all": Layer(lambda nn, t: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), 2), [(2, 4, 7, 6)]),
    "Conv2d, same": Layer(lambda nn, t: nn.Conv2d(2, 3, 3, padding="same", bias=False), [(2, 2, 5, 4)]),
    "Conv2d, one example": Layer(lambda nn, t: nn.Conv2d(2, 3, 3, padding=1), [(2, 5, 4)]),
    "Conv3d": Layer(lambda nn, t: nn.Conv3d(2, 3, 2, padding=1), [(2, 2, 3, 4, 3)]),
    "ConvTranspose1d": Layer(lambda nn, t: nn.ConvTranspose1d(3, 4, 3, 2, 1, 1), [(2, 3, 5)]),
    "ConvTranspose2d": Layer(lambda nn, t: nn.ConvTranspose2d(4, 6, 3), [(2, 4, 3, 4)]),
    "ConvTranspose2d, all": Layer(lambda nn, t: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, False, 2), [(2, 4, 3, 4)]),
    "BatchNorm1d": Layer(lambda nn, t: nn.BatchNorm1d(3), [(6, 3)]),
    "BatchNorm1d, sequences": Layer(lambda nn, t: nn.BatchNorm1d(3, 1e-3, 0.3, affine=False), [(4, 3, 5)]),
    "BatchNorm1d, average": Layer(lambda nn, t: nn.BatchNorm1d(3, momentum=None), [(4, 3)]),
    "BatchNorm2d": Layer(lambda nn, t: nn.BatchNorm2d(3), [(4, 3, 2, 5)]),
    "BatchNorm2d, untracked": Layer(lambda nn, t: nn.BatchNorm2d(3, track_running_stats=False), [(4, 3, 2, 5)]),
    "BatchNorm3d": Layer(lambda nn, t: nn.BatchNorm3d(2, bias=False), [(3, 2, 2, 3, 2)]),
    "GroupNorm": Layer(lambda nn, t: nn.GroupNorm(2, 4), [(3, 4, 5)]),
    "GroupNorm, plain": Layer(lambda nn, t: nn.GroupNorm(1, 4, 1e-3, affine=False), [(3, 4)]),
    "LayerNorm": Layer(lambda nn, t: nn.LayerNorm(5), [(3, 4, 5)]),
    "LayerNorm, two axes": Layer(lambda nn, t: nn.LayerNorm([4, 5], eps=1e-3, bias=False), [(3, 4, 5)]),
    "LayerNorm, plain": Layer(lambda nn, t: nn.LayerNorm((5,), elementwise_affine=False), [(3, 4, 5)]),
    "RMSNorm": Layer(lambda nn, t: nn.RMSNorm(5), [(3, 4, 5)]),
    "RMSNorm, eps": Layer(lambda nn, t: nn.RMSNorm([4, 5], eps=0.1, elementwise_affine=False), [(3, 4, 5)]),
    # -- recurrent
    "RNNCell": Layer(lambda nn, t: nn.RNNCell(3, 4), [(5, 3), (5, 4)]),
    "RNNCell, relu": Layer(lambda nn, t: nn.RNNCell(3, 4, bias=False, nonlinearity="relu"), [(5, 3)]),
    "GRUCell": Layer(lambda nn, t: nn.GRUCell(3, 4), [(5, 3), (5, 4)]),
    "LSTMCell": Layer(lambda nn, t: nn.LSTMCell(3, 4), [(5, 3), [(5, 4), (5, 4)]]),
    "LSTMCell, one example": Layer(lambda nn, t: nn.LSTMCell(3, 4, bias=False), [(3,)]),
    "RNN": Layer(lambda nn, t: nn.RNN(3, 4), [(6, 2, 3)]),
    "RNN, relu": Layer(lambda nn, t: nn.RNN(3, 4, 2, nonlinearity="relu", bidirectional=True), [(6, 2, 3), (4, 2, 4)]),
    "GRU": Layer(lambda nn, t: nn.GRU(3, 4), [(6, 2, 3), (1, 2, 4)]),
    "GRU, all": Layer(
        lambda nn, t: nn.GRU(3, 4, 2, bias=False, batch_first=True, dropout=0.3, bidirectional=True), [(2, 6, 3)]
    ),
    "LSTM": Layer(lambda nn, t: nn.LSTM(3, 4), [(6, 2, 3)]),
    "LSTM, all": Layer(
        lambda nn, t: nn.LSTM(3, 4, num_layers=2, batch_first=True, dropout=0.3, bidirectional=True),
        [(2, 6, 3), [(4, 2, 4), (4, 2, 4)]],
    ),
    "LSTM, one sequence": Layer(lambda nn, t: nn.LSTM(3, 4, 3), [(6, 3), [(3, 4), (3, 4)]]),
    # -- attention
    "MultiheadAttention": Layer(lambda nn, t: nn.MultiheadAttention(8, 2), [(5, 3, 8), (4, 3, 8), (4, 3, 8)]),
    "MultiheadAttention, several heads": Layer(
        lambda nn, t: nn.MultiheadAttention(8, 4, bias=False, batch_first=True),
        [(3, 5, 8), (3, 4, 8), (3, 4, 8)],
        {"average_attn_weights": False},
    ),
    "MultiheadAttention, masks": Layer(
        lambda nn, t: nn.MultiheadAttention(8, 2, dropout=0.2, batch_first=True),
        [(3, 5, 8), (3, 5, 8), (3, 5, 8)],
        {"key_padding_mask": padding, "attn_mask": later},
    ),
    "MultiheadAttention, added": Layer(
        lambda nn, t: nn.MultiheadAttention(8, 2),
        [(5, 3, 8), (5, 3, 8), (5, 3, 8)],
        {"attn_mask": random.normal(size=(6, 5, 5)), "need_weights": False},
    ),
    "MultiheadAttention, one example": Layer(lambda nn, t: nn.MultiheadAttention(8, 2), [(5, 8), (4, 8), (4, 8)]),
    "TransformerEncoderLayer": Layer(lambda nn, t: nn.TransformerEncoderLayer(8, 2, 16), [(5, 3, 8)]),
    "TransformerEncoderLayer, norm first": Layer(
        lambda nn, t: nn.TransformerEncoderLayer(8, 4, 16, 0.2, "gelu", batch_first=True, norm_first=True),
        [(3, 5, 8)],
        {"src_mask": later, "src_key_padding_mask": padding},
    ),
    "TransformerEncoderLayer, no bias": Layer(
        lambda nn, t: nn.TransformerEncoderLayer(8, 2, 16, 0, batch_first=True, bias=False), [(3, 5, 8)]
    ),
    "TransformerEncoder": Layer(
        lambda nn, t: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True), 2, nn.LayerNorm(8)
        ),
        [(3, 5, 8)],
    ),
    # -- activation functions
    "CELU": Layer(lambda nn, t: nn.CELU(0.7), [(4, 5)]),
    "ELU": Layer(lambda nn, t: nn.ELU(), [(4, 5)]),
    "GELU": Layer(lambda nn, t: nn.GELU(), [(4, 5)]),
    "GELU, tanh": Layer(lambda nn, t: nn.GELU(approximate="tanh"), [(4, 5)]),
    "GLU": Layer(lambda nn, t: nn.GLU(), [(4, 6)]),
    "GLU, axis": Layer(lambda nn, t: nn.GLU(dim=0), [(4, 6)]),
    "Hardshrink": Layer(lambda nn, t: nn.Hardshrink(), [(4, 5)]),
    "Hardsigmoid": Layer(lambda nn, t: nn.Hardsigmoid(), [(4, 5)]),
    "Hardswish": Layer(lambda nn, t: nn.Hardswish(), [(4, 5)]),
    "Hardtanh": Layer(lambda nn, t: nn.Hardtanh(-0.5, 0.7), [(4, 5)]),
    "LeakyReLU": Layer(lambda nn, t: nn.LeakyReLU(0.2), [(4, 5)]),
    "LogSigmoid": Layer(lambda nn, t: nn.LogSigmoid(), [(4, 5)]),
    "LogSoftmax": Layer(lambda nn, t: nn.LogSoftmax(dim=1), [(4, 5)]),
    "Mish": Layer(lambda nn, t: nn.Mish(), [(4, 5)]),
    "ReLU": Layer(lambda nn, t: nn.ReLU(), [(4, 5)]),
    "ReLU, in place": Layer(lambda nn, t: nn.Sequential(nn.Linear(5, 3), nn.ReLU(True)), [(4, 5)]),
    "LeakyReLU, in place": Layer(lambda nn, t: nn.Sequential(nn.Linear(5, 3), nn.LeakyReLU(0.2, True)), [(4, 5)]),
    "ReLU6": Layer(lambda nn, t: nn.ReLU6(), [(4, 5)]),
    "SELU": Layer(lambda nn, t: nn.SELU(), [(4, 5)]),
    "SiLU": Layer(lambda nn, t: nn.SiLU(), [(4, 5)]),
    "Sigmoid": Layer(lambda nn, t: nn.Sigmoid(), [(4, 5)]),
    "Softmax": Layer(lambda nn, t: nn.Softmax(dim=0), [(4, 5)]),
    "Softmin": Layer(lambda nn, t: nn.Softmin(dim=1), [(4, 5)]),
    "Softplus": Layer(lambda nn, t: nn.Softplus(2.0), [(4, 5)]),
    "Softshrink": Layer(lambda nn, t: nn.Softshrink(0.3), [(4, 5)]),
    "Softsign": Layer(lambda nn, t: nn.Softsign(), [(4, 5)]),
    "Tanh": Layer(lambda nn, t: nn.Tanh(), [(4, 5)]),
    "Tanhshrink": Layer(lambda nn, t: nn.Tanhshrink(), [(4, 5)]),
    "Threshold": Layer(lambda nn, t: nn.Threshold(0.1, -2.0), [(4, 5)]),
    # -- losses
    "BCELoss": Layer(lambda nn, t: nn.BCELoss(), [probabilities, probabilities[::-1].copy()]),
    "BCELoss, weighted": Layer(
        lambda nn, t: nn.BCELoss(weight=t(weights)), [probabilities, probabilities[::-1].copy()]
    ),
    "BCEWithLogitsLoss": Layer(
        lambda nn, t: nn.BCEWithLogitsLoss(pos_weight=t(weights), reduction="sum"), [(6, 4), probabilities]
    ),
    "CosineEmbeddingLoss": Layer(lambda nn, t: nn.CosineEmbeddingLoss(margin=0.1), [(6, 4), (6, 4), signs]),
    "CosineSimilarity": Layer(lambda nn, t: nn.CosineSimilarity(dim=0), [(6, 4), (6, 4)]),
    "CrossEntropyLoss": Layer(lambda nn, t: nn.CrossEntropyLoss(), [(6, 4), labels]),
    "CrossEntropyLoss, all": Layer(
        lambda nn, t: nn.CrossEntropyLoss(t(weights), ignore_index=2, label_smoothing=0.1), [(6, 4), labels]
    ),
    "GaussianNLLLoss": Layer(lambda nn, t: nn.GaussianNLLLoss(full=True), [(6, 4), (6, 4), probabilities]),
    "HingeEmbeddingLoss": Layer(lambda nn, t: nn.HingeEmbeddingLoss(margin=0.7), [(6,), signs]),
    "HuberLoss": Layer(lambda nn, t: nn.HuberLoss(delta=0.5), [(6, 4), (6, 4)]),
    "KLDivLoss": Layer(lambda nn, t: nn.KLDivLoss(reduction="batchmean"), [(6, 4), probabilities]),
    "L1Loss": Layer(lambda nn, t: nn.L1Loss(reduction="sum"), [(6, 4), (6, 4)]),
    "MSELoss": Layer(lambda nn, t: nn.MSELoss(), [(6, 4), (6, 4)]),
    "MSELoss, none": Layer(lambda nn, t: nn.MSELoss(reduction="none"), [(6, 4), (6, 4)]),
    "MarginRankingLoss": Layer(lambda nn, t: nn.MarginRankingLoss(0.2), [(6,), (6,), signs]),
    "NLLLoss": Layer(lambda nn, t: nn.NLLLoss(t(weights)), [(6, 4), labels]),
    "PoissonNLLLoss": Layer(lambda nn, t: nn.PoissonNLLLoss(full=True), [(6, 4), counts]),
    "SmoothL1Loss": Layer(lambda nn, t: nn.SmoothL1Loss(beta=0.5), [(6, 4), (6, 4)]),
    "SoftMarginLoss": Layer(lambda nn, t: nn.SoftMarginLoss(), [(6,), signs]),
    # -- windows, sizes and shapes
    "AdaptiveAvgPool1d": Layer(lambda nn, t: nn.AdaptiveAvgPool1d(3), [(2, 3, 7)]),
    "AdaptiveAvgPool2d": Layer(lambda nn, t: nn.AdaptiveAvgPool2d((1, 2)), [(2, 3, 4, 5)]),
    "AvgPool1d": Layer(lambda nn, t: nn.AvgPool1d((2,), (1,), (1,)), [(2, 3, 7)]),
    "AvgPool2d": Layer(lambda nn, t: nn.AvgPool2d(2), [(2, 3, 4, 6)]),
    "MaxPool1d": Layer(lambda nn, t: nn.MaxPool1d(2), [(2, 3, 7)]),
    "MaxPool2d": Layer(lambda nn, t: nn.MaxPool2d(3, stride=2, padding=1), [(2, 3, 5, 6)]),
    "MaxPool2d, ceil": Layer(lambda nn, t: nn.MaxPool2d(2, ceil_mode=True), [(2, 3, 5, 7)]),
    "Flatten": Layer(lambda nn, t: nn.Flatten(), [(2, 3, 4)]),
    "Flatten, axes": Layer(lambda nn, t: nn.Flatten(0, 1), [(2, 3, 4)]),
    "Unflatten": Layer(lambda nn, t: nn.Unflatten(1, (2, 3)), [(4, 6)]),
    "Fold": Layer(lambda nn, t: nn.Fold((4, 5), (2, 2)), [(2, 12, 12)]),
    "Unfold": Layer(lambda nn, t: nn.Unfold(2, padding=1), [(2, 3, 4, 5)]),
    "Upsample": Layer(lambda nn, t: nn.Upsample(scale_factor=2.0), [(2, 3, 2, 3)]),
    "Upsample, bilinear": Layer(lambda nn, t: nn.Upsample(size=(4, 5), mode="bilinear"), [(2, 3, 2, 3)]),
    "Upsample, corners": Layer(
        lambda nn, t: nn.Upsample(scale_factor=2.5, mode="bilinear", align_corners=True), [(2, 3, 2, 3)]
    ),
    # -- containers
    "Sequential": Layer(
        lambda nn, t: nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 2))), [(5, 4)]
    ),
}


def run(framework: Any, name: str) -> dict[str, Any]:
    """How the layer starts, then in training twice and in evaluation: results, gradients, state; and its `repr`."""
    make, shapes, options = LAYERS[name]
    framework.manual_seed(7)
    random = np.random.default_rng(1)

    def tensor(array: Any) -> Any:
        return framework.tensor(array)

    def drawn(shape: Any) -> Any:
        if isinstance(shape, list):
            return tuple(drawn(part) for part in shape)
        if isinstance(shape, tuple):
            return framework.tensor(random.normal(size=shape), requires_grad=True)
        return framework.tensor(shape, requires_grad=shape is shapes[0] and shape.dtype == np.float64)

    layer = make(framework.nn, tensor)
    found = {f"start/{key}": value.cpu().numpy().copy() for key, value in layer.state_dict().items()}
    found["repr"] = np.frombuffer(repr(layer).encode(), np.uint8)
    call = {key: tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    for step in ("1", "2", "evaluation"):
        layer.train(step != "evaluation")
        layer.zero_grad()
        inputs = [drawn(shape) for shape in shapes]
        outputs = [out for out in flat(layer(*inputs, **call)) if out is not None]
        total = sum((out * tensor(random.normal(size=tuple(out.shape)))).sum() for out in outputs)
        total.backward()
        for i, out in enumerate(outputs):
            found[f"{step}/result {i}"] = out.detach().cpu().numpy()
        gradients = {f"input {i}": t.grad for i, t in enumerate(flat(inputs)) if t.requires_grad}
        gradients |= {key: p.grad for key, p in layer.named_parameters()}
        found |= {f"{step}/gradient of {key}": g.cpu().numpy() for key, g in gradients.items() if g is not None}
        found |= {f"{step}/{key}": value.cpu().numpy().copy() for key, value in layer.named_buffers()}
    return found


def flat(tensors: Any) -> list[Any]:
    """All tensors of nested tuples and lists."""
    return [t for part in tensors for t in flat(part)] if isinstance(tensors, tuple | list) else [tensors]


def results(framework: Any) -> dict[str, Any]:
    """Everything, as "layer/what" -> array."""
    with float64(framework):
        runs = {name: run(framework, name) for name in LAYERS}
    return {f"{name}/{what}": np.array(value) for name, values in runs.items() for what, value in values.items()}


def expected() -> dict[str, Any]:
    """PyTorch's results."""
    import torch

    return results(torch)
