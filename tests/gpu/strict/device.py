"""`cupy.cuda` and the memory pools: one device, which is not there. Only what a program asks for; all of it is here."""

import gc
import types

from tests.gpu.strict.array import ndarray
from tests.gpu.strict.waits import wait

MEMORY = 8 << 30  # bytes that the device says it has


class Device:
    """`cupy.cuda.Device`: number 0, and no other."""

    def __init__(self, device=0):
        if device not in (0, None):
            raise CUDARuntimeError(f"cudaErrorInvalidDevice: there is no device {device}")
        self.id = 0

    mem_info = (MEMORY // 2, MEMORY)
    compute_capability = "80"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return isinstance(other, Device)

    def __hash__(self):
        return self.id

    def __repr__(self):
        return "<CUDA Device 0>"

    def use(self):
        pass

    def synchronize(self):
        wait("Device.synchronize()")


class Stream:
    """`cupy.cuda.Stream`: the work is done at once, so it only counts the waits."""

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def use(self):
        return self

    def synchronize(self):
        wait("Stream.synchronize()")


Stream.null = Stream()


class CUDARuntimeError(RuntimeError):
    """What the real runtime raises."""


def check_device(device):
    if device:
        raise CUDARuntimeError(f"cudaErrorInvalidDevice: there is no device {device}")


def getDeviceProperties(device):
    check_device(device)
    return {
        "name": b"strict stand-in",
        "major": 8,
        "minor": 0,
        "totalGlobalMem": MEMORY,
        "multiProcessorCount": 1,
        "warpSize": 32,
    }


def buffers():
    """The bytes of all device memory in use, each block once, in blocks of 512 as CuPy's pool has them."""
    arrays = [x for x in gc.get_objects() if type(x) is ndarray and x._base is None]
    return sum(-(-x.nbytes // 512) * 512 for x in arrays)


class MemoryPool:
    """`cupy.get_default_memory_pool()`: what is in use is counted when asked; nothing is kept in store."""

    def __init__(self, allocator=None):
        self._limit = 0

    used_bytes = staticmethod(buffers)
    total_bytes = staticmethod(buffers)

    def free_bytes(self):
        return 0

    def n_free_blocks(self):
        return 0

    def free_all_blocks(self, stream=None):
        pass

    def set_limit(self, size=None, fraction=None):
        self._limit = size if size is not None else int((fraction or 0) * MEMORY)

    def get_limit(self):
        return self._limit


pool = MemoryPool()


class Module(types.ModuleType):
    """A part of CuPy."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} in the strict stand-in")


def module(name, **contents):
    made = Module(name)
    vars(made).update(contents)
    return made


runtime = module(
    "cupy.cuda.runtime",
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=lambda: 1,
    getDevice=lambda: 0,
    setDevice=check_device,
    getDeviceProperties=getDeviceProperties,
    deviceSynchronize=lambda: wait("deviceSynchronize()"),
    memGetInfo=lambda: Device.mem_info,
    runtimeGetVersion=lambda: 12000,
    driverGetVersion=lambda: 12000,
    is_hip=False,
)
cuda = module(
    "cupy.cuda",
    Device=Device,
    Stream=Stream,
    MemoryPool=MemoryPool,
    runtime=runtime,
    is_available=lambda: True,
    get_device_id=lambda: 0,
    get_current_stream=lambda device_id=-1: Stream.null,
    set_allocator=lambda allocator=None: None,
)
