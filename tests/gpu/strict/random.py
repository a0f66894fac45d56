"""`cupy.random`: its names, dtypes and shapes. The numbers are NumPy's, not those that a GPU would draw."""

import numpy as np

from tests.gpu.strict.array import ndarray, wrap
from tests.gpu.strict.waits import counts, wait


def floating(dtype):
    if np.dtype(dtype).char not in "fd":
        raise TypeError("cupy.random only supports float32 and float64")
    return np.dtype(dtype)


class RandomState:
    """The older generator, and behind the functions of `cupy.random` too."""

    def __init__(self, seed=None, method=100):
        self.seed(seed)

    def seed(self, seed=None):
        self._numpy = np.random.default_rng(seed)

    def random_sample(self, size=None, dtype=float):
        counts.calls += 1
        return wrap(np.asarray(self._numpy.random(size, floating(dtype))))

    def rand(self, *size, **options):
        return self.random_sample(size, **options)

    def standard_normal(self, size=None, dtype=float):
        counts.calls += 1
        return wrap(np.asarray(self._numpy.standard_normal(size, floating(dtype))))

    def randn(self, *size, **options):
        return self.standard_normal(size, **options)

    def normal(self, loc=0.0, scale=1.0, size=None, dtype=float):
        return self.standard_normal(size, dtype) * scale + loc

    def uniform(self, low=0.0, high=1.0, size=None, dtype=float):
        return self.random_sample(size, dtype) * (high - low) + low

    def randint(self, low, high=None, size=None, dtype=int):
        wait("randint()")
        return wrap(np.asarray(self._numpy.integers(low, high, size, dtype)))

    def choice(self, a, size=None, replace=True, p=None):
        wait("choice()")
        return wrap(np.asarray(self._numpy.choice(a if isinstance(a, int) else a._host, size, replace, p)))

    def permutation(self, a):
        counts.calls += 1
        return wrap(self._numpy.permutation(a if isinstance(a, int) else a._host))

    def shuffle(self, a):
        if a.__class__ is not ndarray:
            raise TypeError("The array must be cupy.ndarray")
        counts.calls += 1
        self._numpy.shuffle(a._host)


class Generator:
    """The newer generator: it has neither normal, nor permutation, shuffle, choice or spawn."""

    def __init__(self, bit_generator=None):
        self._numpy = np.random.default_rng(bit_generator)

    def random(self, size=None, dtype=np.float64, out=None):
        counts.calls += 1
        return wrap(np.asarray(self._numpy.random(size, floating(dtype))))

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        counts.calls += 1
        return wrap(np.asarray(self._numpy.standard_normal(size, floating(dtype))))

    def uniform(self, low=0.0, high=1.0, size=None, dtype=np.float64):
        return self.random(size, dtype) * (high - low) + low

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False):
        counts.calls += 1
        return wrap(np.asarray(self._numpy.integers(low, high, size, dtype, endpoint)))


shared = RandomState()
contents = {name: getattr(shared, name) for name in dir(RandomState) if not name.startswith("_")}
contents |= {"random": shared.random_sample, "sample": shared.random_sample, "ranf": shared.random_sample}
contents |= {"RandomState": RandomState, "default_rng": lambda seed=None: Generator(seed)}
