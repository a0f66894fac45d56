"""The strict stand-in for CuPy: each of its manners, and its answers held against those of the genuine CuPy."""

from __future__ import annotations

import copy
import importlib.machinery
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.gpu import strict
from tests.gpu.probes import asking
from tests.gpu.probes.purpose import WHY
from tests.gpu.probes.questions import QUESTIONS, world
from tests.gpu.strict import MadeToWait, Undefined, counts, record, signatures

cp = strict.cupy
HOST = np.ones((2, 3), np.float32)


def numbers(*shape: int, dtype: Any = np.float32) -> Any:
    return cp.asarray(np.arange(np.prod(shape), dtype=dtype).reshape(shape))


def last_words(text: str) -> str:
    """The last line that says something."""
    return next((line for line in reversed(text.splitlines()) if any(map(str.isalpha, line))), "no word of why")


# -- held against CuPy itself -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    recorded = asking.read(asking.RECORDED)
    if recorded["numpy"].split(".")[:2] != np.__version__.split(".")[:2]:
        pytest.skip(f"CuPy's answers were recorded with NumPy {recorded['numpy']}: other versions dispatch otherwise")
    with strict.installed():
        return asking.tally(asking.answers(cp, strict.counting), recorded["answers"])


def test_every_question_has_a_recorded_answer() -> None:
    assert list(asking.read(asking.RECORDED)["answers"]) == QUESTIONS


def test_nothing_that_cupy_refuses_is_accepted(found: dict[str, list[str]]) -> None:
    assert found.get("LEAK", []) == []


def test_what_cupy_accepts_gives_the_same_here(found: dict[str, list[str]]) -> None:
    assert found.get("DIFFERENT", []) == []


def test_what_makes_cupy_wait_counts_as_a_wait_here(found: dict[str, list[str]]) -> None:
    assert found.get("OTHER WAITS", []) == []


def test_the_stand_in_is_stricter_only_on_purpose(found: dict[str, list[str]]) -> None:
    assert sorted(found["stricter"]) == sorted(WHY)


def test_most_questions_have_the_same_answer(found: dict[str, list[str]]) -> None:
    """Or the comparison says little."""
    assert len(found["same"]) > 0.6 * len(QUESTIONS)


def test_the_answers_of_an_installed_cupy_are_those_recorded(tmp_path: Any) -> None:
    """The whole comparison anew, where there is a GPU, or the CPU in its place: the recorded answers are CuPy's."""
    out = tmp_path / "answers.json"
    run = subprocess.run(
        [sys.executable, "-m", "tests.gpu.probes", "real", str(out), "--only", "a @ v", "np.exp(a, out=z); z"],
        capture_output=True,
        text=True,
    )
    if run.returncode:
        pytest.skip(f"no CuPy that computes: {last_words(run.stderr)}")
    recorded = asking.read(asking.RECORDED)["answers"]
    for question, answer in asking.read(out)["answers"].items():
        assert asking.same(answer, recorded[question]), question


def test_the_record_is_that_of_the_installed_cupy() -> None:
    if importlib.machinery.PathFinder.find_spec("cupy") is None:
        pytest.skip("no CuPy is installed")
    run = subprocess.run([sys.executable, "-m", "tests.gpu.strict.record", "-"], capture_output=True, text=True)
    if run.returncode:
        pytest.skip(f"CuPy cannot be imported: {last_words(run.stderr)}")
    made = json.loads(run.stdout)
    if made["version"] != signatures.RECORD["version"]:
        pytest.skip(f"the record is of CuPy {signatures.RECORD['version']}, installed is {made['version']}")
    assert made == signatures.RECORD


def test_two_sets_of_answers_are_told_apart() -> None:
    answer = ["device", "float32", [2], [1.0, 2.0]]
    assert asking.verdict(answer, answer) == "same"
    assert asking.verdict(answer, [*answer, "waits"]) == "OTHER WAITS"
    assert asking.verdict(answer, ["device", "float64", [2], [1.0, 2.0]]) == "DIFFERENT"
    assert asking.verdict(answer, ["device", "float32", [2], [1.0, 2.5]]) == "DIFFERENT"
    assert asking.verdict(answer, ["raises", "TypeError", "no"]) == "LEAK"
    assert asking.verdict(["raises", "TypeError", "no"], answer) == "stricter"
    assert asking.verdict(["raises", "TypeError", "a"], ["raises", "TypeError", "b"]) == "both refuse"


def test_numpy_in_the_place_of_cupy_would_leak_and_differ() -> None:
    """So the comparison is worth something."""
    lax = type(sys)("lax")
    lax.__dict__.update(vars(np), ndarray=type("ndarray", (), {}))  # so its arrays count as the host's
    recorded = asking.read(asking.RECORDED)["answers"]
    some = ["cp.zeros(1, 'g')", "a + n", "np.add.at(z, (i, i), v[:2]); z", "np.sum(a)"]
    verdicts = [asking.verdict(asking.ask(lax, question, strict.counting), recorded[question]) for question in some]
    assert verdicts == ["LEAK", "LEAK", "LEAK", "DIFFERENT"]


# -- installing -------------------------------------------------------------------------------------------------------


def test_import_cupy_imports_the_stand_in_only_while_it_is_installed() -> None:
    before = sys.modules.get("cupy")
    with strict.installed() as cupy:
        import cupy as imported
        import cupy.cuda
        import cupyx.scipy.special  # noqa: F401

        assert imported is cupy
        assert imported.cuda.is_available()
        with strict.installed() as inner:
            assert inner is cupy
        assert sys.modules["cupy"] is cupy
    assert sys.modules.get("cupy") is before


def test_importing_the_stand_in_leaves_the_process_as_it_was() -> None:
    program = "import sys, numpy; import tests.gpu.strict, tests.gpu.probes.asking; print('cupy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


# -- nothing crosses unasked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("convert", [np.asarray, np.array, np.float32, np.ascontiguousarray, memoryview, hash, round])
def test_no_implicit_conversion(convert: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        convert(cp.ones(1).sum())


@pytest.mark.parametrize("name", ["add", "mul", "truediv", "pow", "matmul", "lt", "eq", "floordiv", "sub", "mod"])
def test_an_operator_refuses_a_host_array_on_either_side_and_in_place(name: str) -> None:
    import operator

    of = getattr(operator, name)
    for host in (HOST, np.ones(1, np.float32)):
        with pytest.raises(TypeError):
            of(numbers(2, 3), host)
        with pytest.raises(TypeError):
            of(host, numbers(2, 3))
        if hasattr(operator, f"i{name}"):
            with pytest.raises(TypeError):
                getattr(operator, f"i{name}")(numbers(2, 3), host)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: np.where(HOST > 0, a, 0),
        lambda a: np.where(a > 0, HOST, a),
        lambda a: np.concatenate([a, HOST]),
        lambda a: np.stack([a, HOST]),
        lambda a: np.clip(a, HOST, 3),
        lambda a: np.einsum("ij,ij->", a, HOST),
        lambda a: np.take(a, np.array([0]), 0),
        lambda a: np.isclose(a, HOST),
        lambda a: np.copyto(a, HOST),
        lambda a: np.copyto(HOST, a),
        lambda a: a[np.array([0])],
        lambda a: a[HOST > 0],
        lambda a: np.add.at(a, cp.asarray([0]), HOST),
        lambda a: np.add(a, a, out=HOST),
        lambda a: np.sum(a, out=HOST),
        lambda a: cp.exp(HOST),
        lambda a: cp.sum(HOST),
        lambda a: cp.exp([1.0]),
        lambda a: a.__setitem__(0, HOST[0]),
        lambda a: a.__setitem__(0, [1, 2, 3]),
        lambda a: np.dot(a, HOST.T),
        lambda a: np.pad(HOST, a),
    ],
)
def test_host_arrays_are_refused(call: Callable[..., Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        call(numbers(2, 3))


def test_numpys_numbers_are_operands_as_in_cupy() -> None:
    x = numbers(3)
    assert (np.float32(2) * x).dtype == np.float32
    assert (x * np.float64(2)).dtype == np.float64
    assert isinstance(np.float64(2) * x, cp.ndarray)
    assert (x * 2.0).dtype == np.float32


def test_asarray_copies_and_get_copies_back() -> None:
    host = np.ones(3)
    x = cp.asarray(host)
    host[0] = 5
    back = x.get()
    back[1] = 7
    assert x.tolist() == [1, 1, 1]
    assert type(cp.asnumpy(x)) is np.ndarray


# -- what exists ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda a: np.sum(a, where=a > 0),
        lambda a: np.sum(a, initial=1),
        lambda a: np.var(a, correction=1),
        lambda a: np.exp(a, where=a > 0),
        lambda a: np.add(a, a, order="C"),
        lambda a: np.clip(a, min=0),
        lambda a: np.sort(a, stable=True),
        lambda a: np.ones(2, like=a),
        lambda a: np.insert(a, 0, 1),
        lambda a: np.vecdot(a, a),
        lambda a: np.add.at(a, (cp.asarray([0]), cp.asarray([0])), 1.0),
        lambda a: np.add.at(a, [0, 0], 1.0),
        lambda a: np.count_nonzero(a, 0, keepdims=True),
        lambda a: a.item(0),
        lambda a: cp.zeros(3, device="cuda"),
    ],
)
def test_numpys_extras_are_refused(call: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        call(numbers(2, 3))


@pytest.mark.parametrize("name", ["errstate", "block", "insert", "unstack", "frompyfunc", "nditer", "ndenumerate"])
def test_names_that_cupy_lacks_are_missing(name: str) -> None:
    assert hasattr(np, name)
    assert not hasattr(cp, name)


@pytest.mark.parametrize("name", ["ctypes", "itemset", "resize", "setflags", "tostring", "__index__", "__imatmul__"])
def test_attributes_that_cupys_arrays_lack_are_missing(name: str) -> None:
    assert not hasattr(numbers(3), name)


def test_every_attribute_is_one_of_cupys() -> None:
    have = {name for name in dir(strict.ndarray) if not name.startswith("_")}
    assert have <= signatures.RECORD["ndarray"].keys()
    special = {name for name in vars(strict.ndarray) if name.startswith("__")}
    own = {"__slots__", "__module__", "__doc__", "__weakref__", "__init__", "__hash__", "__reduce__"}
    own |= {"__static_attributes__", "__firstlineno__"}  # which Python adds to every class from 3.13 on
    assert special - own <= set(signatures.RECORD["special"])


@pytest.mark.parametrize("module", sorted(signatures.RECORD["modules"]))
def test_every_name_is_one_of_cupys(module: str) -> None:
    have = {name for name in vars(strict.modules[module]) if not name.startswith("__")}
    assert have <= signatures.RECORD["modules"][module].keys()


@pytest.mark.parametrize("name", ["maximum", "logical_and"])
def test_reduce_is_only_for_sums_and_products(name: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(np, name).reduce(numbers(3))
    assert np.add.reduce(numbers(3)).item() == 3


def test_at_takes_the_dtypes_of_atomic_additions_only() -> None:
    for dtype in (np.int8, bool, np.complex64):
        with pytest.raises(TypeError):
            np.add.at(cp.zeros(3, dtype), cp.asarray([0]), 1)
    with pytest.raises(NotImplementedError):
        np.multiply.at(cp.zeros(3), cp.asarray([0]), 1.0)
    x = cp.zeros(3)
    np.add.at(x, cp.asarray([0, 0]), 1.0)
    assert x.tolist() == [2, 0, 0]


def test_dtypes_are_those_of_cupys_loops() -> None:
    assert np.exp(cp.ones(3, np.uint8)).dtype == np.float16
    with pytest.raises(TypeError, match="Wrong type"):
        np.bitwise_and(numbers(3), numbers(3))
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cp.zeros(3, np.longdouble)
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cp.asarray(["text"])


# -- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [np.sum, np.max, np.argmax, np.any, np.mean, lambda a: a[0, 0], lambda a: a[0] @ a[0]])
def test_a_single_number_is_an_array_without_axes(of: Callable[..., Any]) -> None:
    out = of(numbers(2, 3))
    assert isinstance(out, cp.ndarray)
    assert out.shape == ()


def test_views_know_whose_memory_they_show() -> None:
    x = numbers(2, 3)
    for view in (x.T, x[0], x[0, 0], x.reshape(-1), np.swapaxes(x, 0, 1), np.broadcast_to(x, (4, 2, 3)), x.T[1:].T):
        assert view.base is x
    for own in (x, x + 1, x.copy(), x[cp.asarray([0])], x.T.reshape(-1), x.astype(np.float64)):
        assert own.base is None
    x.T[0] = 9
    assert x[:, 0].tolist() == [9, 9]


def test_a_result_is_c_contiguous_whatever_the_operands_are() -> None:
    assert (numbers(2, 3).T + 1).flags.c_contiguous


def test_fresh_memory_is_no_zeros() -> None:
    assert np.isnan(cp.empty(3)).all()
    assert np.isnan(np.empty_like(numbers(3))).all()
    assert (cp.empty(3, np.int64) != 0).all()
    assert np.isnan(cp.ndarray((2,), np.float16)).all()


def test_no_warnings_from_the_device() -> None:
    zero = cp.zeros(3)
    assert np.isnan(zero / zero).all()
    assert np.isinf(np.exp(zero + 1000)).all()
    assert np.isnan(np.mean(cp.zeros(0)))


# -- waits ------------------------------------------------------------------------------------------------------------

WAITING = {
    "float()": lambda a: float(a[0, 0]),
    "item()": lambda a: a[0, 0].item(),
    "get()": lambda a: a.get(),
    "tolist()": lambda a: a.tolist(),
    "a truth value": lambda a: bool(a[0, 0] > 0),
    "nonzero()": lambda a: np.nonzero(a),
    "argwhere()": lambda a: np.argwhere(a),
    "an index that is a mask": lambda a: a[a > 0],
    "printing": repr,
    "unique()": lambda a: np.unique(a),
    "sliding_window_view()": lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, 0),
    "Stream.synchronize()": lambda a: cp.cuda.get_current_stream().synchronize(),
}


@pytest.mark.parametrize("what", WAITING)
def test_waits_are_counted_and_forbidden_by_name_and_line(what: str) -> None:
    x = numbers(2, 3)
    counts.reset()
    WAITING[what](x)
    assert counts.waits >= 1
    with strict.no_waits(), pytest.raises(MadeToWait) as error:
        WAITING[what](x)
    assert what in str(error.value)
    assert "test_strict.py:" in str(error.value)


def test_computing_does_not_wait() -> None:
    x, i = numbers(4, 3), cp.asarray([0, 2])
    counts.reset()
    with strict.no_waits() as inside:
        y = np.exp(x - np.max(x, 1, keepdims=True))
        y = y / y.sum(1, keepdims=True) @ x.T
        y[i] = 0
        z = np.where(y > 0, y, x[:, :1])
        np.add.at(z, i, x[i][:, :1])
        z += np.zeros_like(z)
        assert z.shape == (4, 4)
    assert inside.waits == inside.downloads == 0
    assert inside.calls > 10


def test_counting_is_of_what_is_done_inside() -> None:
    x = numbers(3)
    with strict.counting() as counted:
        float((x + cp.asarray([1, 2, 3])).sum())
    assert (counted.calls, counted.uploads, counted.waits, counted.downloads) == (2, 1, 1, 1)


def test_several_results_have_no_names() -> None:
    """CuPy gives a plain tuple."""
    assert type(np.linalg.slogdet(numbers(2, 2))) is tuple


def test_no_waits_is_of_its_own_thread_and_nests() -> None:
    with strict.no_waits():
        thread = threading.Thread(target=lambda: float(cp.ones(1).sum()))
        thread.start()
        thread.join()
        with strict.no_waits(allowed=True):
            assert float(cp.ones(1).sum()) == 1
        with pytest.raises(MadeToWait):
            float(cp.ones(1).sum())


# -- stricter than CuPy, where that would be silently wrong -----------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: np.broadcast_to(a, (2, 2, 3)).__setitem__(0, 1),
        lambda a: np.broadcast_to(a, (2, 2, 3)).__iadd__(1),
        lambda a: np.add.at(np.broadcast_to(a[:1], (2, 3)), cp.asarray([0]), 1.0),
        lambda a: a.__setitem__(cp.asarray([0, 0]), a),
        lambda a: a.__setitem__((cp.asarray([0, 0]), cp.asarray([1, 1])), a[0, :2]),
        lambda a: np.put_along_axis(a, cp.asarray([[0, 0]]), a[:, :2], 1),
        lambda a: (a / 0).astype(np.int32),
        lambda a: (-1 - a).astype(np.uint8),
        lambda a: (a + 1e10).astype(np.int32),
        lambda a: a[cp.asarray([5])],
        lambda a: np.take(a, cp.asarray([5]), 0),
        lambda a: np.add.at(a, cp.asarray([5]), 1.0),
    ],
)
def test_undefined_results_are_errors(wrong: Callable[..., Any]) -> None:
    with pytest.raises((Undefined, IndexError)):
        wrong(numbers(2, 3))


def test_what_is_defined_is_allowed() -> None:
    x = numbers(2, 3)
    x[cp.asarray([0, 0])] = 1  # the same value: whichever comes last
    x[cp.asarray([0, 1])] = x
    x[:, None][:, 0] = 2
    cp.zeros((0, 3))[...] = 1
    assert (x.astype(np.uint8) == 2).all()


# -- operators between array types ------------------------------------------------------------------------------------


class Theirs:
    """An array type with the protocols, like minigrad's tensors."""

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> str:
        return f"their {ufunc.__name__}"

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> str:
        return f"their {function.__name__}"

    def __radd__(self, other: Any) -> str:
        return "their radd"


def test_another_type_with_numpys_protocols_is_asked() -> None:
    assert numbers(3) + Theirs() == "their add"
    assert np.concatenate([numbers(3), Theirs()]) == "their concatenate"


def test_what_is_no_array_is_refused() -> None:
    for other in (None, "text", [1, 2], object()):
        with pytest.raises(TypeError):
            numbers(2) + other
    assert not (numbers(2) == None).any()  # noqa: E711
    assert (numbers(2) != None).all()  # noqa: E711


# -- copies, devices, memory ------------------------------------------------------------------------------------------


def test_copies_and_pickles() -> None:
    x = numbers(2, 3)
    with strict.installed():
        for again in (copy.deepcopy(x), copy.copy(x), pickle.loads(pickle.dumps(x)), x.copy()):
            assert again is not x
            assert type(again) is type(x)
            assert (again == x).all()


def test_the_device() -> None:
    assert cp.is_available()
    assert cp.cuda.is_available()
    assert cp.cuda.runtime.getDeviceCount() == 1
    assert isinstance(cp.cuda.runtime.getDeviceProperties(0)["name"], bytes)
    assert numbers(2).device == cp.cuda.Device(0)
    with cp.cuda.Device(0):
        pass
    with pytest.raises(RuntimeError, match="no device 1"):
        cp.cuda.Device(1)


def test_the_memory_pool_counts_blocks_in_use_once() -> None:
    pool = cp.get_default_memory_pool()
    before = pool.used_bytes()
    x = cp.zeros(1000, np.float32)
    view = x[10:]
    assert pool.used_bytes() - before == 4096
    del x, view
    assert pool.used_bytes() == before
    pool.free_all_blocks()


def test_random_numbers_have_cupys_dtypes() -> None:
    assert cp.random.rand(3, dtype=np.float32).dtype == np.float32
    assert cp.random.RandomState(0).normal(size=3).dtype == np.float64
    assert not hasattr(cp.random.default_rng(0), "permutation")
    with pytest.raises(TypeError):
        cp.random.rand(3, dtype=np.float16)


# -- fuse -------------------------------------------------------------------------------------------------------------


def test_fuse_computes_what_the_function_says() -> None:
    @cp.fuse
    def gelu(x: Any) -> Any:
        return 0.5 * x * (1 + cp.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))

    @cp.fuse(kernel_name="step")
    def step(w: Any, g: Any, lr: float) -> None:
        w -= lr * g

    x = numbers(2, 3)
    counts.reset()
    y = gelu(x)
    assert counts.calls == 1
    np.testing.assert_allclose(y.get(), gelu.__wrapped__(x).get(), rtol=1e-6)
    step(x, y, 0.5)
    np.testing.assert_allclose(x.get(), numbers(2, 3).get() - 0.5 * y.get(), rtol=1e-6)


def test_what_cupy_cannot_fuse_is_refused() -> None:
    for text in (
        "np.exp(x)",
        "x.mean()",
        "x.T",
        "x @ x",
        "cp.sum(x, keepdims=True)",
        "cp.sum(x) + cp.amax(x)",
        "x if x > 0 else -x",
        "x + np.ones(3)",
        "x.reshape(-1)",
        "cp.concatenate([x, x])",
        "1.0",
    ):
        scope: dict[str, Any] = {"cp": cp, "np": np}
        exec(f"def fused(x):\n  return {text}", scope)
        with pytest.raises((TypeError, AttributeError, ValueError, NotImplementedError)):
            cp.fuse(scope["fused"])(numbers(3))
    with pytest.raises(ValueError, match="kernel"):
        cp.fuse(lambda x: x + 1)(numbers(3))
    with pytest.raises(TypeError):
        cp.fuse(kernel_name="plus")(lambda x: x + 1)(HOST)


# -- the questions themselves -----------------------------------------------------------------------------------------


def test_each_question_is_asked_in_a_world_of_its_own() -> None:
    one, other = world(cp), world(cp)
    one["a"][0] = 7
    assert (other["a"][0] != 7).all()


def test_the_record_of_parameters_reads_signatures() -> None:
    import inspect

    assert record.parameters(inspect.signature(lambda a, b=1, *c, d, e=2, **f: 0)) == "a b= *c d e= **f"
    takes = signatures.Signature("f", "a b= * out=")
    takes.check((1, 2), {"out": 3})
    for args, kwargs in [((), {}), ((1, 2, 3), {}), ((1,), {"a": 2}), ((1,), {"where": 2})]:
        with pytest.raises(TypeError):
            takes.check(args, kwargs)
