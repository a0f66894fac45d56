"""CuPy on the host's processor computes what NumPy computes, counts what it would cost, and says what it cannot do."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.gpu import hipcpu
from tests.gpu.hipcpu import building

WHY_NOT = hipcpu.missing()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")

RANDOM = np.random.default_rng(0)
A, B = RANDOM.normal(size=(4, 5)), RANDOM.normal(size=(4, 5))
IMAGES = RANDOM.normal(size=(2, 3, 6, 7))
SQUARE = RANDOM.normal(size=(3, 4, 4)) + 2 * np.eye(4)
SYMMETRIC = SQUARE @ SQUARE.swapaxes(1, 2)
TOLERANCE = {"float16": 5e-3, "float32": 3e-6, "float64": 1e-12}


@pytest.fixture(scope="session")
def cupy() -> Any:
    if (other := os.environ.get("MINIGRAD_GPU", "hipcpu")) != "hipcpu":
        pytest.skip(f"MINIGRAD_GPU={other}: the CuPy of this process is another one")
    return hipcpu.load()


def agree(cupy: Any, f: Callable[..., Any], *arrays: Any, tolerance: float = 0.0) -> None:
    """f(array library, arrays) is the same array, of the same dtype, from both."""
    expected = np.asarray(f(np, *arrays))
    actual = f(cupy, *map(cupy.asarray, arrays))
    assert isinstance(actual, cupy.ndarray)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    tolerance = tolerance or TOLERANCE.get(str(actual.dtype), 0)
    np.testing.assert_allclose(cupy.asnumpy(actual), expected, tolerance, tolerance)


# -- what CuPy's own kernels compute -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum", "power", "arctan2"])
def test_arithmetic(cupy: Any, name: str, dtype: str) -> None:
    agree(cupy, lambda xp, a, b: getattr(xp, name)(a, b), abs(A).astype(dtype), B.astype(dtype))


@pytest.mark.parametrize("name", ["exp", "log1p", "tanh", "sqrt", "sin", "floor", "sign", "isfinite", "logical_not"])
def test_functions_of_one_array(cupy: Any, name: str) -> None:
    agree(cupy, lambda xp, a: getattr(xp, name)(a), abs(A).astype("f4"))


def test_integers_and_promotion(cupy: Any) -> None:
    a, b = np.arange(6).reshape(2, 3) - 3, np.array([2, -2, 5])
    for f in (
        lambda xp, a, b: a // b,
        lambda xp, a, b: a % b,
        lambda xp, a, b: a / b,
        lambda xp, a, b: a * xp.float32(2),
    ):
        agree(cupy, f, a, b)


def test_broadcasting(cupy: Any) -> None:
    agree(cupy, lambda xp, a, b: a[:, None] * b[None, :, 0, None] + 1, A.astype("f4"), B.astype("f4"))
    agree(cupy, lambda xp, a: xp.broadcast_to(a, (3, 4, 5)) + xp.zeros((3, 1, 1), "f4"), A.astype("f4"))


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2, 3)])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "prod", "var", "any"])
def test_reductions(cupy: Any, name: str, axis: Any) -> None:
    agree(cupy, lambda xp, a: getattr(xp, name)(a, axis), IMAGES.astype("f4"), tolerance=1e-5)


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_argmin(cupy: Any, axis: Any) -> None:
    agree(cupy, lambda xp, a: xp.argmin(a, axis), IMAGES.round(1))  # with equal elements: the first counts


def test_a_reduction_of_more_than_one_block(cupy: Any) -> None:
    agree(cupy, lambda xp, a: a.sum(), np.arange(100_000, dtype="i8"))
    agree(cupy, lambda xp, a: xp.cumsum(a), np.arange(5_000, dtype="i8"))


def test_every_float16_is_read_and_written_as_numpy_does(cupy: Any) -> None:
    halves = np.arange(1 << 16, dtype="u2").view("f2")
    assert np.array_equal(cupy.asarray(halves).astype("f4").get(), halves.astype("f4"), equal_nan=True)
    floats = halves.astype("f4")[np.isfinite(halves)]
    between = np.concatenate([floats, np.nextafter(floats, np.float32(9e9)), (floats[:-1] + floats[1:]) / 2])
    with np.errstate(over="ignore"):
        assert np.array_equal(cupy.asarray(between).astype("f2").get(), between.astype("f2"))


def test_indexing_and_shapes(cupy: Any) -> None:
    rows = np.array([3, 0, 0])
    agree(cupy, lambda xp, a, rows: a[rows, 1:], A, rows)
    agree(cupy, lambda xp, a: a[a > 0], A)
    agree(cupy, lambda xp, a, rows: xp.take_along_axis(a, rows[None], 1), A[:1], rows)
    agree(cupy, lambda xp, a: xp.concatenate([a.T, xp.flip(a.T, 0)], 1), A)
    agree(cupy, lambda xp, a: xp.pad(a, ((1, 1), (0, 2))), A)
    agree(cupy, lambda xp, a: xp.lib.stride_tricks.sliding_window_view(a, 3, 1), A)
    agree(cupy, lambda xp, a: xp.stack(xp.nonzero(a > 0)), A)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_add_at_adds_once_for_each_repetition_of_an_index(cupy: Any, dtype: str) -> None:
    def add(xp: Any, a: Any, index: Any, values: Any) -> Any:
        a = a.copy()
        xp.add.at(a, index, values)
        return a

    agree(cupy, add, np.zeros((4, 2), dtype), np.array([1, 3, 1, 1]), np.arange(8).reshape(4, 2).astype(dtype))


# -- libraries -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "int32"])
def test_matmul(cupy: Any, dtype: str) -> None:
    a, b = (10 * A).astype(dtype), (10 * B).astype(dtype)
    tolerance = {"float16": 5e-2, "complex64": 1e-4}.get(dtype, TOLERANCE.get(dtype, 0) * 1e2)
    if dtype == "complex64":
        a = a + 1j * b
    for f in (
        lambda xp, a, b: a @ b.T,
        lambda xp, a, b: a.T @ b,
        lambda xp, a, b: xp.asfortranarray(a) @ b.T,
        lambda xp, a, b: a @ b[0],
        lambda xp, a, b: b[0] @ a.T,
        lambda xp, a, b: a[:, ::2] @ b[:, 1:4].T,
    ):
        agree(cupy, f, a, b, tolerance=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_matmul_of_stacks(cupy: Any, dtype: str) -> None:
    images = IMAGES.astype(dtype)
    for f in (
        lambda xp, a: a @ a.swapaxes(-1, -2),
        lambda xp, a: a.swapaxes(-1, -2) @ a,
        lambda xp, a: a @ a[0, 0].T,
        lambda xp, a: a[:, :1] @ a.swapaxes(2, 3),
    ):
        agree(cupy, f, images, tolerance=TOLERANCE[dtype] * 10)


@pytest.mark.parametrize("subscripts", ["ij,kj->ik", "ij,ij->", "ij->ji", "ij,kl->ijkl", "ij,kj,kl->il"])
def test_einsum(cupy: Any, subscripts: str) -> None:
    arrays = [A, B, B][: subscripts.count(",") + 1]
    agree(cupy, lambda xp, *arrays: xp.einsum(subscripts, *arrays, optimize=True), *arrays)


def test_tensordot_and_outer_products(cupy: Any) -> None:
    agree(cupy, lambda xp, a, b: xp.tensordot(a, b, axes=([0], [0])), A, B)
    agree(cupy, lambda xp, a, b: xp.add.outer(a[0], b[0]), A, B)
    agree(cupy, lambda xp, a, b: xp.dot(a[0], b[0]), A, B)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_sorts(cupy: Any, dtype: str) -> None:
    array = (A * 2).round().astype(dtype)  # with equal elements
    agree(cupy, lambda xp, a: xp.sort(a, axis=0), array)
    agree(cupy, lambda xp, a: xp.argsort(a, axis=1, kind="stable"), array)
    agree(cupy, lambda xp, a: xp.unique(a), array)


def test_what_is_made_of_sorts(cupy: Any) -> None:
    agree(cupy, lambda xp, a: xp.lexsort(a), (A * 2).round())
    agree(cupy, lambda xp, a: xp.median(a, 1), A)
    agree(cupy, lambda xp, a: xp.argpartition(a[0], 2)[2], A)
    agree(cupy, lambda xp, a: xp.searchsorted(xp.sort(a[0]), a[1]), A)


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linear_algebra(cupy: Any, dtype: str, stacked: bool) -> None:
    a, symmetric = SQUARE.astype(dtype), SYMMETRIC.astype(dtype)
    if not stacked:
        a, symmetric = a[0], symmetric[0]
    tolerance = TOLERANCE[dtype] * 100
    for f in (
        lambda xp, a: xp.linalg.inv(a),
        lambda xp, a: xp.linalg.inv(a.swapaxes(-1, -2)),
        lambda xp, a: xp.linalg.det(a),
        lambda xp, a: xp.stack(xp.linalg.slogdet(a)),
        lambda xp, a: xp.linalg.solve(a, a[..., :2] + 1),
        lambda xp, a: xp.linalg.qr(a[..., :3])[0],
        lambda xp, a: xp.linalg.qr(a[..., :2, :])[1],
        lambda xp, a: xp.linalg.cond(a, 1),
        lambda xp, a: xp.linalg.norm(a, axis=(-2, -1)),
    ):
        agree(cupy, f, a, tolerance=tolerance)
    agree(cupy, lambda xp, a: xp.linalg.cholesky(a), symmetric, tolerance=tolerance)


def test_matrices_that_cannot_be_factored_are_noticed_as_cupy_does(cupy: Any) -> None:
    singular = cupy.asarray([[1.0, 2.0], [2.0, 4.0]])
    sign, logdet = cupy.linalg.slogdet(singular)
    assert (float(sign), float(logdet)) == (0, -np.inf)
    from cupyx import errstate

    with errstate(linalg="raise"), pytest.raises(np.linalg.LinAlgError):
        cupy.linalg.cholesky(-singular)


def test_random_numbers_have_their_distribution_and_follow_the_seed(cupy: Any) -> None:
    for dtype in ("float32", "float64"):
        first, again, other = (cupy.random.RandomState(seed).uniform(size=10_000, dtype=dtype) for seed in (1, 1, 2))
        assert first.dtype == dtype
        assert bool((first == again).all())
        assert not bool((first == other).any())
        assert 0 <= float(first.min()) < 0.001
        assert 0.999 < float(first.max()) <= 1
        counts = np.histogram(first.get(), 10, (0, 1))[0]
        assert ((counts - 1000) ** 2 / 1000).sum() < 27.9  # χ² of 9 degrees of freedom: 0.1 % lie above
    normal = cupy.random.RandomState(0).standard_normal(10_001)
    assert abs(float(normal.mean())) < 0.04
    assert abs(float(normal.std()) - 1) < 0.03


# -- kernels of one's own --------------------------------------------------------------------------------------------


def test_fuse_makes_one_kernel_of_many(cupy: Any) -> None:
    def gelu(x):  # fuse takes a function without annotations
        return 0.5 * x * (1 + cupy.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))

    x = cupy.asarray(A.astype("f4"))
    fused = cupy.fuse()(gelu)
    fused(x)
    with hipcpu.counting() as apart:
        expected = gelu(x)
    with hipcpu.counting() as together:
        actual = fused(x)
    assert (apart.launches, together.launches) == (9, 1)
    np.testing.assert_allclose(actual.get(), expected.get(), 1e-6)


def test_elementwise_kernel(cupy: Any) -> None:
    kernel = cupy.ElementwiseKernel("T x, T y", "T out", "out = x > y ? x * x : rsqrt(y)", "either")
    x, y = abs(A).astype("f4"), abs(B).astype("f4")
    np.testing.assert_allclose(kernel(cupy.asarray(x), cupy.asarray(y)).get(), np.where(x > y, x * x, y**-0.5), 1e-6)


def test_reduction_kernel_whose_threads_wait_for_each_other(cupy: Any) -> None:
    norm = cupy.ReductionKernel("T x", "T out", "x * x", "a + b", "out = sqrt(a)", "0", "euclidean_norm")
    x = RANDOM.normal(size=(3, 1000)).astype("f4")
    np.testing.assert_allclose(norm(cupy.asarray(x), axis=1).get(), np.linalg.norm(x, axis=1), 1e-5)


def test_raw_kernel_with_shared_memory_and_shuffles(cupy: Any) -> None:
    source = r"""
    extern "C" __global__ void sums(const float* x, float* by_block, float* by_warp) {
        extern __shared__ float seen[];
        int i = threadIdx.x, n = blockDim.x;
        seen[i] = x[blockIdx.x * n + i];
        __syncthreads();
        for (int half = n / 2; half; half /= 2) {
            if (i < half) seen[i] += seen[i + half];
            __syncthreads();
        }
        if (i == 0) by_block[blockIdx.x] = seen[0];
        float mine = x[blockIdx.x * n + i];
        for (int distance = warpSize / 2; distance; distance /= 2) {
            mine += __shfl_down_sync(~0u, mine, distance);  // the name that CUDA still has
        }
        if (i % warpSize == 0) atomicAdd(&by_warp[blockIdx.x], mine);
    }"""
    kernel = cupy.RawKernel(source, "sums")
    x = cupy.arange(3 * 128, dtype="f4")
    by_block, by_warp = cupy.zeros(3, "f4"), cupy.zeros(3, "f4")
    kernel((3,), (128,), (x, by_block, by_warp), shared_mem=128 * 4)
    expected = np.arange(3 * 128, dtype="f4").reshape(3, 128).sum(1)
    assert by_block.tolist() == by_warp.tolist() == expected.tolist()


def test_template_kernels_and_definitions(cupy: Any) -> None:
    source = "template <class T> __global__ void fill(T* out) { out[threadIdx.x] = VALUE; }"
    module = cupy.RawModule(code=source, options=("-DVALUE=7",), name_expressions=["fill<int>", "fill<double>"])
    for name, dtype in (("fill<int>", "i4"), ("fill<double>", "f8")):
        out = cupy.zeros(3, dtype)
        module.get_function(name)((1,), (2,), (out,))
        assert out.tolist() == [7, 7, 0]


def test_a_kernel_that_does_not_compile_shows_the_compilers_words(cupy: Any) -> None:
    from cupy.cuda.compiler import CompileException

    with pytest.raises(CompileException, match="no_such_function"):
        cupy.RawKernel('extern "C" __global__ void f(float* x) { *x = no_such_function(); }', "f").compile()


# -- the order of threads --------------------------------------------------------------------------------------------


def winners(cupy: Any) -> int:
    """Which of 1024 threads in 8 blocks is the last to write."""
    out = cupy.zeros(1, "i4")
    kernel = cupy.RawKernel(
        'extern "C" __global__ void race(int* out) { *out = blockIdx.x * 128 + threadIdx.x; }', "race"
    )
    kernel((8,), (128,), (out,))
    return int(out[0])


def test_shuffled_order_shows_a_race(cupy: Any) -> None:
    def five(seed: int) -> list[int]:
        with hipcpu.shuffled(seed):
            return [winners(cupy) for _ in range(5)]

    first, again, other = five(1), five(1), five(2)
    assert first == again
    assert len({*first, *other}) > 5
    if not os.environ.get("MINIGRAD_HIPCPU_SHUFFLE"):
        assert winners(cupy) == 1023


def test_shuffled_order_changes_no_reduction_of_integers(cupy: Any) -> None:
    x = cupy.arange(30_000).reshape(100, 300)
    with hipcpu.shuffled(3):
        for axis in (None, 0, 1):
            assert (x.sum(axis).get() == x.get().sum(axis)).all()
        assert (cupy.cumsum(x, 1).get() == x.get().cumsum(1)).all()


# -- counts ----------------------------------------------------------------------------------------------------------


def test_counts_of_launches_copies_and_waits(cupy: Any) -> None:
    host = np.ones((3, 3), "f4")
    x = cupy.asarray(host)
    x @ x + x  # compiles
    with hipcpu.counting() as counts:
        y = x @ x + x
    assert (counts.launches, counts.library_calls, counts.waits, counts.compilations) == (1, 1, 0, 0)
    assert counts.kernels == ["hipblasSgemm", "cupy_add__float32_float32_float32"]
    with hipcpu.counting() as counts:
        y.get()
        line = lines_above()
    assert (counts.downloads, counts.uploads, counts.waits, counts.launches) == (1, 0, 1, 0)
    assert counts.waits_at == [f"{__file__}:{line - 1}: y.get()"]
    with hipcpu.counting() as counts:
        cupy.asarray(host)
    assert (counts.uploads, counts.downloads, counts.waits) == (1, 0, 0)
    with hipcpu.counting() as counts:
        cupy.zeros((3, 3)).data.copy_from_device(x.data, x.nbytes)
    assert (counts.fills, counts.device_copies, counts.launches) == (1, 1, 0)


def test_counting_inside_counting(cupy: Any) -> None:
    x = cupy.ones(3)
    x + x
    with hipcpu.counting() as outer:
        x + x
        with hipcpu.counting() as inner:
            x + x
    assert (outer.launches, inner.launches) == (2, 1)
    assert outer.kernels == inner.kernels * 2


def lines_above() -> int:
    """The number of the line that calls."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def forward(cupy: Any, x: Any) -> Any:
    x = x * 2
    return x[x > 0]  # a mask: its result's size is known to the device alone


def test_no_waits_names_the_line_of_a_hidden_wait(cupy: Any) -> None:
    x = cupy.asarray(A)
    with pytest.raises(hipcpu.HostWaited) as caught, hipcpu.no_waits():
        forward(cupy, x)
    source, start = inspect.getsourcelines(forward)
    assert f"{__file__}:{start + 2}: {source[2].strip()}" in str(caught.value)
    assert "no_waits() forbids" in str(caught.value.__cause__)
    assert forward(cupy, x).size  # afterwards waits are allowed again


def quiet_sum(cupy: Any, x: Any) -> float | None:
    with contextlib.suppress(cupy.cuda.runtime.CUDARuntimeError):
        return float(x.sum())
    return None


def test_no_waits_notices_a_wait_whose_error_was_swallowed(cupy: Any) -> None:
    x = cupy.asarray(A)
    with pytest.raises(hipcpu.HostWaited, match=r"float\(x\.sum\(\)\)"), hipcpu.no_waits():
        quiet_sum(cupy, x)


def test_no_waits_lets_work_pass_and_other_errors_through(cupy: Any) -> None:
    x = cupy.asarray(A)
    with hipcpu.no_waits():
        x = (x @ x.T).sum(0) + 1
    with pytest.raises(ZeroDivisionError), hipcpu.no_waits():
        raise ZeroDivisionError
    with pytest.raises(hipcpu.HostWaited), hipcpu.no_waits():
        cupy.cuda.get_current_stream().synchronize()


# -- refusals --------------------------------------------------------------------------------------------------------


def test_an_error_of_work_handed_over_comes_with_the_next_call_and_then_is_gone(cupy: Any) -> None:
    x = cupy.arange(3)
    kernel = cupy.RawKernel(
        'extern "C" __global__ void checked(const long long* x) { assert(x[threadIdx.x] != 1); }', "checked"
    )
    kernel((1,), (3,), (x,))
    with pytest.raises(cupy.cuda.driver.CUDADriverError, match=r"hipErrorAssert: checked: assertion failed: x\["):
        x + 1
    assert (x + 1).tolist() == [1, 2, 3]


def test_threads_that_wait_for_ever_are_an_error(cupy: Any) -> None:
    source = r"""
    extern "C" __global__ void stuck() {
        if (threadIdx.x < 64) __syncthreads();
        else if (threadIdx.x < 96) __syncwarp();
        else while (true) __syncwarp();
    }"""
    cupy.RawKernel(source.replace("while (true) __syncwarp()", "__syncthreads()"), "stuck")((1,), (128,), ())
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="wait at different barriers"):
        cupy.cuda.get_current_stream().synchronize()


def test_what_is_not_there_is_refused_by_name(cupy: Any, capfd: pytest.CaptureFixture[str]) -> None:
    cupy.random.default_rng(0).random(3)
    with pytest.raises(
        cupy.cuda.runtime.CUDARuntimeError, match="no GPU to run a kernel that the wheel holds compiled"
    ):
        cupy.cuda.get_current_stream().synchronize()
    with pytest.raises(cupy.cuda.cufft.CuFFTError):
        cupy.fft.fft(cupy.ones(8))
    with pytest.raises(cupy.cuda.cusolver.CUSOLVERError):
        cupy.linalg.svd(cupy.ones((2, 2)))
    assert "has no hipfft" in (said := capfd.readouterr().err)
    assert "has no rocsolver_dgesvd" in said
    assert cupy.ones(3).sum() == 3  # no error is left over


def test_memory_that_nobody_wrote_does_not_pass_for_zeros(cupy: Any) -> None:
    memory = cupy.cuda.runtime.malloc(64)
    try:
        out = np.zeros(64, "u1")
        cupy.cuda.runtime.memcpy(out.ctypes.data, memory, 64, cupy.cuda.runtime.memcpyDeviceToHost)
        assert (out == 0xA5).all()
    finally:
        cupy.cuda.runtime.free(memory)


# -- building and caches ---------------------------------------------------------------------------------------------


def test_a_build_is_made_once(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(made: Any) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(building, "_make", never)
    assert hipcpu.build().folder.is_dir()
    assert hipcpu.load() is cupy
    monkeypatch.setenv("MINIGRAD_HIPCPU_CXX", "g++ -O0")
    with pytest.raises(AssertionError, match="built again"):
        hipcpu.build()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MINIGRAD_HIPCPU_CXX", "no-such-compiler -O1", "no-such-compiler, which is not installed"),
        ("PATH", "", "not installed"),
    ],
)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(name, value)
    assert message in str(hipcpu.missing())
    with pytest.raises(RuntimeError, match=message):
        hipcpu.build()


def test_other_platforms_and_other_wheels_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as other:
        other.setattr(building.platform, "machine", lambda: "arm64")
        assert "not on Linux on arm64" in str(hipcpu.missing())
    with monkeypatch.context() as other:
        other.setattr(building, "WHEEL", "cupy-rocm-9-9")
        assert "is not the ROCm wheel cupy-rocm-9-9" in str(hipcpu.missing())
    with monkeypatch.context() as other:
        other.setattr(building.importlib.util, "find_spec", lambda name: None)
        assert "pip install cupy-rocm-7-0" in str(hipcpu.missing())


PROGRAM = """
import json, sys
from tests.gpu import hipcpu
cupy = hipcpu.load()
with hipcpu.counting() as counts:
    source = 'extern "C" __global__ void f(float* x) {{ x[threadIdx.x] += {salt}; }}'
    x = cupy.zeros(4, "f4")
    cupy.RawKernel(source, "f")((1,), (4,), (x,))
print(json.dumps([counts.compilations, x.tolist()]))
"""


def started(program: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process: subprocess.Popen[str]) -> Any:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return json.loads(out)


def test_processes_share_compiled_kernels_and_save_their_sources(cupy: Any, tmp_path: Path) -> None:
    salt = int.from_bytes(os.urandom(3), "big")  # a kernel that no cache has
    program, values = PROGRAM.format(salt=salt), [float(salt)] * 4
    ours = {"CUPY_CACHE_DIR": str(tmp_path / "cupy"), "MINIGRAD_HIPCPU_SOURCES": str(tmp_path / "sources")}
    at_once = [answer(process) for process in [started(program, **ours) for _ in range(3)]]
    assert [result for _, result in at_once] == [values] * 3
    assert max(compilations for compilations, _ in at_once) == 1
    assert answer(started(program, **ours)) == [0, values]  # from CuPy's cache
    ours["CUPY_CACHE_DIR"] = str(tmp_path / "other")
    assert answer(started(program, **ours)) == [0, values]  # from the stand-in's
    (source,) = [file for file in (tmp_path / "sources").iterdir() if str(salt) in file.read_text()]
    assert source.suffix == ".cu"
    assert source.read_text().startswith("// option: ")
    assert not list(hipcpu.build().kernels.glob("compiling-*"))


def test_loading_after_cupy_is_an_error(cupy: Any) -> None:
    program = "import sys\nsys.modules['cupy'] = None\nfrom tests.gpu import hipcpu\nhipcpu.load()"
    process = started(program)
    _, errors = process.communicate(timeout=60)
    assert "cupy is imported already: call hipcpu.load() before anything imports it" in errors
