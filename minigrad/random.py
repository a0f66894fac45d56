"""Random numbers: those of PyTorch, so that a seed gives the same weights, batches and dropout in both packages.

PyTorch's generator on a CPU is the Mersenne Twister, a stream of 32-bit integers that NumPy has too. What is made of
them here, a uniform or a normal number, a permutation, takes them from the stream in PyTorch's order. So the two agree
bit for bit, but for normal numbers in float32: PyTorch rounds their logarithms and cosines in a way of its own.

A room to look things up in: `creation.py` makes tensors of these arrays.

Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998).
"""

from __future__ import annotations

import math
import secrets
import struct
from contextvars import ContextVar
from typing import Any

import numpy as np

from minigrad.backend import device as place
from minigrad.backend import fuse, is_array, on_host, put, to_numpy
from minigrad.graph import recording
from minigrad.op import get_default_dtype
from minigrad.tensor import Tensor, add_methods, as_array, beside, overwrite, wrap

Shape = tuple[int, ...]


class Generator:
    """A stream of random numbers, for those who want one of their own: `randperm(n, generator=...)`.

    >>> from minigrad import rand
    >>> stream = Generator().manual_seed(0)
    >>> rand(2, generator=stream)
    tensor([0.4963, 0.7682])
    """

    def __init__(self, device: Any = "cpu") -> None:
        place(device)  # raises if there is none of that name; the stream serves both
        self.manual_seed(67280421310721)  # where PyTorch's begin

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from an integer of at most 64 bits.

        Raises:
            TypeError: `seed` is no integer.
            ValueError: `seed` needs more than 64 bits.
        """
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise TypeError(f"a seed is an integer, not {seed!r:.60}")
        if not -(2**63) <= int(seed) < 2**64:
            raise ValueError(f"a seed has at most 64 bits, {seed} needs more")
        self._seed = int(seed)
        _, key, at, *_ = np.random.RandomState(self._seed & 0xFFFFFFFF).get_state(legacy=True)
        self._start(key, int(at), None)
        return self

    def seed(self) -> int:
        """Start anew from a seed that nobody can foresee, and return it."""
        return self.manual_seed(secrets.randbits(63)).initial_seed()

    def initial_seed(self) -> int:
        """The seed that the stream was started from."""
        return self._seed

    def _start(self, key: Any, at: int, spare: float | None) -> None:
        twister = np.random.MT19937()
        twister.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": at}}
        self._numpy = np.random.Generator(twister)
        self._spare = spare  # normal numbers come in pairs: the second, if only the first was asked for

    def get_state(self) -> Any:
        """Where the stream is, as a tensor of bytes (uint8): `set_state` goes on from there."""
        state: Any = self._numpy.bit_generator.state["state"]
        rest = _REST.pack(self._seed % 2**64, state["pos"], math.nan if self._spare is None else self._spare)
        return wrap(np.frombuffer(state["key"].astype("<u4").tobytes() + rest, np.uint8).copy(), None)

    def set_state(self, state: Any) -> Generator:
        """Go on from where `get_state` was called.

        Raises:
            TypeError, ValueError: `state` is not what `get_state` gives. Nothing has changed.
        """
        if getattr(state, "dtype", None) != np.uint8:
            raise TypeError(f"a state is the tensor of bytes that get_state gave, not {state!r:.60}")
        data = bytes(state.tolist())
        if len(data) != 4 * 624 + _REST.size:
            raise ValueError(f"a state has {4 * 624 + _REST.size} bytes, this one {len(data)}")
        seed, at, spare = _REST.unpack(data[4 * 624 :])
        if not 0 <= at <= 624:
            raise ValueError(f"not a state that get_state gave: its position is {at}, not from 0 to 624")
        self._seed = seed
        self._start(np.frombuffer(data[: 4 * 624], "<u4").astype(np.uint32), at, None if math.isnan(spare) else spare)
        return self

    # -- the stream -----------------------------------------------------------------------------------------------

    def _bits(self, bits: int, n: int) -> Any:
        """The next n integers of 32 or 64 bits."""
        return self._numpy.integers(0, 2**bits, n, dtype=np.uint32 if bits == 32 else np.uint64)

    def uniform(self, shape: Shape, dtype: Any) -> Any:
        """Uniform on [0, 1), with as many random bits as the dtype has digits; float16 is rounded from float32."""
        if dtype == np.float16:
            u = self.uniform(shape, np.float32).astype(dtype)
            return u * (u < 1)  # what rounds up to 1 becomes 0, as in PyTorch
        bits = self._bits(64 if dtype == np.float64 else 32, math.prod(shape))
        digits = np.finfo(dtype).nmant + 1
        bits &= bits.dtype.type(2**digits - 1)
        return (bits * np.float64(0.5**digits)).astype(dtype, copy=False).reshape(shape)

    def bernoulli(self, shape: Shape, p: float) -> Any:
        """True with probability p < 1."""
        bits = self._bits(64, math.prod(shape))
        bits <<= np.uint64(64 - 53)  # a float64 takes the last 53 of them; compared as integers that is twice as fast
        return (bits < np.uint64(math.ceil(p * 2**53) << (64 - 53))).reshape(shape)

    def normal(self, shape: Shape, dtype: Any) -> Any:
        """Normal with mean 0 and variance 1, two at a time from two uniform numbers.

        Source: Box and Muller, "A note on the generation of random normal deviates", Ann. Math. Stat. 29 (1958).
        """
        n = math.prod(shape)
        if n < 16:
            return np.array([self._one_normal() for _ in range(n)], dtype).reshape(shape)
        wide = np.float32 if dtype == np.float16 else dtype
        u = self.uniform((n,), wide)
        out = np.empty(n, wide)
        out[: n // 16 * 16] = _eight_pairs(u[: n // 16 * 16])
        if n % 16:  # PyTorch then draws the last sixteen again
            out[-16:] = _eight_pairs(self.uniform((16,), wide))
        return out.reshape(shape).astype(dtype, copy=False)

    def _one_normal(self) -> float:
        value, self._spare = self._spare, None
        if value is None:
            turn, v = self.uniform((2,), np.float64).tolist()
            radius = math.sqrt(-2 * math.log1p(-v))
            value, self._spare = (radius * f(2 * math.pi * turn) for f in (math.cos, math.sin))
        return value

    def integers(self, low: int, high: int, shape: Shape) -> Any:
        """Integers, uniform on low ... high − 1.

        Raises:
            ValueError: there is none.
        """
        if low >= high:
            raise ValueError(f"there is no integer from {low} to below {high}")
        bits = self._bits(32 if high - low < 2**28 else 64, math.prod(shape))
        return (low + (bits % np.uint64(high - low)).astype(np.int64)).reshape(shape)

    def permutation(self, n: int) -> Any:
        """The integers 0 ... n − 1 in random order.

        Source: Durstenfeld, "Algorithm 235: random permutation", CACM 7 (1964).
        """
        order = list(range(n))
        left = np.arange(n, 1, -1)
        for i, ahead in enumerate((self._bits(32, max(n - 1, 0)) % left).tolist()):
            order[i], order[i + ahead] = order[i + ahead], order[i]
        return np.array(order, np.int64)


_REST = struct.Struct("<Qqd")  # of a state: the seed, how far the 624 integers are used up, the spare normal number


def _eight_pairs(u: Any) -> Any:
    """Normal numbers from uniform ones; of each sixteen the first eight give the radius, the others the angle."""
    u = u.reshape(-1, 2, 8)
    radius, angle = np.sqrt(-2 * np.log(1 - u[:, 0])), 2 * math.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)


# -- the stream that all of minigrad draws from ----------------------------------------------------------------------

_shared = Generator()
_shared.seed()
_own: ContextVar[Generator | None] = ContextVar("minigrad_generator", default=None)


def current() -> Generator:
    """The stream that functions draw from when they are given none: one for all, or the context's own."""
    return _own.get() or _shared


def use(generator: Generator) -> None:
    """Let the rest of this context, such as a thread that prepares batches, draw from a stream of its own."""
    _own.set(generator)


def manual_seed(seed: int) -> Generator:
    """Start the random numbers anew from `seed`, an integer of at most 64 bits."""
    return current().manual_seed(seed)


def initial_seed() -> int:
    """The seed that the random numbers were started from."""
    return current().initial_seed()


def get_rng_state() -> Any:
    """Where the random numbers are, as a tensor of bytes, to be saved beside the weights."""
    return current().get_state()


def set_rng_state(state: Any) -> None:
    """Go on with the random numbers from where `get_rng_state` was called."""
    current().set_state(state)


# -- where numbers are needed on a GPU in the middle of a training step -----------------------------------------------


def mask(shape: Shape, p: float, like: Any) -> Any:
    """True with probability p < 1, in an array where `like` is.

    On a GPU nothing is copied there: the mask follows from one number of the stream and the place of each element, and
    so is the same again when the stream starts from the same state; but it is another mask than on the CPU.
    """
    if on_host(like):
        return current().bernoulli(shape, p)
    places = np.arange(math.prod(shape), dtype=np.uint32, like=like)
    places *= np.uint32(0x9E3779B9)  # 2³² / φ: one seed's numbers are not another's, moved on by a few places
    places += np.uint32(current().integers(0, 2**32, ()))
    return (scrambled(places) < np.uint32(math.ceil(p * 2**32) - 1)).reshape(shape)


@fuse
def scrambled(x: Any) -> Any:
    """For each integer of 32 bits another, which looks random: one bit of x changes every second bit.

    Source: Appleby, MurmurHash3 (2011), the function fmix32.
    """
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return x ^ (x >> np.uint32(16))


# -- drawn by weight --------------------------------------------------------------------------------------------------


def bernoulli(x: Any, generator: Any = None) -> Tensor:
    """1 with the probability that each element of `x` gives, otherwise 0."""
    p = as_array(x)
    if p.dtype.kind != "f" or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bernoulli: x must hold probabilities, floating numbers from 0 to 1")
    return wrap((beside((generator or current()).uniform(p.shape, p.dtype), p) < p).astype(p.dtype), None)


def multinomial(x: Any, num_samples: int, replacement: bool = False, generator: Any = None) -> Tensor:
    """Positions along the last axis of `x` (..., n), drawn in proportion to its elements: (..., num_samples).

    Args:
        x: how likely each position is; the numbers need not sum to 1.
        num_samples: how many to draw from each row.
        replacement: whether a position may be drawn more than once.

    Raises:
        ValueError: negative, infinite or nan elements, a row of zeros, or too few positions to draw from.
    """
    weights, stream = to_numpy(as_array(x)), generator or current()
    total = weights.sum(-1, keepdims=True, dtype=np.float64)
    if weights.dtype.kind != "f" or not (np.isfinite(total) & (total > 0) & (weights >= 0)).all():
        raise ValueError("multinomial: x must hold finite numbers of at least 0, and in each row one above 0")
    if num_samples < 1 or (not replacement and num_samples > np.count_nonzero(weights, -1).min()):
        raise ValueError(f"multinomial: {num_samples} different positions cannot be drawn from rows of {x.shape}")
    if replacement and num_samples > 1:  # PyTorch draws a single one as if without replacement
        u = stream.uniform((*weights.shape[:-1], num_samples, 1), np.float64)
        drawn = (u > np.cumsum(weights / total, -1)[..., None, :]).sum(-1)
        return wrap(beside(drawn, as_array(x)), None)
    lots = -np.log1p(-stream.uniform(weights.shape, np.float64))
    order = np.argsort(-(weights / lots.astype(weights.dtype)), -1, kind="stable")
    return wrap(beside(order[..., :num_samples], as_array(x)), None)


# -- written into a tensor --------------------------------------------------------------------------------------------


def check_floating(x: Any) -> None:
    """Raise unless it is a floating tensor; before numbers are drawn for it."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        what = "arrays: write w, not w.data" if is_array(x) else getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"random numbers and those of init are written into floating tensors, not {what}")


def uniform_(x: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Overwrite all elements of `x` with numbers uniform on [a, b).

    Raises:
        TypeError: `x` is not floating.
        ValueError: a > b.
        RuntimeError: `x` requires grad, outside of `no_grad()`.
    """
    check_floating(x)
    if not a <= b:
        raise ValueError(f"uniform_ needs a ≤ b, not {a} and {b}")

    def random_uniform(x: Tensor) -> Any:
        low, high = x.dtype.type(a), x.dtype.type(b)
        u = (generator or current()).uniform(x.shape, x.dtype).astype(np.float64)  # to round once, at last
        return put(u * float(high - low) + float(low), x.device)

    return overwrite(x, random_uniform)


def normal_(x: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Overwrite all elements of `x` with normal numbers of this mean and standard deviation.

    Raises:
        TypeError: `x` is not floating.
        ValueError: the standard deviation is negative.
        RuntimeError: `x` requires grad, outside of `no_grad()`.
    """
    check_floating(x)
    if not std >= 0:
        raise ValueError(f"normal_ needs a standard deviation of at least 0, not {std}")

    def random_normal(x: Tensor) -> Any:
        return put((generator or current()).normal(x.shape, x.dtype) * float(std) + float(mean), x.device)

    return overwrite(x, random_normal)


def normal(
    mean: Any, std: Any, size: Any = None, *, dtype: Any = None, requires_grad: bool = False, generator: Any = None,
    device: Any = None,
) -> Tensor:  # fmt: skip
    """Normal numbers of this mean and standard deviation: of the shape `size`, or one for each element of tensors.

    Args:
        mean, std: numbers; or one or both of them tensors, whose shapes broadcast.
        size: the shape, if both are numbers.
        dtype, device: None: those of the tensors, or the defaults.
        requires_grad, generator: as for `randn`.

    Raises:
        TypeError: neither tensors nor a size are given, or both.
        ValueError: a standard deviation is negative.

    >>> from minigrad import tensor
    >>> normal(0.0, 0.01, (2, 3)).shape, normal(tensor([1.0, 2.0]), 0.1).shape
    ((2, 3), (2,))
    """
    like = next((value for value in (mean, std) if isinstance(value, Tensor)), None)
    if (size is None) == (like is None):
        raise TypeError("normal takes numbers and a size, as in normal(0, 0.01, (2, 3)), or tensors and no size")
    if like is None:
        out = Tensor(np.zeros(size), dtype or get_default_dtype(), device=device)
        return normal_(out, mean, std, generator).requires_grad_(requires_grad)
    if not (as_array(std) >= 0).all():
        raise ValueError("normal needs standard deviations of at least 0")
    out = Tensor(np.zeros(np.broadcast_shapes(np.shape(mean), np.shape(std))), dtype or like.dtype, device=like.device)
    with recording(False):
        return (normal_(out, 0.0, 1.0, generator) * std + mean).to(device, out.dtype).requires_grad_(requires_grad)


add_methods({f.__name__: f for f in (bernoulli, multinomial, normal_, uniform_)})
