"""Module and the containers: the questions and answers of PyTorch's, and what is promised beyond them."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

# -- the same questions to PyTorch and to minigrad -------------------------------------------------------------------


def net(fw: Any) -> Any:
    """A module with a parameter, buffers, modules, one of them under two names."""

    class Net(fw.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = fw.nn.Linear(2, 3)
            self.scale = fw.nn.Parameter(fw.zeros(2))
            self.register_buffer("seen", fw.zeros(1))
            self.norm = fw.nn.BatchNorm1d(3)
            self.register_buffer("cache", fw.zeros(1), persistent=False)
            self.again = self.first
            self.register_parameter("later", None)
            self.add_module("nothing", None)
            self.register_module("last", fw.nn.Sequential(fw.nn.ReLU(), fw.nn.Linear(3, 1, bias=False)))

        def forward(self, x: Any) -> Any:
            return self.last(self.norm(self.first(x)))

    return Net()


def rows(fw: Any, kind: str = "ModuleList") -> Any:
    """Linear layers of 1, 2, 3 inputs in a list."""
    layers = [fw.nn.Linear(i + 1, 1) for i in range(3)]
    return fw.nn.ModuleList(layers) if kind == "ModuleList" else fw.nn.Sequential(*layers)


def named(fw: Any) -> Any:
    return fw.nn.Sequential(OrderedDict(a=fw.nn.Linear(1, 2), b=fw.nn.ReLU(), c=fw.nn.Linear(2, 1)))


def table(fw: Any) -> Any:
    return fw.nn.ModuleDict({"x": fw.nn.ReLU(), "y": fw.nn.Tanh()})


def after(thing: Any, *steps: Callable[[Any], Any]) -> Any:
    """The thing, when these have been done to it."""
    for step in steps:
        step(thing)
    return thing


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


def kinds(modules: Any) -> list[str]:
    return [type(module).__name__ for module in modules]


def sizes(layers: Any) -> list[int]:
    return [layer.in_features for layer in layers]


def visited(fw: Any) -> list[str]:
    order: list[Any] = []
    net(fw).apply(order.append)
    return kinds(order)


def error(call: Callable[..., Any], *args: Any) -> str:
    """The name of the error that the call raises."""
    try:
        call(*args)
    except Exception as problem:
        return type(problem).__name__
    return "none"


def hooked(fw: Any) -> list[Any]:
    """In which order hooks are called, when one is removed, and in a copy, from which nobody removes any."""
    module, calls = fw.nn.Sequential(fw.nn.Linear(2, 2)), []
    module.register_forward_pre_hook(lambda module, args: calls.append(f"before {type(args).__name__} {len(args)}"))
    first = module.register_forward_hook(lambda module, args, out: calls.append("first"))
    second = module.register_forward_hook(lambda module, args, out: calls.append("second"))
    module(fw.ones(2))
    first.remove()
    first.remove()
    twin = copy.deepcopy(module)
    second.remove()
    calls.append("removed")
    module(fw.ones(2))
    calls.append("copy")
    twin(fw.ones(2))
    return calls


def replaced(fw: Any, before: Any, behind: Any) -> Any:
    """What relu gives when hooks return something."""
    module = fw.nn.ReLU()
    module.register_forward_pre_hook(lambda module, args: before(*args))
    module.register_forward_pre_hook(lambda module, args: args[0] - 3)
    module.register_forward_hook(lambda module, args, out: behind(out))
    module.register_forward_hook(lambda module, args, out: out + 1)
    return module(fw.ones(2)).tolist()


def raising(fw: Any) -> list[Any]:
    """A hook that raises: its error comes through, and it is away after the `with`."""
    module = fw.nn.ReLU()

    def bad(*_: Any) -> None:
        raise LookupError

    with module.register_forward_hook(bad) as handle:
        seen = [handle is not None, error(lambda: module(fw.ones(1)))]
    return [*seen, error(lambda: module(fw.ones(1)))]


def once(fw: Any) -> list[int]:
    """A hook that removes itself while it runs."""
    module, calls = fw.nn.ReLU(), []

    def hook(*_: Any) -> None:
        calls.append(1)
        handle.remove()

    handle = module.register_forward_hook(hook)
    module.register_forward_hook(lambda *_: calls.append(2))
    module(fw.ones(1))
    module(fw.ones(1))
    return calls


def loaded(fw: Any, state: dict[str, Any], strict: bool) -> Any:
    found = net(fw).load_state_dict(state, strict)
    return found.missing_keys, found.unexpected_keys


def converted(fw: Any) -> list[Any]:
    """Converted to float64 with a gradient and a hook: the parameter is the same, its gradient and its hook stay."""
    module, seen = fw.nn.Linear(2, 1), []
    weight = module.weight
    module(fw.ones(1, 2)).sum().backward()
    weight.register_hook(lambda g: seen.append(str(g.dtype).removeprefix("torch.")))
    found = [module.double() is module, module.weight is weight]
    module(fw.ones(1, 2).double()).sum().backward()
    return [*found, weight.grad.tolist(), seen]


STATE = [
    *("scale", "seen", "first.weight", "first.bias"),
    *("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"),
    *("again.weight", "again.bias", "last.1.weight"),
]
PARAMETERS = ["scale", "first.weight", "first.bias", "norm.weight", "norm.bias", "last.1.weight"]
NORM = ["norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]

QUESTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    # -- what is in a module
    "named_parameters": (lambda fw: names(net(fw).named_parameters()), PARAMETERS),
    "named_parameters, prefix": (lambda fw: names(net(fw).named_parameters("p")), [f"p.{name}" for name in PARAMETERS]),
    "named_parameters, own": (lambda fw: names(net(fw).named_parameters(recurse=False)), ["scale"]),
    "named_parameters, each name": (
        lambda fw: names(net(fw).named_parameters(remove_duplicate=False)),
        [*PARAMETERS[:5], "again.weight", "again.bias", PARAMETERS[5]],
    ),
    "parameters, own": (lambda fw: len(list(net(fw).parameters(recurse=False))), 1),
    "named_buffers": (lambda fw: names(net(fw).named_buffers()), ["seen", "cache", *NORM]),
    "named_buffers, own, prefix": (lambda fw: names(net(fw).named_buffers("q", False)), ["q.seen", "q.cache"]),
    "buffers": (lambda fw: len(list(net(fw).buffers())), 5),
    "buffers, own": (lambda fw: len(list(net(fw).buffers(recurse=False))), 2),
    "named_modules": (lambda fw: names(net(fw).named_modules()), ["", "first", "norm", "last", "last.0", "last.1"]),
    "named_modules, each name": (
        lambda fw: names(net(fw).named_modules(prefix="z", remove_duplicate=False)),
        ["z", "z.first", "z.norm", "z.again", "z.last", "z.last.0", "z.last.1"],
    ),
    "named_modules, memo": (lambda fw: names(net(fw).last.named_modules(set())), ["", "0", "1"]),
    "named_children": (lambda fw: names(net(fw).named_children()), ["first", "norm", "last"]),
    "children": (lambda fw: kinds(net(fw).children()), ["Linear", "BatchNorm1d", "Sequential"]),
    "state_dict": (lambda fw: list(net(fw).state_dict()), STATE),
    "get_submodule": (lambda fw: kinds([net(fw).get_submodule(name) for name in ("", "last.1")]), ["Net", "Linear"]),
    "get nothing": (
        lambda fw: [error(net(fw).get_submodule, name) for name in ("scale", "last.2", "first.weight")],
        ["AttributeError"] * 3,
    ),
    "apply": (visited, ["Linear", "BatchNorm1d", "ReLU", "Linear", "Sequential", "Net"]),
    "repr shows both names": (lambda fw: repr(net(fw)).count("in_features=2"), 2),
    "requires_grad_": (lambda fw: {p.requires_grad for p in net(fw).requires_grad_(False).parameters()}, {False}),
    # -- attributes
    "delete a module": (
        lambda fw: names(after(net(fw), lambda m: delattr(m, "first")).named_parameters()),
        ["scale", "norm.weight", "norm.bias", "again.weight", "again.bias", "last.1.weight"],
    ),
    "delete a buffer": (
        lambda fw: list(after(net(fw), lambda m: delattr(m, "seen")).state_dict()),
        [name for name in STATE if name != "seen"],
    ),
    "a deleted buffer's name is free": (
        lambda fw: list(after(net(fw), lambda m: delattr(m, "seen"), lambda m: setattr(m, "seen", 3)).state_dict()),
        [name for name in STATE if name != "seen"],
    ),
    "delete nothing": (lambda fw: error(lambda: delattr(net(fw), "zzz")), "AttributeError"),
    "None": (
        lambda fw: list(after(net(fw), *[lambda m, n=n: setattr(m, n, None) for n in ("scale", "first")]).state_dict()),
        ["seen", *STATE[4:]],
    ),
    "a buffer comes later": (
        lambda fw: list(
            after(net(fw), *[lambda m, v=v: setattr(m, "seen", v) for v in (None, fw.ones(2))]).state_dict()
        ),
        STATE,
    ),
    "what replaces a parameter": (
        lambda fw: [
            error(setattr, net(fw), "scale", value(fw))
            for value in (
                lambda fw: fw.ones(2),
                lambda fw: 3.0,
                lambda fw: fw.nn.ReLU(),
                lambda fw: fw.nn.Parameter(fw.ones(1)),
            )
        ],
        ["TypeError", "TypeError", "TypeError", "none"],
    ),
    "what replaces a module": (
        lambda fw: [
            error(setattr, net(fw), "first", value(fw))
            for value in (lambda fw: fw.ones(2), lambda fw: "x", lambda fw: fw.nn.ReLU, lambda fw: fw.nn.ReLU())
        ],
        ["TypeError", "TypeError", "TypeError", "none"],
    ),
    "what replaces a buffer": (
        lambda fw: [
            error(setattr, after(net(fw), lambda m, first=first: setattr(m, "seen", first(fw))), "seen", value(fw))
            for first in (lambda fw: fw.ones(1), lambda fw: None)
            for value in (lambda fw: 3, lambda fw: [fw.ones(2)], lambda fw: fw.ones(2))
        ],
        ["TypeError", "TypeError", "none"] * 2,
    ),
    "register what is no such thing": (
        lambda fw: [
            error(net(fw).register_buffer, "new", 3),
            error(net(fw).register_parameter, "new", fw.ones(1)),
            error(net(fw).add_module, "new", fw.ones(1)),
            error(net(fw).add_module, "new", fw.nn.ReLU),
        ],
        ["TypeError"] * 4,
    ),
    "names that cannot be": (
        lambda fw: [
            error(net(fw).register_buffer, "a.b", None),
            error(net(fw).register_parameter, "", None),
            error(net(fw).add_module, "forward", None),
            error(net(fw).add_module, 1, None),
        ],
        ["KeyError", "KeyError", "KeyError", "TypeError"],
    ),
    # -- state
    "load, nothing missing": (
        lambda fw: str(net(fw).load_state_dict(net(fw).state_dict())),
        "<All keys matched successfully>",
    ),
    "load, not strict": (
        lambda fw: loaded(
            fw, {name: t for name, t in net(fw).state_dict().items() if name != "scale"} | {"x": 1}, False
        ),
        (["scale"], ["x"]),
    ),
    "load, missing": (lambda fw: error(lambda: loaded(fw, {}, True)), "RuntimeError"),
    "convert": (converted, [True, True, [[2.0, 2.0]], ["float64"]]),
    # -- hooks
    "hooks": (
        hooked,
        ["before tuple 1", "first", "second", "removed", "before tuple 1", "copy", "before tuple 1", "second"],
    ),
    "hooks return": (lambda fw: replaced(fw, lambda x: x * 5, lambda out: out * 10), [21, 21]),
    "hooks return a tuple": (lambda fw: replaced(fw, lambda x: (x * 6,), lambda out: None), [4, 4]),
    "hooks raise": (raising, [True, "LookupError", "none"]),
    "hooks remove themselves": (once, [1, 2, 2]),
    # -- lists
    "list[-1]": (lambda fw: rows(fw)[-1].in_features, 3),
    "list, out of range": (lambda fw: [error(rows(fw).__getitem__, i) for i in (3, -4)], ["IndexError"] * 2),
    "list, no index": (lambda fw: [error(rows(fw).__getitem__, i) for i in ("0", 1.0)], ["TypeError"] * 2),
    "list[1:]": (lambda fw: names(rows(fw)[1:].named_modules()), ["", "0", "1"]),
    "list[::-1]": (lambda fw: sizes(rows(fw)[::-1]), [3, 2, 1]),
    "list + list": (lambda fw: kinds(rows(fw).__add__([fw.nn.ReLU()])), ["Linear", "Linear", "Linear", "ReLU"]),
    "list + ModuleList": (lambda fw: sizes(rows(fw) + rows(fw)), [1, 2, 3, 1, 2, 3]),
    "list +=": (lambda fw: len(after(rows(fw), lambda m: m.__iadd__([fw.nn.ReLU()]))), 4),
    "append": (lambda fw: kinds(rows(fw).append(fw.nn.ReLU())), ["Linear", "Linear", "Linear", "ReLU"]),
    "extend": (lambda fw: len(rows(fw).extend(fw.nn.ReLU() for _ in range(2))), 5),
    "insert": (
        lambda fw: kinds(after(rows(fw), lambda m: m.insert(0, fw.nn.ReLU()), lambda m: m.insert(9, fw.nn.Tanh()))),
        ["ReLU", "Linear", "Linear", "Linear", "Tanh"],
    ),
    "insert moves names": (
        lambda fw: names(after(rows(fw), lambda m: m.insert(1, fw.nn.ReLU())).named_parameters()),
        ["0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias"],
    ),
    "set": (lambda fw: kinds(after(rows(fw), lambda m: m.__setitem__(-1, fw.nn.ReLU()))), ["Linear", "Linear", "ReLU"]),
    "set, out of range": (lambda fw: error(rows(fw).__setitem__, 3, fw.nn.ReLU()), "IndexError"),
    "del": (lambda fw: names(after(rows(fw), lambda m: m.__delitem__(1)).named_modules()), ["", "0", "1"]),
    "del, slice": (lambda fw: sizes(after(rows(fw), lambda m: m.__delitem__(slice(0, 2)))), [3]),
    "del, out of range": (lambda fw: error(rows(fw).__delitem__, 3), "IndexError"),
    "pop": (
        lambda fw: after(m := rows(fw), lambda m: m.pop(0)) and (sizes(m), names(m.named_modules())),
        ([2, 3], ["", "0", "1"]),
    ),
    "in": (lambda fw: [(m := rows(fw))[0] in m, fw.nn.ReLU() in m], [True, False]),
    "reversed": (lambda fw: sizes(reversed(rows(fw))), [3, 2, 1]),
    "empty": (lambda fw: [bool(fw.nn.ModuleList()), len(fw.nn.Sequential())], [False, 0]),
    "the same twice": (lambda fw: len(fw.nn.ModuleList([fw.nn.ReLU()] * 2)), 2),
    "what a list takes": (
        lambda fw: [
            error(rows(fw).append, 3),
            error(rows(fw).append, fw.nn.ReLU),
            error(rows(fw).extend, fw.nn.ReLU()),
            error(lambda: fw.nn.ModuleList([[fw.nn.ReLU()]])),
            error(lambda: fw.nn.ModuleList(fw.nn.ReLU())),
            error(lambda: fw.nn.Sequential([fw.nn.ReLU()])),
            error(lambda: fw.nn.Sequential(fw.nn.ReLU)),
        ],
        ["TypeError"] * 7,
    ),
    "ModuleList computes nothing": (lambda fw: error(lambda: rows(fw)(fw.ones(1))), "NotImplementedError"),
    # -- Sequential: a list whose things may have names
    "named": (lambda fw: (names(named(fw).named_children()), type(named(fw).b).__name__), (["a", "b", "c"], "ReLU")),
    "named[1]": (lambda fw: type(named(fw)[1]).__name__, "ReLU"),
    "named[1:]": (lambda fw: names(named(fw)[1:].named_children()), ["b", "c"]),
    "sequential[1:] keeps numbers": (lambda fw: names(rows(fw, "Sequential")[1:].named_children()), ["1", "2"]),
    "named, append": (lambda fw: names(named(fw).append(fw.nn.Tanh()).named_children()), ["a", "b", "c", "3"]),
    "named, extend": (lambda fw: names(named(fw).extend([fw.nn.Tanh()]).named_children()), ["a", "b", "c", "3"]),
    "named, del": (lambda fw: names(after(named(fw), lambda m: m.__delitem__(1)).named_children()), ["0", "1"]),
    "named, pop": (lambda fw: names(after(named(fw), lambda m: m.pop(1)).named_children()), ["0", "1"]),
    "named, set": (
        lambda fw: names(after(named(fw), lambda m: m.__setitem__(1, fw.nn.Tanh())).named_children()),
        ["a", "b", "c"],
    ),
    "named + named": (lambda fw: names((named(fw) + named(fw)).named_children()), list("012345")),
    # -- dicts
    "dict": (
        lambda fw: (
            list(table(fw)),
            list(table(fw).keys()),
            kinds(table(fw).values()),
            names(table(fw).items()),
            len(table(fw)),
        ),
        (["x", "y"], ["x", "y"], ["ReLU", "Tanh"], ["x", "y"], 2),
    ),
    "dict in": (lambda fw: ["x" in table(fw), "q" in table(fw), 3 in table(fw)], [True, False, False]),
    "dict[...]": (lambda fw: (type(table(fw)["x"]).__name__, error(lambda: table(fw)["q"])), ("ReLU", "KeyError")),
    "dict[...] =": (
        lambda fw: kinds(after(table(fw), lambda m: m.__setitem__("x", fw.nn.ELU())).values()),
        ["ELU", "Tanh"],
    ),
    "dict, update": (
        lambda fw: list(after(table(fw), lambda m: m.update([("z", fw.nn.ELU())]), lambda m: m.update(table(fw)))),
        ["x", "y", "z"],
    ),
    "dict, pop": (lambda fw: (type((m := table(fw)).pop("x")).__name__, list(m)), ("ReLU", ["y"])),
    "dict, del": (lambda fw: list(after(table(fw), lambda m: m.__delitem__("x"))), ["y"]),
    "dict, clear": (lambda fw: len(after(table(fw), lambda m: m.clear())), 0),
    "what a dict takes": (
        lambda fw: [
            error(table(fw).__setitem__, "z", 3),
            error(table(fw).__setitem__, "z", fw.nn.ReLU),
            error(table(fw).__setitem__, 1, fw.nn.ReLU()),
            error(table(fw).__setitem__, "a.b", fw.nn.ReLU()),
            error(table(fw).__setitem__, "", fw.nn.ReLU()),
            error(table(fw).__setitem__, "forward", fw.nn.ReLU()),
            error(table(fw).__setitem__, "training", fw.nn.ReLU()),
            error(table(fw).pop, "z"),
            error(table(fw).__delitem__, "z"),
            error(lambda: fw.nn.ModuleDict([fw.nn.ReLU()])),
        ],
        ["TypeError"] * 3 + ["KeyError"] * 6 + ["TypeError"],
    ),
    # -- parameters
    "ParameterList": (
        lambda fw: names(fw.nn.ParameterList([fw.nn.Parameter(fw.ones(2)), fw.ones(1)]).named_parameters()),
        ["0", "1"],
    ),
    "ParameterList grows": (
        lambda fw: kinds(fw.nn.ParameterList().append(fw.ones(2)).extend([fw.ones(1)])),
        ["Parameter", "Parameter"],
    ),
    "ParameterList[0] =": (
        lambda fw: kinds(after(fw.nn.ParameterList([fw.ones(1)]), lambda m: m.__setitem__(0, fw.ones(2)))),
        ["Parameter"],
    ),
    "ParameterList[1:]": (lambda fw: len(fw.nn.ParameterList([fw.ones(1)] * 3)[1:]), 2),
    "ParameterList of one parameter": (
        lambda fw: error(lambda: fw.nn.ParameterList(fw.nn.Parameter(fw.ones(2)))),
        "TypeError",
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_module_answers_as_pytorchs(question: str) -> None:
    ask, answer = QUESTIONS[question]
    assert ask(mg) == answer


@pytest.mark.parametrize("question", QUESTIONS)
def test_these_are_the_answers_of_pytorch(question: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test EXTRAS=test,oracle")
    ask, answer = QUESTIONS[question]
    assert ask(torch) == answer


# -- what is promised beyond that -------------------------------------------------------------------------------------


def test_a_conversion_reaches_a_graph_made_before() -> None:
    """PyTorch leaves a gradient in another dtype than its parameter then, with which no optimizer steps."""
    model = nn.Linear(2, 1)
    loss = model(mg.ones(1, 2)).sum()
    model.double()
    loss.backward()
    assert model.weight.grad.tolist() == [[1, 1]]
    assert model.weight.grad.dtype == model.weight.dtype == mg.float64


@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_an_optimizer_goes_on_after_a_conversion(rule: str) -> None:
    model = nn.Linear(2, 1)
    optimizer = getattr(mg.optim, rule)(model.parameters(), lr=0.1)
    losses = []
    for convert in (model.float, model.double, model.float):
        convert()
        optimizer.zero_grad()
        loss = (model(mg.ones(1, 2, dtype=model.weight.dtype)) - 10).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        assert model.weight.dtype == loss.dtype
    assert losses == sorted(losses, reverse=True)


def test_a_conversion_takes_parameters_gradients_and_buffers_and_leaves_integers() -> None:
    model = nn.BatchNorm1d(2)
    model(mg.randn(3, 2)).sum().backward()
    for convert, dtype in ((model.half, mg.float16), (model.double, mg.float64), (model.float, mg.float32)):
        assert convert() is model
        assert {t.dtype for t in (*model.parameters(), model.running_mean, model.running_var)} == {dtype}
        assert {p.grad.dtype for p in model.parameters()} == {dtype}
        assert model.num_batches_tracked.dtype == mg.int64
    model.requires_grad_(False).half()
    assert not model.weight.requires_grad


def test_a_property_that_raises_says_why() -> None:
    """`__getattr__` is asked for it then, and must not say that there is no such property."""

    class Net(nn.Module):
        @property
        def width(self) -> int:
            return self.sizes[0]

    with pytest.raises(AttributeError, match="Net has no 'sizes'"):
        _ = Net().width


def test_a_name_that_is_missing_comes_with_the_nearest() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(AttributeError, match="Sequential has no 'paramters'; the nearest name is 'parameters'"):
        _ = model.paramters
    with pytest.raises(AttributeError, match=r"has no module '0.hiden' inside; the nearest name is '0.hidden'"):
        nn.ModuleList([nn.ModuleDict({"hidden": nn.ReLU()})]).get_submodule("0.hiden")
    with pytest.raises(AttributeError, match=r"^Sequential has no 'qqq'$"):
        _ = model.qqq
    assert not hasattr(model, "__length_hint__")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_whole_model_can_be_copied_and_pickled(copied: Any) -> None:
    model = nn.Sequential(
        *[nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(True), nn.Softshrink(0.1), nn.Dropout(0.2)],
        *[
            nn.LSTM(4, 3),
            nn.RNN(3, 3, nonlinearity="relu"),
            nn.GRUCell(3, 3),
            nn.Conv2d(1, 1, 3),
            nn.ConvTranspose1d(1, 1, 3),
        ],
        *[
            nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, activation="gelu"), 1),
            nn.CrossEntropyLoss(mg.ones(3)),
        ],
        nn.ModuleDict({"list": nn.ParameterList([mg.ones(2)]), "one": nn.ParameterList([mg.ones(1)])}),
    )
    model[:3](mg.randn(3, 4))
    model.eval()
    model[0].weight.requires_grad_(False)
    twin = copied(model)
    assert repr(twin) == repr(model)
    assert not any(module.training for module in twin.modules())
    for (name, ours), theirs in zip(model.state_dict().items(), twin.state_dict().values(), strict=True):
        assert np.array_equal(ours.numpy(), theirs.numpy()), name
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert ours is not theirs
        assert ours.requires_grad == theirs.requires_grad
    x = mg.randn(2, 4)
    assert twin[:2](x).tolist() == model[:2](x).tolist()


def shout(module: Any, args: Any, out: Any) -> Any:
    return out * 10


def test_a_pickled_model_keeps_hooks_that_are_functions_of_a_module() -> None:
    model = nn.Sequential(nn.ReLU())
    handle = model[0].register_forward_hook(shout)
    twin = pickle.loads(pickle.dumps(model))
    handle.remove()
    assert twin(mg.ones(1)).tolist() == [10]
    assert model(mg.ones(1)).tolist() == [1]


def test_a_hook_that_is_a_method_of_the_model_belongs_to_the_copy_in_a_copy() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            self.count = 0
            self.inner = nn.ReLU()
            self.inner.register_forward_pre_hook(self.note)

        def note(self, *_: Any) -> None:
            self.count += 1

        def forward(self, x: Any) -> Any:
            return self.inner(x)

    model = Counting()
    twin = copy.deepcopy(model)
    twin(mg.ones(1))
    assert (model.count, twin.count) == (0, 1)


def test_a_module_without_super_init_is_as_one_with_it() -> None:
    class Without(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Linear(2, 2)
            self.register_buffer("seen", mg.zeros(1))

    class With(Without):
        def __init__(self) -> None:
            nn.Module.__init__(self)
            super().__init__()

    for model in (Without(), With()):
        assert list(model.state_dict()) == ["seen", "inner.weight", "inner.bias"]
        assert not model.eval().inner.training


@pytest.mark.parametrize("kind", [list, tuple, nn.ModuleList])
def test_modules_in_a_plain_list_are_as_those_in_a_module_list(kind: Any) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.layers = kind([nn.Linear(2, 2), nn.Dropout()])

    model = Net()
    assert list(model.state_dict()) == ["layers.0.weight", "layers.0.bias"]
    assert not model.eval().layers[1].training


def test_an_appended_module_never_takes_the_name_of_another() -> None:
    """A slice keeps its numbers, 1 and 2: the next is 3, though there are but two. PyTorch overwrites the last."""
    part = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ELU())[1:]
    part.append(nn.SELU())
    assert [(name, type(module).__name__) for name, module in part.named_children()] == [
        ("1", "Tanh"),
        ("2", "ELU"),
        ("3", "SELU"),
    ]


def test_a_part_of_a_model_takes_its_part_of_the_state() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    assert list(model[2:].state_dict()) == ["2.weight", "2.bias"]
    assert model[2:][0] is model[2]


def test_a_list_may_change_while_one_walks_along_it() -> None:
    model = rows(mg)
    for layer in model:
        model.append(nn.Linear(layer.in_features, 2))
    assert sizes(model) == [1, 2, 3, 1, 2, 3]
    assert len(model.extend(model)) == 12


def test_what_else_a_list_can() -> None:
    model, relu = rows(mg), nn.ReLU()
    model.insert(-1, relu)
    assert kinds(model) == ["Linear", "Linear", "ReLU", "Linear"]
    assert model.index(relu) == 2
    model.remove(relu)
    model.reverse()
    assert sizes(model) == [3, 2, 1]
    assert model.pop().in_features == 1
    model.clear()
    assert len(model) == 0


def grown(model: Any) -> None:
    model.extend([nn.ReLU(), 3])


@pytest.mark.parametrize(
    "bad",
    [
        grown,
        lambda model: model.append(3),
        lambda model: model.insert(0, nn.ReLU),
        lambda model: model.__setitem__(0, 3),
        lambda model: model.__setitem__(9, nn.ReLU()),
        lambda model: model.__setitem__(slice(0, 1), [nn.ReLU()]),
        lambda model: model.__delitem__(9),
        lambda model: model.pop(9),
        lambda model: model + 3,
        lambda model: model.__add__([3]),
    ],
)
@pytest.mark.parametrize("make", [rows, named])
def test_what_goes_wrong_with_a_list_changes_nothing(make: Any, bad: Any) -> None:
    model = make(mg)
    before = list(model.named_children())
    with pytest.raises((TypeError, IndexError)):
        bad(model)
    assert list(model.named_children()) == before


@pytest.mark.parametrize(
    "new", [{"z": nn.ReLU(), "x": 3}, {"z": nn.ReLU(), "a.b": nn.ReLU()}, {"z": nn.ReLU(), "keys": nn.ReLU()}, 3]
)
def test_what_goes_wrong_with_a_dict_changes_nothing(new: Any) -> None:
    model = table(mg)
    before = list(model.items())
    with pytest.raises((TypeError, KeyError)):
        model.update(new)
    assert list(model.items()) == before


def test_two_dicts_of_the_same_modules_are_two_modules() -> None:
    relu = nn.ReLU()
    first, second = nn.ModuleDict({"a": relu}), nn.ModuleDict({"a": relu})
    assert first != second
    assert len({first, second}) == 2
    assert len(list(nn.Sequential(first, second).children())) == 2
    assert first.setdefault("b", nn.Tanh()) is first["b"]
    assert first.get("c") is None


def test_parameters_in_containers_are_shown_with_dtype_and_shape() -> None:
    assert (
        repr(nn.ParameterList([mg.ones(2), mg.ones(1, 3).double()]))
        == "ParameterList(0: float32 (2,), 1: float64 (1, 3))"
    )


def test_equal_modules_in_a_list_are_shown_once_with_their_number() -> None:
    assert (
        repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"
    )


def test_zero_grad_may_set_to_zero() -> None:
    model = nn.Linear(2, 1)
    model(mg.ones(1, 2)).sum().backward()
    model.bias.grad = None
    grad = model.weight.grad
    model.zero_grad(set_to_none=False)
    assert model.weight.grad is grad
    assert grad.tolist() == [[0, 0]]
    assert model.bias.grad is None


def test_what_pytorch_saves_in_another_form_is_named_and_changes_nothing() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test EXTRAS=test,oracle")
    model, theirs = nn.Linear(2, 1), torch.nn.Linear(2, 1)
    before = model.weight.tolist()
    with pytest.raises(RuntimeError, match=r"load_state_dict of Linear: weight: .*requires grad"):
        model.load_state_dict({"weight": theirs.weight, "bias": theirs.bias.detach()})
    assert model.weight.tolist() == before


LOOKALIKES = [
    (nn.Conv2d(1, 1, 1), nn.Conv1d),
    (nn.Conv3d(1, 1, 1), nn.Conv2d),
    (nn.ConvTranspose2d(1, 1, 1), nn.ConvTranspose1d),
    (nn.ConvTranspose1d(1, 1, 1), nn.Conv1d),
    (nn.BatchNorm2d(1), nn.BatchNorm1d),
    (nn.BatchNorm3d(1), nn.BatchNorm2d),
    (nn.GRUCell(1, 1), nn.RNNCell),
    (nn.LSTMCell(1, 1), nn.RNNCell),
    (nn.LSTM(1, 1), nn.RNN),
    (nn.ModuleList(), nn.Sequential),
]


@pytest.mark.parametrize(("layer", "other"), LOOKALIKES)
def test_no_layer_is_an_instance_of_another(layer: Any, other: Any) -> None:
    """As in PyTorch: `isinstance(layer, nn.BatchNorm1d)`, in a function that is applied to a model, means just that."""
    assert not isinstance(layer, other)


def test_no_class_of_nn_is_derived_from_another() -> None:
    public = {name: kind for name in nn.__all__ if isinstance(kind := getattr(nn, name), type)}
    pairs = {(a, b) for a, one in public.items() for b, other in public.items() if a != b and issubclass(one, other)}
    assert {(a, b) for a, b in pairs if b != "Module"} == set()


# -- as at first ------------------------------------------------------------------------------------------------------

MADE: dict[str, Any] = {
    "Linear": lambda: nn.Linear(3, 2),
    "Linear, no bias": lambda: nn.Linear(3, 2, bias=False),
    "Bilinear": lambda: nn.Bilinear(2, 3, 4),
    "Embedding": lambda: nn.Embedding(5, 3, padding_idx=1),
    "Conv2d": lambda: nn.Conv2d(2, 4, 3, groups=2),
    "ConvTranspose1d": lambda: nn.ConvTranspose1d(2, 3, 3),
    "LSTM": lambda: nn.LSTM(2, 3, 2, bidirectional=True),
    "GRUCell": lambda: nn.GRUCell(2, 3),
    "BatchNorm1d": lambda: nn.BatchNorm1d(3),
    "BatchNorm1d, bare": lambda: nn.BatchNorm1d(3, affine=False, track_running_stats=False),
    "GroupNorm": lambda: nn.GroupNorm(1, 3),
    "LayerNorm": lambda: nn.LayerNorm(3),
    "RMSNorm": lambda: nn.RMSNorm(3),
    "PReLU": lambda: nn.PReLU(2, init=0.1),
}


@pytest.mark.parametrize("name", MADE)
def test_reset_parameters_draws_what_the_constructor_draws(name: str) -> None:
    mg.manual_seed(3)
    layer = MADE[name]()
    first = layer.state_dict()
    parameters = list(layer.parameters())
    with mg.no_grad():
        for tensor in [*parameters, *layer.buffers()]:
            tensor += 7
    mg.manual_seed(3)
    layer.reset_parameters()
    assert [id(p) for p in layer.parameters()] == [id(p) for p in parameters]
    assert {key: value.tolist() for key, value in layer.state_dict().items()} == {
        key: value.tolist() for key, value in first.items()
    }


def test_a_subclass_may_say_how_its_parameters_begin() -> None:
    class Zeros(nn.Linear):
        def reset_parameters(self) -> None:
            nn.init.zeros_(self.weight)
            nn.init.ones_(self.bias)

    assert Zeros(2, 1).weight.tolist() == [[0, 0]]
    assert Zeros(2, 1)(mg.ones(1, 2)).item() == 1


def test_an_embedding_of_given_rows_is_frozen_unless_told_otherwise() -> None:
    rows = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen, free = nn.Embedding.from_pretrained(rows), nn.Embedding.from_pretrained(rows, freeze=False, padding_idx=0)
    assert frozen(mg.tensor([1])).tolist() == [[3, 4]]
    assert (frozen.weight.requires_grad, free.weight.requires_grad) == (False, True)
    free(mg.tensor([0, 1])).sum().backward()
    assert free.weight.grad.tolist() == [[0, 0], [1, 1]]
    rows.zero_()
    assert free.weight.tolist() == [[1, 2], [3, 4]]
    mg.manual_seed(0)
    nn.Embedding.from_pretrained(rows)
    assert mg.rand(1).item() == pytest.approx(0.49625658988952637)  # PyTorch's first after this seed: nothing was drawn
    with pytest.raises(ValueError, match=r"from_pretrained takes rows, .* not \(2,\)"):
        nn.Embedding.from_pretrained(mg.ones(2))


def test_spellings_of_pytorchs_that_change_nothing() -> None:
    lstm = nn.LSTM(2, 3)
    before = lstm.state_dict()
    assert lstm.flatten_parameters() is None
    assert lstm.weight_ih_l0.tolist() == before["weight_ih_l0"].tolist()
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2, enable_nested_tensor=False)
    assert len(encoder.layers) == 2


def test_a_parameter_takes_the_array_of_a_tensor_for_its_data() -> None:
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data = mg.ones(1, 2)
    layer.weight.data = layer.weight.data - mg.tensor([[0.5, 0.0]])
    assert type(layer.weight.data) is np.ndarray
    assert layer(mg.ones(1, 2)).item() == 1.5
