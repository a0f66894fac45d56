"""What all optimizers share: parameter groups, state, the step, and saving and loading."""

from __future__ import annotations

import inspect
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from minigrad.backend import is_writable, on_host
from minigrad.graph import note_write, recording
from minigrad.nn.module import Parameter, zero_grads
from minigrad.tensor import Tensor, wrap

REQUIREMENTS: list[tuple[str, Callable[[Any], bool], str]] = [  # what arguments of optimizers and schedules must be
    ("in [0, inf)", lambda x: 0 <= x < math.inf, "lr momentum dampening weight_decay eps alpha lr_decay gamma power"),
    ("in [0, inf)", lambda x: 0 <= x < math.inf, "initial_accumulator_value momentum_decay threshold eta_min min_lr"),
    ("in [0, inf)", lambda x: 0 <= x < math.inf, "max_lr base_momentum max_momentum"),
    ("in (0, inf)", lambda x: 0 < x < math.inf, "div_factor final_div_factor"),
    ("in [0, 1]", lambda x: 0 <= x <= 1, "factor end_factor pct_start"),
    ("in (0, 1]", lambda x: 0 < x <= 1, "start_factor"),
    ("two numbers in [0, 1)", lambda x: isinstance(x, list | tuple) and [0 <= b < 1 for b in x] == [True] * 2, "betas"),
    ("a whole number of at least 0", lambda x: x >= 0 and x % 1 == 0, "step patience cooldown"),
    ("a whole number of at least 1", lambda x: x >= 1 and x % 1 == 0, "step_size total_iters T_max T_0 T_mult"),
    ("given, or both epochs and steps_per_epoch", lambda x: x is not None and x >= 1 and x % 1 == 0, "total_steps"),
    ("whole numbers above 0 that increase", lambda x: all(a < b == b // 1 for a, b in pairwise([0, *x])), "milestones"),
    ("a function of the epoch, such as lambda epoch: 0.9**epoch", callable, "lr_lambda"),
    ("'cos' or 'linear'", lambda x: x in ("cos", "linear"), "anneal_strategy"),
    ("'min' or 'max'", lambda x: x in ("min", "max"), "mode"),
    ("'rel' or 'abs'", lambda x: x in ("rel", "abs"), "threshold_mode"),
]
WANTED = {name: (text, fits) for text, fits, names in REQUIREMENTS for name in names.split()}
# What a group may hold besides hyperparameters: a name for people, and what schedules keep there.
NOTES = {"params", "name", "initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"}
# What PyTorch saves besides: how it computes, not what, and the names of parameters.
PYTORCH_ONLY = ["foreach", "fused", "capturable", "differentiable", "param_names"]
PYTORCH_FORM = inspect.signature(lambda params, defaults: None)  # what PyTorch's base class takes
MAXIMIZE = inspect.Parameter("maximize", inspect.Parameter.KEYWORD_ONLY, default=False)


class Optimizer:
    """What all optimizers share. A rule says in one method, `update`, how a parameter moves.

    As an operator's gradients do, `update` asks by parameter name for what it needs:

        w, g            the parameter, to be moved in place, and its gradient
        step=0          the number of this step, from 1
        number=start    a number that is kept from step to step; `update` returns the next one, {"number": ...}
        another name    an array like w that is kept from step to step, 0 at first
        is_new=False    whether such arrays are new, as at the first step
        after the slash hyperparameters; they are the constructor's arguments, in this order and with these defaults

    A subclass in PyTorch's form works too: it has no `update`, gives this constructor the parameters and a dict of
    hyperparameters, and writes a `step` of its own, of `param_groups` and `state`, under `no_grad`.

    `update` writes formulas of whole arrays, each element by itself, and never asks for their values: so the same text
    runs on a GPU, which is then not waited for.

    Args:
        params: the tensors to optimize: leaves that require grad, each once. A frozen `Parameter` may be among them.
            Or a list of parameter groups: dicts of such "params" and of hyperparameters for them alone.
        maximize: climb instead of descending.

    Raises:
        TypeError: `params` is not a list of tensors, or something else that yields tensors or groups; the rule has no
            such hyperparameter.
        ValueError: no parameters, one that is given twice or that would never move, or a hyperparameter out of range.

    Attributes:
        param_groups: a dict for each group: "params" and its hyperparameters, which may be changed between steps.
        state: parameter -> what the rule has kept of it, a dict.
        defaults: the hyperparameters of a group that has none of its own.

    >>> class SignDescent(Optimizer):
    ...     def update(self, w, g, /, lr=0.01):
    ...         w -= lr * np.sign(g)
    >>> import numpy as np
    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignDescent([w], lr=0.5).step()
    >>> w
    tensor([ 0.5, -1.5], requires_grad=True)
    """

    update: Any = None
    kept_if: ClassVar[Mapping[str, str]] = {}  # array -> the hyperparameter without which it is neither kept nor given
    implied: ClassVar[Mapping[str, Any]] = {}  # hyperparameters of PyTorch's that can only have this value here
    kept: ClassVar[dict[str, Any]] = {}  # what the rule asks for besides w and g -> its default
    numbers: ClassVar[dict[str, float]] = {}  # those of them that are numbers
    _name: ClassVar[str] = "Optimizer"
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls) -> None:
        """Read off what the rule asks for."""
        cls._name = cls.__name__
        if cls.update:
            parameters = list(inspect.signature(cls.update).parameters.values())[3:]
            cls.kept = {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_ONLY}
            cls.numbers = {name: start for name, start in cls.kept.items() if type(start) in (int, float)}
            cls.__signature__ = signature("params", cls.update, MAXIMIZE)

    def __init__(self, params: Iterable[Any], *args: Any, **hyperparameters: Any) -> None:
        if self.update:
            self.defaults = bound(self._name, self.__signature__, (params, *args), hyperparameters)
        elif type(self).step is not Optimizer.step:
            given = bound(self._name, PYTORCH_FORM, (params, *args), hyperparameters)
            self.defaults = {**given["defaults"], "params": params}
        else:
            raise NotImplementedError(f"{self._name} defines no update rule, such as update(self, w, g, /, lr=0.01)")
        self.param_groups: list[dict[str, Any]] = []
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self._approved: dict[int, tuple[Any, Any]] = {}
        if not (params := listed(self._name, self.defaults.pop("params"))):
            raise ValueError(f"{self._name} needs at least one parameter; the list is empty")
        for group in params if isinstance(params[0], Mapping) else [{"params": params}]:
            self.add_param_group(group)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in vars(self).get("defaults", {}):  # or it would silently have no effect
            cure = f"write for group in optimizer.param_groups: group[{name!r}] = {value!r:.60}"
            raise AttributeError(f"{self._name}: each parameter group has its {name}; {cure}")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        lines = [f"{self._name} ("]
        for i, group in enumerate(self.param_groups):
            said = [f"    {name}: {group[name]}" for name in sorted(group.keys() - {"params"})]
            lines += [f"Parameter Group {i}", *said]
        return "\n".join([*lines, ")"])

    # -- groups and hyperparameters -------------------------------------------------------------------------------

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Optimize more parameters: {"params": [...], "lr": 0.01}; hyperparameters not given are the defaults.

        Raises:
            TypeError, ValueError: as the constructor. Then nothing has been added.
        """
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise TypeError(f"{self._name}: a group is a dict with 'params', tensors, not {param_group!r:.60}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else listed(self._name, params)
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{self._name} takes tensors; parameter {i} is a {type(p).__name__}")
            if not (p.is_leaf and (p.requires_grad or isinstance(p, Parameter))):
                problem = "does not require grad" if p.is_leaf else "was computed and is no leaf"
                raise ValueError(f"{self._name}: parameter {i} (shape {p.shape}) {problem}: it would never move")
        ids = [id(p) for group in [*self.param_groups, {"params": params}] for p in group["params"]]
        if len(set(ids)) < len(ids):
            raise ValueError(f"{self._name}: a parameter is in the list twice; it would move twice in each step")
        group = self.defaults | dict(param_group) | {"params": params}
        self.param_groups.append(group | self._checked(group))

    def _checked(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The hyperparameters of a group as numbers of Python; raise if one is out of range, unknown or missing."""
        if wrong := sorted((group.keys() - NOTES) ^ self.defaults.keys()):
            raise ValueError(f"{self._name} has the hyperparameters {list(self.defaults)}: unknown or missing {wrong}")
        return {name: checked(self._name, name, group[name]) for name in self.defaults}

    def _kept(self, options: Mapping[str, Any]) -> list[str]:
        """The arrays that the rule keeps, given its hyperparameters."""
        names = [name for name in self.kept if name not in ("is_new", *self.numbers)]
        return [name for name in names if name not in self.kept_if or options[self.kept_if[name]]]

    # -- training -------------------------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set `.grad` of every parameter to None, or with `set_to_none=False` to zeros."""
        for group in self.param_groups:
            zero_grads(group["params"], set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient.

        Args:
            closure: called first, if it is given: it computes the gradients and returns the loss.

        Returns:
            what `closure` returned.

        Raises:
            TypeError: a `.grad` is not a tensor, or not floating. Then none has moved.
            ValueError: a `.grad` has another shape than its parameter, the memory of a parameter is read-only, or a
                hyperparameter is out of range. Then none has moved.
        """
        loss = None
        if closure is not None:
            with recording(True):
                loss = closure()
        moves = []
        for i, group in enumerate(self.param_groups):
            names, maximize, options = self._approved_of(i, group)
            for p in group["params"]:
                if p.grad is not None:
                    g = gradient_of(p)
                    kept, new = self._remembered(p, names) if names or self.numbers else (self.kept, None)
                    moves.append(((p.data, -g if maximize else g, *kept.values(), *options), p, new))
        note_write(*[given[0] for given, _, _ in moves])
        update = self.update
        for given, p, new in moves:
            changed = update(*given)
            if new:
                self.state[p].update(new | (changed or {}))
        return loss

    def _approved_of(self, i: int, group: dict[str, Any]) -> tuple[list[str], bool, list[Any]]:
        """What the rule keeps for a group, whether it climbs, and the hyperparameters after the slash."""
        said = {**group, "params": None}
        if i not in self._approved or self._approved[i][0] != said:  # most steps go by what the one before has checked
            options = self._checked(group)
            names, maximize = self._kept(options), options.pop("maximize")
            self._approved[i] = deepcopy(said), (names, maximize, list(options.values()))
        return self._approved[i][1]

    def _remembered(self, p: Tensor, names: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the rule is given of the state of `p`, and what of that is new: numbers, and arrays of zeros."""
        w, state, kept = p.data, self.state[p], self.kept.copy()
        new: dict[str, Any] = {}
        for name, start in self.numbers.items():
            kept[name] = new[name] = state.get(name, start) + (name == "step")
        for name in names:
            tensor = state.get(name)
            if tensor is None:
                tensor = new[name] = wrap(np.zeros_like(w), None)
                if "is_new" in kept:
                    kept["is_new"] = True
            elif tensor.data.shape != w.shape:
                raise ValueError(f"step: the {name} of a parameter of shape {w.shape} has shape {tensor.shape}")
            elif tensor.data.dtype != w.dtype or on_host(tensor.data) != on_host(w):  # the parameter has moved since
                tensor = new[name] = tensor.to(p.device, w.dtype)
            kept[name] = tensor.data
        return kept, new

    # -- saving and loading ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that another run needs to go on, in PyTorch's form: positions stand for parameters.

        Returns:
            {"state": {0: {name: tensor or number}}, "param_groups": [{hyperparameter: value, "params": [0]}]}
        """
        params = [p for group in self.param_groups for p in group["params"]]
        position = {p: i for i, p in enumerate(params)}
        return {
            "state": {position[p]: deepcopy(entries) for p, entries in self.state.items() if entries},
            "param_groups": [group | {"params": [position[p] for p in group["params"]]} for group in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was taken: with that state, and with those hyperparameters.

        Args:
            state_dict: what `state_dict()` gave, here or in PyTorch.

        Raises:
            TypeError: it is no such dict.
            ValueError: something does not fit. Nothing has changed.
        """
        try:
            groups, state = self._read(state_dict["param_groups"], dict(state_dict["state"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"load_state_dict of {self._name} takes what state_dict() gave: {error}") from None
        self.state = state
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.clear()
            group.update(loaded)

    def _read(self, saved_groups: Any, saved_state: dict[int, Any]) -> tuple[list[dict[str, Any]], Any]:
        """The groups and the state that were saved, checked and copied."""
        sizes, ours = ([len(group["params"]) for group in groups] for groups in (saved_groups, self.param_groups))
        if sizes != ours:
            raise ValueError(f"it has groups of {sizes} parameters, this optimizer has {ours}")
        groups, state = [], defaultdict[Tensor, dict[str, Any]](dict)
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            ignored = [*PYTORCH_ONLY, *[name for name, value in self.implied.items() if saved.get(name) == value]]
            said = {name: value for name, value in saved.items() if name not in ignored}
            groups.append(said | self._checked(said) | {"params": group["params"]})
            for position, p in zip(saved["params"], group["params"], strict=True):
                entries = saved_state.pop(position, {}).items()
                if kept := {name: value for name, value in entries if value is not None}:
                    state[p] = self._loaded(f"state[{position}]", kept, p, groups[-1])
        if saved_state:
            raise ValueError(f"state of {list(saved_state)}, which are in no group")
        return groups, state

    def _loaded(self, where: str, kept: Mapping[str, Any], p: Tensor, options: Mapping[str, Any]) -> dict[str, Any]:
        """Copies of what was kept of `p`."""
        if not self.update:
            return dict(deepcopy(kept))
        needed = {*self.numbers, *self._kept(options)}
        if not needed <= kept.keys() <= self.kept.keys():
            raise ValueError(f"{where} has {sorted(kept)}, and needs {sorted(needed)}")
        numbers = {name: type(start)(checked(where, name, kept[name])) for name, start in self.numbers.items()}
        arrays = {name: Tensor(value, p.dtype, device=p.device) for name, value in kept.items() if name not in numbers}
        for name, tensor in arrays.items():
            if tensor.shape != p.shape:
                raise ValueError(f"{where}: {name} has shape {tensor.shape}, its parameter {p.shape}")
        return arrays | numbers


def gradient_of(p: Tensor) -> Any:
    """The gradient's array, in the dtype of the parameter; raise if the parameter cannot be moved by it."""
    if not isinstance(p.grad, Tensor):
        raise TypeError(f"step: the gradient of a parameter is a {type(p.grad).__name__}, not a tensor")
    w, g = p.data, p.grad.data
    if g.shape != w.shape:
        raise ValueError(f"step: a parameter of shape {w.shape} has a gradient of shape {g.shape}")
    if on_host(w) != on_host(g):
        raise RuntimeError(f"step: a parameter is on {p.device}, its gradient on {p.grad.device}")
    if not is_writable(w):
        raise ValueError(f"step: a parameter of shape {w.shape} is read-only: write p.data = p.data.copy() before")
    if g.dtype is w.dtype:
        return g
    if g.dtype.kind != "f":
        raise TypeError(f"step: the dtypes of a parameter and its gradient are {w.dtype} and {g.dtype}, not floating")
    return g.astype(w.dtype)


# -- arguments, of optimizers and of schedules -------------------------------------------------------------------------


@cache
def asked(method: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What a rule or a schedule names after the slash: its constructor takes and checks it."""
    parameters = inspect.signature(method).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


def signature(first: str, method: Callable[..., Any], last: inspect.Parameter) -> inspect.Signature:
    """That of a constructor: `first`, what `method` asks of it, and `last`."""
    first_parameter = inspect.Parameter(first, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return inspect.Signature([first_parameter, *asked(method).values(), last])


def bound(owner: str, signature: inspect.Signature, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """All arguments by name."""
    try:
        arguments = signature.bind(*args, **named)
    except TypeError as error:
        raise TypeError(f"{owner}: {error}; it takes {signature}") from None
    arguments.apply_defaults()
    return arguments.arguments


def checked(owner: str, name: str, value: Any) -> Any:
    """The value as Python's own, which never promotes float32; raise if it is not what is wanted by that name."""
    value = plain(value)
    text, fits = WANTED.get(name, ("anything", lambda _: True))
    try:
        mistake: type[Exception] | None = None if fits(value) else ValueError
    except TypeError:
        mistake = TypeError
    if mistake:
        raise mistake(f"{owner}: {name} must be {text}, not {value!r:.60}")
    return value


def plain(value: Any) -> Any:
    """Numbers of NumPy's, arrays and tensors as Python's numbers and lists."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return type(value)(map(plain, value)) if isinstance(value, tuple | list) else value


def listed(owner: str, params: Any) -> list[Any]:
    """The list; raise if it is none, or has another order in every run, as a set."""
    if isinstance(params, Tensor | Mapping | set) or not isinstance(params, Iterable):
        raise TypeError(f"{owner} takes a list of tensors, as model.parameters(), not a {type(params).__name__}")
    return list(params)
