"""CuPy on a machine without a GPU: a HIP runtime that runs on the host's processor.

What it is. CuPy's wheel for AMD's ROCm (`cupy-rocm-7-0`) does not contain the GPU's libraries: it looks for
`libamdhip64.so.7` and a dozen others, whose C interfaces are public. This package builds libraries with those names
(`native/`, C++) and loads them before CuPy asks. The wheel is not changed. What it finds behind the names:

- memory, copies, streams, events: the host's memory, at once (`device.cpp`, `memory.cpp`);
- the compiler of kernels: CuPy writes C++ for each operation and dtype; g++ compiles it, behind a header that defines
  the device language (`compiler.cpp`, `include/hipcpu/`);
- launching: loops over blocks and threads, or, where threads wait for each other, a stack for each thread and one host
  thread that hops between them (`launch.cpp`, `barriers.cpp`);
- the libraries: matrix products, LU, Cholesky, QR, random numbers as plain loops (`blas.cpp`, `solver.cpp`,
  `random.cpp`), and sorts by NumPy (`sorting.py`);
- everything else: an error, `hipErrorNotSupported`, that names what is missing, at the next call at the latest.

Needed: Linux on x86-64, g++ and binutils, and an environment of its own (two CuPy wheels in one do not work):

    pip install cupy-rocm-7-0

How it is used. `load()` must come before anything imports CuPy. It builds the libraries on first use (some twenty
seconds) and returns the module; from then on `import cupy` is that module.

    from tests.gpu import hipcpu

    cupy = hipcpu.load()
    with hipcpu.counting() as counts:
        loss = step()
    assert counts.launches <= 40 and counts.waits == 0, counts.kernels
    with hipcpu.no_waits():  # raises HostWaited, which names the line
        step()

`missing()` says in a sentence what keeps it from running, for a test's skip; it imports and builds nothing.

What it can show. CuPy's Python and Cython code is the real one, and so are the kernels' sources: names and keywords
that exist, refusals, dtypes of results, broadcasting, indexing, `add.at`, `fuse`, kernels of one's own; how many
kernels a step launches and which, what it copies, where the host waits. With the order of threads shuffled, results
that depend on the order; the saved sources show whether NVIDIA's compiler takes them (`tests/gpu/nvrtc.py`).

What it cannot show. Speed. NVIDIA's libraries: cuBLAS, cuRAND, cuSOLVER and CUB are not there, nor are AMD's, so
`matmul`, `linalg.*`, random bits and sorts prove CuPy's code above the library and not the library; a CUDA build also
prefers CUB to CuPy's own kernel for reductions, and has warps of 32. True concurrency: kernels are done when the call
returns, so streams order nothing and a race shows only in shuffled order. The last bits of exp, sin and their like,
and denormal float32 numbers, which a GPU takes for zero. What the device leaves undefined (NaN or negative numbers
cast to unsigned integers) is what x86 does. FFT, sparse matrices, SVD and eigenvalues, `cupy.random.Generator` and
graph capture are refused.

A write outside of an array goes unnoticed, as on a device, unless g++ checks it: MINIGRAD_HIPCPU_CXX="g++ -O1 -g
-fsanitize=address", libasan in LD_PRELOAD, ASAN_OPTIONS=detect_leaks=0 and `cupy.cuda.set_allocator(None)`.

Environment variables:

    MINIGRAD_HIPCPU_CACHE    folder of builds and compiled kernels (default: minigrad/hipcpu in the user's cache
                             folder). Builds lie side by side there, under a hash of sources, compiler and CuPy's
                             version, and any number of processes may use it at once. An empty one makes a cold run.
    MINIGRAD_HIPCPU_SOURCES  folder for the sources of the kernels that a run uses (default: inside the build).
    MINIGRAD_HIPCPU_SHUFFLE  a seed: blocks and threads run in random order. See also `shuffled()`.
    MINIGRAD_HIPCPU_CXX      the command that compiles kernels (default: g++ -O1).
"""

from tests.gpu.hipcpu.building import build, missing
from tests.gpu.hipcpu.running import Counts, HostWaited, counting, load, no_waits, shuffled

__all__ = ["Counts", "HostWaited", "build", "counting", "load", "missing", "no_waits", "shuffled"]
