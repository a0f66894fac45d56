"""Chapter 3a: elementwise operators.

Each gradient is ∂out/∂x where it exists. At kinks it is the value that PyTorch gives: abs'(0) = 0,
maximum and minimum share a tie evenly, clip passes the gradient on its closed interval.
"""

import numpy as np

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


@op(np.divide, x=lambda y: 1 / y, y=lambda out, y: -out / y)
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


@op(np.power, x=lambda x, y: y * x ** one_less(x, y), y=lambda x, y, out: out * finite_log(x, y))
def power(x, y):
    """xʸ, elementwise; shapes broadcast."""
    return x**y


def one_less(x, y):
    """y − 1, but at x = y = 0 it is 1: there 0 · 0⁻¹ is not a number, and 0 · 0¹ is 0."""
    if isinstance(y, int | float):
        return y - 1 if y else 0  # times y = 0 it makes no difference, as long as the power is finite
    return np.where((x == 0) & (y == 0), 1, y - 1)


def finite_log(x, y):
    """log x, but where x = 0 and y ≥ 0 it is 0: xʸ log x tends to 0 there, and 0 · log 0 is not a number."""
    if isinstance(x, int | float):
        x = np.asarray(x, y.dtype)
    return np.log(np.where((x == 0) & (y >= 0), 1, x))


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


# -- functions -------------------------------------------------------------------------------------------------------


@op(np.exp, x=lambda out: out)
def exp(x):
    """eˣ, elementwise."""
    return np.exp(x)


@op(np.log, x=lambda x: 1 / x)
def log(x):
    """Natural logarithm, elementwise."""
    return np.log(x)


@op(np.sqrt, x=lambda out: 0.5 / out)
def sqrt(x):
    """√x, elementwise; its gradient at 0 is infinite."""
    return np.sqrt(x)


@op(np.tanh, x=lambda out: 1 - out * out)
def tanh(x):
    """Hyperbolic tangent, elementwise."""
    return np.tanh(x)


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


# -- comparisons and logic: plain results, no gradient ---------------------------------------------------------------


@op(np.equal)
def equal(x, y):
    """x = y, elementwise."""
    return x == y


@op(np.not_equal)
def not_equal(x, y):
    """x ≠ y, elementwise."""
    return x != y


@op(np.less)
def less(x, y):
    """x < y, elementwise."""
    return x < y


@op(np.less_equal)
def less_equal(x, y):
    """x ≤ y, elementwise."""
    return x <= y


@op(np.greater)
def greater(x, y):
    """x > y, elementwise."""
    return x > y


@op(np.greater_equal)
def greater_equal(x, y):
    """x ≥ y, elementwise."""
    return x >= y


@op(np.bitwise_and)
def bitwise_and(x, y):
    """Both x and y: of bools, or of the bits of integers."""
    return x & y


@op(np.bitwise_or)
def bitwise_or(x, y):
    """x or y or both: of bools, or of the bits of integers."""
    return x | y


@op(np.invert)
def invert(x):
    """Not x: of bools, or of the bits of integers."""
    return ~x


@op(np.isnan)
def isnan(x):
    """Whether an element is not a number."""
    return np.isnan(x)


@op(np.isfinite)
def isfinite(x):
    """Whether an element is neither infinite nor not a number."""
    return np.isfinite(x)


# PyTorch's names of the same operators.
neg, sub, mul, div, pow, absolute = negative, subtract, multiply, divide, power, abs
clamp = clip
astype = cast  # and NumPy's
eq, ne, lt, le, gt, ge = equal, not_equal, less, less_equal, greater, greater_equal
