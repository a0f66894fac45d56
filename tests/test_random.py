"""Random numbers: PyTorch's, from the same seed; streams, their states, and what is refused."""

from __future__ import annotations

import math
import threading
from contextvars import copy_context
from functools import cache
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import random
from tests.oracle import randomness
from tests.oracle.record import load


@cache
def pytorch() -> dict[str, Any]:
    return load("randomness")


@pytest.mark.parametrize("seed", randomness.SEEDS)
def test_a_seed_gives_the_numbers_that_it_gives_in_pytorch(seed: int) -> None:
    """Bit for bit, but for logarithms and cosines in float32, and for products that PyTorch rounds once less."""
    for name, ours in randomness.drawn(mg, seed).items():
        theirs = pytorch()[f"{seed}/{name}"]
        assert ours.shape == theirs.shape, name
        assert ours.dtype == theirs.dtype, name
        if "normal" in name or "randn" in name or "gain" in name or "orthogonal" in name:
            tolerance = 5e-7 if "32" in name else 1e-14
        else:
            tolerance = 1e-15 if "uniform" in name or "options" in name else 0
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=name)
        if "uniform" in name and "float32" in name:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_the_numbers_have_the_distributions_that_they_should_have() -> None:
    n = 200_000
    u, z = mg.rand(n, dtype=mg.float64).numpy(), mg.randn(n, dtype=mg.float64).numpy()
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 1 / 2) < 5 * (1 / 12 / n) ** 0.5
    assert abs(u.var() - 1 / 12) < 0.001
    assert abs(z.mean()) < 5 / n**0.5
    assert abs(z.var() - 1) < 0.02
    assert abs((z**4).mean() - 3) < 0.1
    assert abs(mg.bernoulli(mg.full((n,), 0.3)).mean().item() - 0.3) < 0.006
    counts = np.bincount(mg.randint(2, 7, (n,)).numpy())
    assert counts[:2].tolist() == [0, 0]
    np.testing.assert_allclose(counts[2:] / n, 1 / 5, atol=0.006)
    firsts = np.bincount([mg.randperm(3)[0].item() for _ in range(3000)])
    np.testing.assert_allclose(firsts / 3000, 1 / 3, atol=0.05)
    drawn = mg.multinomial(mg.tensor([0.0, 1.0, 3.0]), n, replacement=True).numpy()
    np.testing.assert_allclose(np.bincount(drawn) / n, [0, 0.25, 0.75], atol=0.006)


def test_float16_never_reaches_one() -> None:
    assert mg.rand(300_000, dtype=mg.float16).numpy().max() < 1


def test_like_takes_shape_and_dtype() -> None:
    x = mg.zeros(3, 4, dtype=mg.float64)
    for like in (mg.rand_like, mg.randn_like):
        assert (like(x).shape, like(x).dtype) == (x.shape, x.dtype)
        assert like(x, dtype=mg.float32, requires_grad=True).dtype == mg.float32


def test_normal_numbers_have_the_shape_dtype_and_grad_that_were_asked_for() -> None:
    x = mg.ones(2, 1, dtype=mg.float64, requires_grad=True)
    assert (mg.normal(0, 1, (2, 3)).dtype, mg.normal(0, 1, (2, 3)).shape) == (mg.float32, (2, 3))
    assert (mg.normal(x, mg.ones(3)).dtype, mg.normal(x, mg.ones(3)).shape) == (mg.float64, (2, 3))
    assert mg.normal(x, 1.0).is_leaf
    assert not mg.normal(x, 1.0).requires_grad
    assert mg.normal(0, 1, (2,), requires_grad=True).requires_grad
    assert mg.normal(x, 1.0, dtype=mg.float16, requires_grad=True).dtype == mg.float16
    assert mg.normal(mg.zeros(0), 1.0).shape == (0,)
    assert mg.normal(1.5, 0.0, ()).item() == 1.5


def test_a_parameter_is_filled_under_no_grad_and_stays_one() -> None:
    w = mg.nn.Parameter(np.zeros((3, 4)))
    with mg.no_grad():
        assert w.normal_(0.0, 0.01) is w
        assert w.uniform_() is w
    assert w.is_leaf
    assert w.requires_grad
    assert 0 <= w.min().item() <= w.max().item() < 1


def test_float32_numbers_written_are_those_of_the_functions() -> None:
    mg.manual_seed(6)
    expected = [mg.rand(30).tolist(), mg.randn(30).tolist()]
    mg.manual_seed(6)
    whole = mg.zeros(60)
    assert [whole[::2].uniform_().tolist(), whole[1::2].normal_().tolist()] == expected
    assert whole[::2].tolist() == expected[0]


# -- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 1, 623, 624, 1000])
def test_a_state_goes_on_where_it_was_taken(before: int) -> None:
    mg.manual_seed(5)
    mg.rand(before)
    mg.randn(3)  # leaves a normal number over
    state = mg.get_rng_state()
    assert state.dtype == np.uint8
    first = [mg.randn(1).item(), *mg.rand(700).tolist()]
    mg.manual_seed(99)
    mg.set_rng_state(state)
    assert [mg.randn(1).item(), *mg.rand(700).tolist()] == first
    assert mg.initial_seed() == 5


def test_a_stream_of_ones_own_leaves_the_common_one_alone() -> None:
    mg.manual_seed(1)
    expected = mg.rand(4).tolist()
    mg.manual_seed(1)
    stream = mg.Generator().manual_seed(2)
    mg.rand(3, generator=stream)
    mg.randperm(3, generator=stream)
    mg.randint(3, (4,), generator=stream)
    mg.multinomial(mg.ones(3), 2, generator=stream)
    mg.nn.init.normal_(mg.zeros(20), generator=stream)
    mg.zeros(3).uniform_(generator=stream)
    mg.normal(0, 1, (3,), generator=stream)
    mg.normal(mg.ones(3), 1, generator=stream)
    assert mg.rand(4).tolist() == expected


def test_a_fresh_seed_is_another_each_time() -> None:
    stream = mg.Generator()
    seeds = {stream.seed() for _ in range(5)}
    assert len(seeds) == 5
    assert stream.initial_seed() in seeds


def test_a_context_may_have_a_stream_of_its_own() -> None:
    mg.manual_seed(1)
    expected = mg.rand(3).tolist()
    mg.manual_seed(1)
    context, found = copy_context(), []

    def work() -> None:
        random.use(mg.Generator().manual_seed(8))
        found.append(mg.rand(2).tolist())

    thread = threading.Thread(target=context.run, args=(work,))
    thread.start()
    thread.join()
    assert found == [mg.rand(2, generator=mg.Generator().manual_seed(8)).tolist()]
    assert mg.rand(3).tolist() == expected


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.manual_seed(1.5), TypeError, "a seed is an integer, not 1.5"),
        (lambda: mg.manual_seed(True), TypeError, "a seed is an integer, not True"),
        (lambda: mg.manual_seed(2**64), ValueError, "at most 64 bits"),
        (lambda: mg.set_rng_state(mg.zeros(4)), TypeError, "the tensor of bytes that get_state gave"),
        (lambda: mg.set_rng_state([1, 2]), TypeError, "the tensor of bytes that get_state gave"),
        (lambda: mg.set_rng_state(mg.get_rng_state()[:-1]), ValueError, "a state has 2520 bytes, this one 2519"),
        (lambda: mg.set_rng_state(mg.full((2520,), 255, dtype=mg.uint8)), ValueError, "its position is"),
        (lambda: mg.randint(3, 3, (2,)), ValueError, "there is no integer from 3 to below 3"),
        (lambda: mg.rand(-1), ValueError, "sizes of at least 0"),
        (lambda: mg.rand(2.5), TypeError, "float"),
        (lambda: mg.bernoulli(mg.tensor([1.5])), ValueError, "probabilities"),
        (lambda: mg.multinomial(mg.tensor([1.0, -1.0]), 1), ValueError, "at least 0"),
        (lambda: mg.multinomial(mg.tensor([0.0, 0.0]), 1), ValueError, "in each row one above 0"),
        (lambda: mg.multinomial(mg.tensor([1, 2]), 1), ValueError, "finite numbers"),
        (lambda: mg.multinomial(mg.tensor([1.0, 0.0]), 2), ValueError, "2 different positions cannot be drawn"),
        (lambda: mg.multinomial(mg.tensor([1.0, 0.0]), 0), ValueError, "0 different positions cannot be drawn"),
        (lambda: mg.normal(0, 1), TypeError, "numbers and a size"),
        (lambda: mg.normal(mg.ones(2), 1, (2,)), TypeError, "or tensors and no size"),
        (lambda: mg.normal(0, -1, (2,)), ValueError, "standard deviation of at least 0, not -1"),
        (lambda: mg.normal(0, mg.tensor([1.0, -1.0])), ValueError, "standard deviations of at least 0"),
        (lambda: mg.normal(0, mg.tensor([math.nan])), ValueError, "standard deviations of at least 0"),
        (lambda: mg.normal(mg.ones(2), mg.ones(3)), ValueError, "broadcast"),
        (lambda: mg.normal(0, 1, (2,), dtype=mg.int64), TypeError, "floating tensors, not int64"),
        (lambda: mg.zeros(2).normal_(0, -1), ValueError, "standard deviation of at least 0, not -1"),
        (lambda: mg.zeros(2).uniform_(math.nan), ValueError, "a ≤ b"),
        (lambda: mg.arange(2).uniform_(), TypeError, "floating tensors, not int64"),
        (lambda: mg.ones(2, requires_grad=True).normal_(), RuntimeError, r"random_normal: .* under `with mg.no_grad"),
        (lambda: (mg.ones(2, requires_grad=True) * 2).uniform_(), RuntimeError, "part of a graph"),
        (lambda: mg.nn.init.normal_(mg.nn.Parameter([0.0]).data), TypeError, "arrays: write w, not w.data"),
        (lambda: mg.nn.init.uniform_(mg.zeros(2), 1, 0), ValueError, "a ≤ b"),
        (lambda: mg.nn.init.normal_(mg.zeros(2), 0, -1), ValueError, "standard deviation of at least 0"),
        (lambda: mg.nn.init.zeros_(mg.arange(2)), TypeError, "floating tensors, not int64"),
        (lambda: mg.nn.init.zeros_([1.0]), TypeError, "floating tensors, not list"),
        (lambda: mg.nn.init.eye_(mg.zeros(2)), ValueError, "a matrix"),
        (lambda: mg.nn.init.dirac_(mg.zeros(2, 2)), ValueError, "the weight of a convolution"),
        (lambda: mg.nn.init.orthogonal_(mg.zeros(2)), ValueError, "two axes or more"),
        (lambda: mg.nn.init.xavier_uniform_(mg.zeros(2)), ValueError, "two axes or more"),
        (lambda: mg.nn.init.kaiming_normal_(mg.zeros(2, 2), mode="fan"), ValueError, '"fan_in" or "fan_out"'),
        (lambda: mg.nn.init.calculate_gain("gelu"), ValueError, "no gain is known for 'gelu'"),
    ],
)
def test_what_cannot_be_is_refused_and_the_stream_stays_where_it_was(call: Any, error: Any, message: str) -> None:
    before = mg.get_rng_state().tolist()
    with pytest.raises(error, match=message):
        call()
    assert mg.get_rng_state().tolist() == before


def test_init_writes_in_place_and_returns_the_tensor() -> None:
    init = mg.nn.init
    w = mg.nn.Parameter(np.zeros((3, 4)))
    for function in (init.ones_, init.zeros_, init.eye_, init.uniform_, init.normal_, init.xavier_uniform_):
        assert function(w) is w
        assert w.is_leaf
        assert w.requires_grad
    assert init.eye_(w).tolist() == np.eye(3, 4).tolist()
    assert init.constant_(w, 2.5).tolist() == np.full((3, 4), 2.5).tolist()
    q = init.orthogonal_(w, gain=2.0).detach().numpy()
    np.testing.assert_allclose(q @ q.T, 4 * np.eye(3), atol=1e-12)
    assert init.orthogonal_(mg.zeros(0, 3)).shape == (0, 3)
    assert init.kaiming_uniform_(mg.zeros(3, 0)).shape == (3, 0)


def test_dirac_passes_channels_on() -> None:
    x = mg.randn(2, 3, 5, 4, dtype=mg.float64)
    weight = mg.nn.init.dirac_(mg.zeros(4, 3, 3, 3, dtype=mg.float64))
    y = mg.nn.functional.conv2d(x, weight, padding=1)
    np.testing.assert_array_equal(y[:, :3].numpy(), x.numpy())
    assert (y[:, 3] == 0).all()


def test_one_sample_is_drawn_alike_with_and_without_replacement_as_in_pytorch() -> None:
    weights, drawn = mg.tensor([0.1, 0.2, 0.3, 0.4]), []
    for replacement in (False, True):
        mg.manual_seed(0)
        drawn.append([mg.multinomial(weights, 1, replacement).item() for _ in range(8)])
    assert drawn == [[2, 2, 3, 3, 1, 2, 0, 1]] * 2  # PyTorch 2.13's
