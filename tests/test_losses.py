"""What the tables cannot say of losses, normalisation, embedding and attention: errors, state, the far ends."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def random(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def leaf(values: Any) -> Any:
    return mg.tensor(values, requires_grad=True)


# -- losses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.soft_margin_loss, F.kl_div])
def test_a_target_in_another_shape_is_refused_where_pytorch_broadcasts_it(loss: Any) -> None:
    expected = re.escape("expected a target in the shape of x, (4, 1), not (4,)")
    with pytest.raises(ValueError, match=expected):
        loss(mg.ones(4, 1), mg.ones(4))


@pytest.mark.parametrize(
    "call",
    [
        lambda reduction: F.mse_loss(mg.ones(2), mg.ones(2), reduction=reduction),
        lambda reduction: F.cross_entropy(mg.ones(2, 3), mg.tensor([0, 1]), reduction=reduction),
        lambda reduction: F.cross_entropy(mg.ones(2, 3), mg.ones(2, 3), reduction=reduction),
        lambda reduction: F.nll_loss(mg.ones(2, 3), mg.tensor([0, 1]), reduction=reduction),
        lambda reduction: F.kl_div(mg.ones(2), mg.ones(2), reduction=reduction),
    ],
)
def test_another_reduction_is_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="reduction is 'mean', 'sum' or 'none', not 'average'"):
        call("average")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.cross_entropy(mg.ones(2, 3), mg.tensor([0, 3])),
            IndexError,
            "label 3 is out of range: 3 classes",
        ),
        (lambda: F.cross_entropy(mg.ones(2, 3, 2), mg.tensor([[0, 1], [5, 0]])), IndexError, "label 5 is out of range"),
        (lambda: F.nll_loss(mg.ones(2, 3), mg.tensor([0, -1]), ignore_index=1), IndexError, "label -1 is out of range"),
        (
            lambda: F.cross_entropy(mg.ones(2, 3, 4), mg.zeros(2, 5, dtype=int)),
            ValueError,
            r"expected a target of shape \(2, 4\), x without its classes, got \(2, 5\)",
        ),
        *[
            (
                lambda loss=loss, shape=shape: loss(mg.ones(2, 3), mg.zeros(shape, dtype=int)),
                ValueError,
                rf"expected logits \(N, C\) and target \(N,\), .* got \(2, 3\) and {re.escape(str(shape))}",
            )
            for loss in (F.cross_entropy, F.nll_loss)
            for shape in ((2, 1), (1, 2), (3,), ())
        ],
        (
            lambda: F.cross_entropy(mg.ones(2, 3, dtype=int), mg.tensor([0, 1])),
            TypeError,
            "must be floating, not int64",
        ),
        (
            lambda: F.cross_entropy(mg.ones(2, 3), mg.tensor([0, 1]), label_smoothing=1.5),
            ValueError,
            "from 0 to 1, not 1.5",
        ),
        (
            lambda: F.cross_entropy(mg.ones(2, 3), mg.tensor([0, 1]), mg.ones(4)),
            ValueError,
            r"weight needs shape \(3,\)",
        ),
        (lambda: F.nll_loss(mg.ones(2, 3), mg.tensor([0.0, 1.0])), TypeError, "must hold integer class labels"),
        (
            lambda: F.binary_cross_entropy(mg.tensor([1.5]), mg.ones(1)),
            ValueError,
            "x must hold probabilities, from 0 to 1",
        ),
        (lambda: F.huber_loss(mg.ones(1), mg.ones(1), delta=0), ValueError, "delta must be positive, and is 0"),
        (lambda: F.smooth_l1_loss(mg.ones(1), mg.ones(1), beta=-1), ValueError, "beta must not be negative"),
    ],
)
def test_losses_name_what_is_wrong(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_labels_and_their_one_hot_probabilities_have_the_same_loss() -> None:
    logits, labels, weight = random(5, 4), np.array([0, 3, 3, 1, 2]), np.array([1.0, 2.0, 3.0, 4.0])
    soft = np.eye(4)[labels]
    for options in ({}, {"label_smoothing": 0.2}, {"weight": weight, "reduction": "sum"}):
        assert F.cross_entropy(logits, labels, **options) == pytest.approx(F.cross_entropy(logits, soft, **options))


def test_if_every_label_is_ignored_the_mean_is_not_a_number_and_the_gradient_0() -> None:
    logits = leaf(random(2, 3))
    loss = F.cross_entropy(logits, mg.tensor([-100, -100]))
    assert math.isnan(loss.item())
    loss.backward()
    assert not logits.grad.numpy().any()


def test_an_ignored_example_neither_counts_nor_learns() -> None:
    logits = random(4, 3)
    t = leaf(logits)
    loss = F.cross_entropy(t, mg.tensor([2, -100, 0, -100]))
    assert loss.item() == pytest.approx(F.cross_entropy(logits[::2], np.array([2, 0])), rel=1e-14)
    loss.backward()
    assert not t.grad.numpy()[1::2].any()
    assert t.grad.numpy()[::2].all()


def test_binary_cross_entropy_at_its_ends_is_100_and_steep() -> None:
    """As in PyTorch: a logarithm counts as at least −100, the gradient's denominator as at least 1e-12."""
    x = leaf(np.array([0.0, 1.0, 0.0, 1.0]))
    y = F.binary_cross_entropy(x, mg.tensor(np.array([1.0, 0.0, 0.0, 1.0])), reduction="none")
    assert y.tolist() == [100, 100, 0, 0]
    y.sum().backward()
    assert x.grad.tolist() == [-1e12, 1e12, 0, 0]


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_losses_and_norms_keep_the_dtype(dtype: Any) -> None:
    x = mg.tensor(random(4, 3), dtype=dtype, requires_grad=True)
    t = mg.tensor(random(4, 3, seed=1), dtype=dtype)
    half, weight = mg.full((4, 3), 0.5, dtype=dtype), mg.ones(3, dtype=dtype)
    labels = mg.tensor([0, 2, 1, 2])
    for y in (
        F.cross_entropy(x, labels),
        F.cross_entropy(x, labels, weight, 1, label_smoothing=0.1),
        F.cross_entropy(x, half, weight),
        F.nll_loss(x, labels, weight),
        F.mse_loss(x, t),
        F.l1_loss(x, t),
        F.smooth_l1_loss(x, t),
        F.huber_loss(x, t),
        F.binary_cross_entropy(x.sigmoid(), half),
        F.binary_cross_entropy_with_logits(x, half, pos_weight=weight),
        F.kl_div(x, half),
        F.poisson_nll_loss(x, half, full=True),
        F.gaussian_nll_loss(x, t, half, full=True),
        F.hinge_embedding_loss(x, mg.ones(4, 3)) if dtype == mg.float32 else F.mse_loss(x, t),
        F.soft_margin_loss(x, mg.ones(4, 3, dtype=dtype)),
        F.cosine_similarity(x, t),
        F.layer_norm(x, (3,), weight, weight),
        F.rms_norm(x, (3,), weight),
        F.group_norm(x, 3, weight),
        F.normalize(x),
        F.batch_norm(x, None, None, weight, weight, training=True),
        F.batch_norm(x, mg.zeros(3, dtype=dtype), mg.ones(3, dtype=dtype)),
        F.scaled_dot_product_attention(x, t, t),
        F.scaled_dot_product_attention(x, t, t, is_causal=True),
    ):
        assert y.dtype == dtype
        x.grad = None
        y.sum().backward()
        assert x.grad.dtype == dtype


def test_cross_entropy_loss_takes_the_arguments_of_the_function() -> None:
    logits, target = mg.tensor(random(4, 3)), mg.tensor([2, 0, 1, 0])
    loss = nn.CrossEntropyLoss([1.0, 2.0, 3.0], ignore_index=1, reduction="sum", label_smoothing=0.2)
    expected = F.cross_entropy(logits, target, mg.tensor([1.0, 2.0, 3.0]), 1, "sum", 0.2)
    assert loss(logits, target).item() == expected.item()
    assert list(loss.state_dict()) == ["weight"]
    assert list(nn.CrossEntropyLoss().state_dict()) == []


# -- normalisation ----------------------------------------------------------------------------------------------------


def test_batch_norm_writes_over_the_running_estimates_in_training_only() -> None:
    x, mean, var = random(6, 3), np.zeros(3), np.ones(3)
    running = mg.from_numpy(mean), mg.from_numpy(var)
    F.batch_norm(mg.tensor(x), *running, training=True, momentum=0.25)
    np.testing.assert_allclose(mean, 0.25 * x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(var, 0.75 + 0.25 * x.var(0, ddof=1), rtol=1e-14)
    before = mean.copy(), var.copy()
    F.batch_norm(mg.tensor(x), *running)
    assert np.array_equal(before, (mean, var))


def test_instance_norm_of_no_examples_is_none_and_moves_no_running_estimate() -> None:
    x, mean, var = leaf(np.zeros((0, 3, 4))), mg.zeros(3), mg.ones(3)
    y = F.instance_norm(x, mean, var)
    y.sum().backward()
    assert y.shape == x.grad.shape == (0, 3, 4)
    assert (mean.tolist(), var.tolist()) == ([0, 0, 0], [1, 1, 1])


def test_a_graph_that_read_a_running_estimate_before_it_moved_is_stale() -> None:
    x = leaf(random(4, 3))
    mean, var = mg.tensor(np.zeros(3)), mg.tensor(np.ones(3))
    y = F.batch_norm(x, mean, var) * mean
    F.batch_norm(x, mean, var, training=True)
    with pytest.raises(RuntimeError, match="overwritten"):
        y.sum().backward()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.batch_norm(mg.ones(2, 3), None, None), "outside training it needs running_mean and running_var"),
        (lambda: F.batch_norm(mg.ones(1, 3), None, None, training=True), "more than one value per channel"),
        (lambda: F.batch_norm(mg.ones(2, 3), None, None, mg.ones(2), training=True), r"weight needs shape \(3,\)"),
        (lambda: F.instance_norm(mg.ones(2, 3)), r"x needs shape \(N, C, \.\.\.\) with more than one value"),
        (lambda: F.group_norm(mg.ones(2, 3), 2), "C a multiple of num_groups = 2"),
        (lambda: F.layer_norm(mg.ones(2, 3), (2,)), r"need shape \(2,\), got \[\(2, 3\)\]"),
        (lambda: F.layer_norm(mg.ones(2, 3), (3,), mg.ones(2)), r"need shape \(3,\), got \[\(2, 3\), \(2,\)\]"),
    ],
)
def test_norms_name_what_is_wrong(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# -- embedding and attention ------------------------------------------------------------------------------------------


def test_a_row_named_often_gets_the_sum_of_its_gradients() -> None:
    weight = leaf(random(5, 3))
    indices = np.array([[4, 0, 4], [4, 1, -1 % 5]])
    y = F.embedding(mg.tensor(indices), weight)
    assert y.shape == (2, 3, 3)
    g = random(2, 3, 3, seed=1)
    y.backward(mg.tensor(g))
    expected = np.zeros((5, 3))
    for place, row in np.ndenumerate(indices):
        expected[row] += g[place]
    np.testing.assert_allclose(weight.grad, expected, rtol=1e-14)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int64])
def test_repeated_indices_of_any_integer_kind_add_up(kind: Any) -> None:
    table = leaf(np.zeros((200, 3)))
    table[np.array([199, 199, 0, 128], kind)].sum().backward()
    assert table.grad.numpy()[:, 0].nonzero()[0].tolist() == [0, 128, 199]
    assert table.grad.numpy()[[199, 0, 128], 1].tolist() == [2, 1, 1]


def test_embedding_names_what_is_wrong() -> None:
    for indices in ([3], [-1]):
        with pytest.raises(IndexError, match=rf"index {indices[0]} is out of range: weight has the rows 0 ... 2"):
            F.embedding(mg.tensor(indices), mg.ones(3, 2))
    with pytest.raises(TypeError, match="it takes integer indices"):
        F.embedding(mg.ones(2), mg.ones(3, 2))
    with pytest.raises(ValueError, match="padding_idx 3 is out of range"):
        F.embedding(mg.tensor([0]), mg.ones(3, 2), padding_idx=3)


def test_attention_is_a_mean_of_the_values() -> None:
    query, key, value = random(4, 3), random(5, 3, seed=1), random(5, 2, seed=2)
    scores = np.exp(query @ key.T / math.sqrt(3))
    expected = scores / scores.sum(1, keepdims=True) @ value
    np.testing.assert_allclose(F.scaled_dot_product_attention(query, key, value), expected, rtol=1e-12)
    value[3:] = 1e9  # causally, the first four queries see no more than the first four keys, the first but one
    causal = F.scaled_dot_product_attention(query[:3], key, value, is_causal=True)
    np.testing.assert_allclose(causal[0], value[0])
    assert np.abs(causal).max() < 1e3


def test_attention_names_what_is_wrong() -> None:
    q, mask = mg.ones(2, 3), mg.ones(2, 2)
    with pytest.raises(ValueError, match="give attn_mask or is_causal, not both"):
        F.scaled_dot_product_attention(q, q, q, mask, is_causal=True)
    with pytest.raises(ValueError, match="must agree in E and S"):
        F.scaled_dot_product_attention(q, mg.ones(2, 4), q)


def test_attention_drops_weights() -> None:
    q, value = mg.zeros(1, 3), mg.ones(1000, 1)
    y = F.scaled_dot_product_attention(q, mg.zeros(1000, 3), value, dropout_p=0.5)
    assert y.item() != 1
    assert y.item() == pytest.approx(1, abs=0.2)


# -- empty axes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
@pytest.mark.parametrize(("shape", "axis"), [((3, 0), -1), ((0, 3), 0), ((0, 3), 1)])
def test_softmax_of_nothing_is_nothing(function: Any, shape: Any, axis: int) -> None:
    x = mg.zeros(*shape, requires_grad=True)
    y = function(x, axis)
    assert y.shape == shape
    y.sum().backward()
    assert x.grad.shape == shape


def test_cosine_similarity_broadcasts_before_it_looks_along_the_axis() -> None:
    for x, y in ((mg.ones(2, 3, 4), mg.ones(3, 4)), (mg.ones(3, 4), mg.ones(4))):
        np.testing.assert_allclose(F.cosine_similarity(x, y), 1, rtol=1e-6)


def test_cosine_embedding_loss_counts_nothing_for_other_targets() -> None:
    x = mg.randn(3, 4)
    assert F.cosine_embedding_loss(x, x, mg.tensor([0.0, 0.0, 0.0]), reduction="sum").item() == 0


def test_a_variance_below_eps_still_learns_and_a_negative_one_is_refused() -> None:
    var = mg.tensor([1e-9], dtype=mg.float64, requires_grad=True)
    F.gaussian_nll_loss(mg.tensor([1.0]), mg.tensor([2.0]), var).backward()
    np.testing.assert_allclose(var.grad, [0.5 * (1e6 - 1e12)])
    with pytest.raises(ValueError, match="not negative"):
        F.gaussian_nll_loss(mg.tensor([1.0]), mg.tensor([2.0]), mg.tensor([-1.0]))


def test_pytorchs_old_fourth_argument_is_not_taken_for_a_label() -> None:
    for loss in (F.cross_entropy, F.nll_loss):
        with pytest.raises(TypeError, match="ignore_index is a label"):
            loss(mg.ones(2, 3), mg.tensor([0, 1]), None, False)


def test_float16_is_squared_in_float32() -> None:
    data = np.array([0.0, 100.0, 400.0, 1000.0])
    x = mg.tensor(data, dtype=mg.float16, requires_grad=True)
    norm = np.sqrt(np.sum(data**2))
    for ours, right in [
        (mg.norm(x), norm),
        (mg.std(x), data.std(ddof=1)),
        (F.normalize(x, axis=0), data / norm),
        (F.rms_norm(x, (4,)), data / np.sqrt(np.mean(data**2))),
        (F.batch_norm(x[:, None], None, None, training=True)[:, 0], (data - data.mean()) / data.std()),
        (F.cosine_similarity(x, x.flip(), 0), 2 * 100 * 400 / norm**2),
        (mg.ones(5000, dtype=mg.float16).cumsum(0)[-1], 5000),
    ]:
        assert ours.dtype == mg.float16
        np.testing.assert_allclose(ours.detach(), right, rtol=2e-3)
    assert mg.var(mg.tensor(np.arange(70_000) % 7, dtype=mg.float16)).item() == 4
    small = mg.tensor([0.01, 0.02, 0.03], dtype=mg.float16)
    np.testing.assert_allclose(F.rms_norm(small, (3,))[0], 0.463, rtol=2e-3)
    np.testing.assert_allclose(mg.full((1_000_000,), 0.1).cumsum(0)[-1], 100_000, rtol=1e-6)
