"""Chapter 3a: elementwise operators.

Each gradient is ∂out/∂x where it exists. At kinks it is the value that PyTorch gives: abs'(0) = 0,
maximum and minimum share a tie evenly, clip passes the gradient on its closed interval.
"""

import math

import numpy as np

from minigrad.backend import on_host, special
from minigrad.op import op

# -- arithmetic -------------------------------------------------------------------------------------------------------


@op(np.add, x=1, y=1)
def add(x, y):
    """x + y, elementwise; shapes broadcast."""
    return x + y


@op(np.subtract, x=1, y=-1)
def subtract(x, y):
    """x − y, elementwise; shapes broadcast."""
    return x - y


@op(np.multiply, x=lambda y: y, y=lambda x: x)
def multiply(x, y):
    """x · y, elementwise; shapes broadcast."""
    return x * y


@op(np.divide, x=lambda g, y: g / y, y=lambda out, y: -out / y)  # y = 0, a number, must give ∞ and no error
def divide(x, y):
    """x / y, elementwise; shapes broadcast."""
    return x / y


@op(np.floor_divide, x=0, y=0)
def floor_divide(x, y):
    """⌊x / y⌋, elementwise; shapes broadcast."""
    return x // y


@op(np.remainder, x=1, y=lambda x, y: -(x // y))
def remainder(x, y):
    """x − y ⌊x / y⌋, elementwise: it has the sign of y; shapes broadcast."""
    return x % y


@op(np.fmod, x=1, y=lambda x, y: -np.trunc(x / y))
def fmod(x, y):
    """x − y · (x / y, rounded towards 0), elementwise: it has the sign of x; shapes broadcast."""
    return np.fmod(x, y)


@op(np.reciprocal, x=lambda out: -out * out)
def reciprocal(x):
    """1 / x, elementwise; of integers too."""
    return 1 / x


@op(np.power, x=lambda x, y: y * x ** one_less(x, y), y=lambda x, y, out: out * finite_log(x, y))
def power(x, y):
    """xʸ, elementwise; shapes broadcast."""
    return x**y


def one_less(x, y):
    """y − 1, but at x = y = 0 it is 1: there 0 · 0⁻¹ is not a number, and 0 · 0¹ is 0."""
    if isinstance(y, int | float):
        return y - 1 if y else 0  # times y = 0 it makes no difference, as long as the power is finite
    return np.where((x == 0) & (y == 0), 1, y - np.ones_like(x))  # in the dtype of xʸ, which x may have widened


def finite_log(x, y):
    """log x, but where x = 0 and y ≥ 0 it is 0: xʸ log x tends to 0 there, and 0 · log 0 is not a number."""
    if isinstance(x, int | float) and x > 0:
        return math.log(x)
    return np.log(np.where((x == 0) & (y >= 0), np.ones_like(y), x))  # in the dtype of xʸ, too


@op(np.square, x=lambda x: 2 * x)
def square(x):
    """x², elementwise."""
    return x * x


@op(np.negative, x=-1)
def negative(x):
    """−x, elementwise."""
    return -x


@op(np.positive, np.copy, x=1)
def clone(x):
    """A copy of x."""
    return x.copy()


@op(x=1)
def cast(x, dtype):
    """x in another dtype."""
    return x.astype(dtype)


# -- exponentials, logarithms, roots ----------------------------------------------------------------------------------


@op(np.exp, x=lambda out: out)
def exp(x):
    """eˣ, elementwise."""
    return np.exp(x)


@op(np.exp2, x=lambda out: math.log(2) * out)
def exp2(x):
    """2ˣ, elementwise."""
    return np.exp2(x)


@op(np.expm1, x=lambda x: np.exp(x))  # not out + 1, which rounds to 0 where out is close to −1
def expm1(x):
    """eˣ − 1, elementwise: exact near x = 0."""
    return np.expm1(x)


@op(np.log, x=lambda x: 1 / x)
def log(x):
    """Natural logarithm, elementwise."""
    return np.log(x)


@op(np.log2, x=lambda x: 1 / (x * math.log(2)))
def log2(x):
    """Logarithm to base 2, elementwise."""
    return np.log2(x)


@op(np.log10, x=lambda x: 1 / (x * math.log(10)))
def log10(x):
    """Logarithm to base 10, elementwise."""
    return np.log10(x)


@op(np.log1p, x=lambda x: 1 / (1 + x))
def log1p(x):
    """log(1 + x), elementwise: exact near x = 0."""
    return np.log1p(x)


def share(x, y):
    """eˣ / (eˣ + eʸ), without overflow."""
    return np.exp(-np.logaddexp(0, y - x))


@op(np.logaddexp, x=lambda x, y: share(x, y), y=lambda x, y: share(y, x))
def logaddexp(x, y):
    """log(eˣ + eʸ), elementwise, without overflow; shapes broadcast. Two equal infinities have gradient nan."""
    return np.logaddexp(x, y)


@op(np.sqrt, x=lambda out: 0.5 / out)
def sqrt(x):
    """√x, elementwise; its gradient at 0 is infinite."""
    return np.sqrt(x)


@op(x=lambda out: -0.5 * out * out * out)
def rsqrt(x):
    """1 / √x, elementwise."""
    return 1 / np.sqrt(x)


@op(np.hypot, x=lambda x, out: x / out, y=lambda y, out: y / out)
def hypot(x, y):
    """√(x² + y²), elementwise, without overflow; shapes broadcast. Its gradient where both are 0 is nan."""
    return np.hypot(x, y)


# -- trigonometric and hyperbolic functions ---------------------------------------------------------------------------


@op(np.sin, x=lambda x: np.cos(x))
def sin(x):
    """Sine of x in radians, elementwise."""
    return np.sin(x)


@op(np.cos, x=lambda x: -np.sin(x))
def cos(x):
    """Cosine of x in radians, elementwise."""
    return np.cos(x)


@op(np.tan, x=lambda out: 1 + out * out)
def tan(x):
    """Tangent of x in radians, elementwise."""
    return np.tan(x)


@op(np.arcsin, x=lambda x: 1 / np.sqrt((1 - x) * (1 + x)))  # 1 − x² would cancel near ±1
def arcsin(x):
    """Inverse sine, elementwise, in [−π/2, π/2]; its gradient at ±1 is infinite."""
    return np.arcsin(x)


@op(np.arccos, x=lambda x: -1 / np.sqrt((1 - x) * (1 + x)))
def arccos(x):
    """Inverse cosine, elementwise, in [0, π]; its gradient at ±1 is infinite."""
    return np.arccos(x)


@op(np.arctan, x=lambda x: 1 / (1 + x * x))
def arctan(x):
    """Inverse tangent, elementwise, in [−π/2, π/2]."""
    return np.arctan(x)


@op(np.arctan2, x=lambda x, y: by_square_distance(y, x, y), y=lambda x, y: -by_square_distance(x, x, y))
def arctan2(x, y):
    """The angle of the point (y, x), elementwise, in [−π, π]: arctan(x / y) if y > 0. Its gradient at (0, 0) is 0."""
    return np.arctan2(x, y)


def by_square_distance(z, x, y):
    """z / (x² + y²), and 0 where x = y = z = 0."""
    distance = np.hypot(x, y)
    distance = distance + (distance == 0)
    return z / distance / distance  # one after the other: the square could overflow


@op(np.sinh, x=lambda x: np.cosh(x))
def sinh(x):
    """Hyperbolic sine, elementwise."""
    return np.sinh(x)


@op(np.cosh, x=lambda x: np.sinh(x))
def cosh(x):
    """Hyperbolic cosine, elementwise."""
    return np.cosh(x)


@op(np.tanh, x=lambda out: 1 - out * out, fused=True)
def tanh(x):
    """Hyperbolic tangent, elementwise."""
    return np.tanh(x)


@op(np.arcsinh, x=lambda x: 1 / np.hypot(x, 1))
def arcsinh(x):
    """Inverse hyperbolic sine, elementwise."""
    return np.arcsinh(x)


@op(np.arccosh, x=lambda x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)))
def arccosh(x):
    """Inverse hyperbolic cosine, elementwise, of x ≥ 1; its gradient at 1 is infinite."""
    return np.arccosh(x)


@op(np.arctanh, x=lambda x: 1 / ((1 - x) * (1 + x)))
def arctanh(x):
    """Inverse hyperbolic tangent, elementwise, of x between −1 and 1, where it is infinite."""
    return np.arctanh(x)


@op(np.sinc, x=lambda x: sinc_slope(x))
def sinc(x):
    """sin πx / πx, elementwise, and 1 at 0."""
    z = math.pi * np.where(x == 0, 1, x)
    return np.where(x == 0, 1, np.sin(z) / z)


def sinc_slope(x):
    """(cos πx − sinc x) / x, but where x rounds to 0 its series: π Σ (−1)ᵏ 2k z²ᵏ⁻¹ / (2k+1)! with z = πx.

    There the fraction is a small difference of large numbers, and with each further derivative it loses more digits.
    """
    near = np.round(x) == 0
    z = math.pi * np.where(near, x, 0)
    series = sum((-1) ** k * 2 * k / math.factorial(2 * k + 1) * z ** (2 * k - 1) for k in range(1, 12))
    x = np.where(near, 1, x)
    return np.where(near, math.pi * series, (np.cos(math.pi * x) - np.sinc(x)) / x)


# -- the error function -----------------------------------------------------------------------------------------------


@op(x=lambda x: 2 / math.sqrt(math.pi) * np.exp(-x * x))
def erf(x):
    """2/√π ∫₀ˣ exp(−t²) dt, the error function, elementwise."""
    return each(math.erf, x)


@op(x=lambda x: -2 / math.sqrt(math.pi) * np.exp(-x * x))
def erfc(x):
    """1 − erf x, elementwise: exact where that rounds to 0."""
    return each(math.erfc, x)


def each(function, x):
    """A function of Python's on every element, for what NumPy lacks; integers become floats."""
    x = 1.0 * x
    if not on_host(x):
        return special(function)(x)
    return np.fromiter(map(function, x.ravel().tolist()), x.dtype, x.size).reshape(x.shape)


# -- signs and rounding -----------------------------------------------------------------------------------------------


def check_floating(x):
    """Raise for integers and bools: unsigned ones, for one, would wrap at a minus sign."""
    if x.dtype.kind != "f":
        raise TypeError(f"x must be floating, not {x.dtype}; write x.float()")


@op(np.absolute, x=lambda x: np.sign(x))
def abs(x):
    """|x|, elementwise; its gradient at 0 is 0."""
    return np.absolute(x)


@op(np.sign, x=0)
def sign(x):
    """−1, 0 or 1, elementwise."""
    return np.sign(x)


@op(np.copysign, x=lambda x, out: np.sign(x) * np.sign(out), y=0)
def copysign(x, y):
    """|x| with the sign of y, elementwise; shapes broadcast. Its gradient at x = 0 is 0."""
    return np.copysign(x, y)


@op(np.floor, x=0)
def floor(x):
    """⌊x⌋, the nearest integer below, elementwise."""
    return np.floor(x)


@op(np.ceil, x=0)
def ceil(x):
    """⌈x⌉, the nearest integer above, elementwise."""
    return np.ceil(x)


@op(np.trunc, x=0)
def trunc(x):
    """x without its fraction, elementwise: rounded towards 0."""
    return np.trunc(x)


@op(np.round, np.around, np.rint, x=0)
def round(x, decimals=0):
    """The nearest number with that many decimals, elementwise; of two that are equally near, the even one."""
    return np.round(x, decimals)


# -- choices ---------------------------------------------------------------------------------------------------------


@op(np.maximum, x=lambda g, x, y: g * (x > y) + g / 2 * (x == y), y=lambda g, x, y: g * (y > x) + g / 2 * (x == y))
def maximum(x, y):
    """The larger of x and y, elementwise; a tie shares the gradient evenly; shapes broadcast."""
    return np.maximum(x, y)


@op(np.minimum, x=lambda g, x, y: g * (x < y) + g / 2 * (x == y), y=lambda g, x, y: g * (y < x) + g / 2 * (x == y))
def minimum(x, y):
    """The smaller of x and y, elementwise; a tie shares the gradient evenly; shapes broadcast."""
    return np.minimum(x, y)


def clip_x(x, min, max):
    """1 between the bounds and on them, 0 outside."""
    return (True if min is None else x >= min) & (True if max is None else x <= max)


@op(np.clip, x=clip_x)
def clip(x, min=None, max=None):
    """x, but at least min and at most max, elementwise; None is no bound. The bounds themselves count as inside."""
    return np.clip(x, min, max)


@op(np.where, x=lambda g, condition: np.where(condition, g, 0), y=lambda g, condition: np.where(condition, 0, g))
def where(condition, x, y):
    """x where condition holds, elsewhere y; shapes broadcast."""
    return np.where(condition, x, y)


@op(x=lambda x: np.isfinite(x))
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with numbers for nan, ∞ and −∞, which get no gradient; None is the dtype's largest and its lowest number."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


# -- comparisons and logic: plain results, no gradient ----------------------------------------------------------------


def plain(numpy_function, forward, docstring):
    """An operator without gradient, under the name of the NumPy function that it stands for."""
    forward.__name__, forward.__doc__ = numpy_function.__name__, docstring
    return op(numpy_function)(forward)


@op(np.equal)
def eq(x, y):
    """x = y, elementwise; `mg.equal`, as in PyTorch, says whether all of them are."""
    return x == y


not_equal = plain(np.not_equal, lambda x, y: x != y, "x ≠ y, elementwise.")
less = plain(np.less, lambda x, y: x < y, "x < y, elementwise.")
less_equal = plain(np.less_equal, lambda x, y: x <= y, "x ≤ y, elementwise.")
greater = plain(np.greater, lambda x, y: x > y, "x > y, elementwise.")
greater_equal = plain(np.greater_equal, lambda x, y: x >= y, "x ≥ y, elementwise.")
logical_and = plain(np.logical_and, lambda x, y: np.logical_and(x, y), "Whether neither x nor y is 0.")
logical_or = plain(np.logical_or, lambda x, y: np.logical_or(x, y), "Whether x or y or both are not 0.")
logical_xor = plain(np.logical_xor, lambda x, y: np.logical_xor(x, y), "Whether x or y, but not both, is not 0.")
logical_not = plain(np.logical_not, lambda x: np.logical_not(x), "Whether x is 0, elementwise.")
bitwise_and = plain(np.bitwise_and, lambda x, y: x & y, "Both x and y: of bools, or of the bits of integers.")
bitwise_or = plain(np.bitwise_or, lambda x, y: x | y, "x or y or both: of bools, or of the bits of integers.")
bitwise_xor = plain(np.bitwise_xor, lambda x, y: x ^ y, "x or y but not both: of bools, or of the bits of integers.")
invert = plain(np.invert, lambda x: ~x, "Not x: of bools, or of the bits of integers.")
isnan = plain(np.isnan, lambda x: np.isnan(x), "Whether an element is not a number.")
isinf = plain(np.isinf, lambda x: np.isinf(x), "Whether an element is ∞ or −∞.")
signbit = plain(np.signbit, lambda x: np.signbit(x), "Whether an element has a minus sign; −0.0 has one.")
isfinite = plain(np.isfinite, lambda x: np.isfinite(x), "Whether an element is neither infinite nor not a number.")


@op(np.isclose)
def isclose(x, y, rtol=1e-5, atol=1e-8, equal_nan=False):
    """|x − y| ≤ atol + rtol · |y|, elementwise."""
    return np.isclose(x, y, rtol, atol, equal_nan)


# PyTorch's names of the same operators; `astype` is NumPy's.
neg, sub, mul, div, true_divide, pow, absolute = negative, subtract, multiply, divide, divide, power, abs
asin, acos, atan, atan2, asinh, acosh, atanh = arcsin, arccos, arctan, arctan2, arcsinh, arccosh, arctanh
ne, lt, le, gt, ge = not_equal, less, less_equal, greater, greater_equal
fix, clamp, bitwise_not, astype = trunc, clip, invert, cast
