"""NVIDIA's compiler takes a good kernel and says what is wrong with a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpu import nvrtc

WHY_NOT = nvrtc.missing()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")

GOOD = r"""// option: -I/not/used
// option: -DLENGTH=3
// instance: scale<float>
#include <cupy/complex.cuh>
#include <cupy/carray.cuh>
template <class T> __global__ void scale(CArray<T, 1, true, true> x, complex<T> factor) {
    if (threadIdx.x < LENGTH) x[threadIdx.x] *= factor.real();
}
"""
BAD = 'extern "C" __global__ void f(float* x) { *x = no_such_function(1.0f); }\n'
NEEDS_80 = 'extern "C" __global__ void g() { asm volatile("cp.async.wait_all;"); }\n'  # Ampere's and later


@pytest.mark.parametrize("target", nvrtc.TARGETS)
def test_a_good_kernel_compiles(target: str) -> None:
    assert nvrtc.refusal(GOOD, target) is None


@pytest.mark.parametrize("target", nvrtc.TARGETS)
def test_a_bad_kernel_is_refused_in_the_compilers_words(target: str) -> None:
    assert 'identifier "no_such_function" is undefined' in str(nvrtc.refusal(BAD, target))


def test_a_kernel_may_suit_some_targets_only() -> None:
    assert [bool(nvrtc.refusal(NEEDS_80, target)) for target in ("sm_75", "sm_90")] == [True, False]


def test_the_command_prints_a_table_and_fails_with_a_kernel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.cu").write_text(GOOD)
    assert nvrtc.main([str(tmp_path)]) == 0
    (tmp_path / "bad.cu").write_text(BAD)
    assert nvrtc.main([str(tmp_path), "sm_75", "sm_120"]) == 1
    good, bad = capsys.readouterr().out.split("NVRTC")[:2]
    assert good == ""
    assert [line.split() for line in bad.splitlines()[2:5]] == [
        ["sm_75", "1", "0"],
        ["sm_90", "1", "0"],
        ["sm_120", "1", "0"],
    ]
    assert "bad.cu, sm_75:\n" in bad
    assert "no_such_function" in bad


def test_the_command_says_so_when_there_is_nothing_to_compile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nvrtc.main([str(tmp_path)]) == 2
    assert "no .cu file in" in capsys.readouterr().err


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvrtc, "WHEELS", {"no_such.module": "no-such-wheel"})
    assert "pip install no-such-wheel" in str(nvrtc.missing())
