"""What a GPU would do silently wrong, or any way it likes: here it is an error."""

import numpy as np


class Undefined(ValueError):
    """The operation runs on a GPU, but what it gives there is undefined."""


def check_write(host):
    """Raise if elements of this array share memory: CuPy has no read-only flag, and threads would race."""
    if 0 in host.strides and host.size:
        for stride, size in zip(host.strides, host.shape, strict=True):
            if stride == 0 and size > 1:
                raise Undefined("write through a broadcast view, whose elements share memory")


def check_cast(host, dtype):
    """Raise if a number has no counterpart in an integer dtype: each processor then gives another one."""
    if host.dtype.kind in "fc" and np.dtype(dtype).kind in "iu" and host.size:
        info = np.iinfo(dtype)
        real = host.real
        fits = (real > float(info.min) - 1) & (real < float(info.max) + 1)
        if not fits.all():
            raise Undefined(f"cast of {real[~fits].flat[0]} to {np.dtype(dtype)}")


def check_repeats(shape, key):
    """Raise if integer arrays in an index name an element twice: which of the values stays is undefined."""
    arrays = [part for part in key if isinstance(part, np.ndarray) and part.dtype.kind in "iu"]
    arrays += [np.asarray(part) for part in key if isinstance(part, list | range)]
    if not arrays or any(array.dtype.kind == "b" for array in arrays):
        return
    if len(arrays) == 1 and len(key) == 1:
        places = arrays[0] % max(shape[0], 1)
    else:
        places = np.arange(int(np.prod(shape))).reshape(shape)[key]
    if places.size != np.unique(places).size:
        raise Undefined("assignment through an index that names an element twice; to add up there is add.at")


def check_repeats_along(indices, axis):
    """`check_repeats` for the indices of put_along_axis."""
    if axis is None:
        indices, axis = indices.reshape(-1), 0
    if (np.diff(np.sort(indices, axis), axis=axis) == 0).any():
        raise Undefined("put_along_axis with an index that names an element twice")
