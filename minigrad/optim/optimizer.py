"""What all optimizers share: parameter groups, state, the step, and saving and loading."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, ClassVar

from minigrad.graph import note_write, recording
from minigrad.nn import Parameter
from minigrad.optim.arguments import bound, checked, signature
from minigrad.optim.together import Plan
from minigrad.tensor import Tensor

WANTED = {  # of hyperparameters, those of these names
    **dict.fromkeys(["lr", "momentum", "dampening", "weight_decay", "eps", "alpha", "lr_decay"], "[0, inf)"),
    **dict.fromkeys(["initial_accumulator_value", "momentum_decay"], "[0, inf)"),
    **dict.fromkeys(["beta1", "beta2"], "[0, 1)"),
}
MAXIMIZE = inspect.Parameter("maximize", inspect.Parameter.KEYWORD_ONLY, default=False)
# What a group may hold besides hyperparameters: a name for people, and what schedules keep there.
NOTES = {"name", "initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"}
# What PyTorch saves besides: how it computes, not what, and the names of parameters.
PYTORCH_ONLY = {"foreach", "fused", "capturable", "differentiable", "param_names"}


class Optimizer:
    """What all optimizers share. A rule says in one method, `update`, how a parameter moves.

    As an operator's gradients do, `update` asks by parameter name for what it needs:

        w, g            the parameter, to be moved in place, and its gradient
        step=0          the number of this step, from 1
        number=start    a number that is kept from step to step; `update` returns the next one, {"number": ...}
        another name    an array like w that is kept from step to step, 0 at first
        is_new=False    whether such arrays are new, as at the first step
        after the star  hyperparameters; they are the constructor's arguments, in this order and with these defaults

    All arrays are flat, and may be a slice of a parameter or several parameters at once: a rule works on each element
    by itself.

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
        lr: the learning rate of all groups.
        state: parameter -> what the rule has kept of it, a dict.
        defaults: the hyperparameters of a group that has none of its own.

    >>> class SignDescent(Optimizer):
    ...     def update(self, w, g, *, lr=0.01):
    ...         w -= lr * np.sign(g)
    >>> import numpy as np
    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignDescent([w], lr=0.5).step()
    >>> w
    tensor([ 0.5, -1.5], requires_grad=True)
    """

    update: Callable[..., dict[str, float] | None]
    kept_if: ClassVar[Mapping[str, str]] = {}  # array -> the hyperparameter without which it is neither kept nor given
    implied: ClassVar[Mapping[str, Any]] = {}  # hyperparameters of PyTorch's that can only have this value here
    arrays: ClassVar[list[str]]
    numbers: ClassVar[dict[str, float]]
    asks_is_new: ClassVar[bool]
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls) -> None:
        """Read off what the rule asks for."""
        if hasattr(cls, "update"):
            asked = [p for p in inspect.signature(cls.update).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
            cls.numbers = {p.name: p.default for p in asked if type(p.default) in (int, float)}
            cls.arrays = [p.name for p in asked[3:] if p.name not in ("is_new", *cls.numbers)]
            cls.asks_is_new = any(p.name == "is_new" for p in asked)
            cls.__signature__ = signature("params", cls.update, MAXIMIZE)

    def __init__(self, params: Iterable[Any], *args: Any, **hyperparameters: Any) -> None:
        self._name = type(self).__name__
        if not hasattr(self, "update"):
            raise NotImplementedError(f"{self._name} defines no update rule, such as update(self, w, g, *, lr=0.01)")
        given = bound(self._name, self.__signature__, (params, *args), hyperparameters)
        del given["params"]
        self.defaults = {name: checked(self._name, name, value, WANTED) for name, value in given.items()}
        if isinstance(params, Tensor | Mapping) or not isinstance(params, Iterable):
            kind = type(params).__name__
            raise TypeError(f"{self._name} takes a list of tensors, model.parameters() or [w], not a {kind}")
        self.param_groups: list[dict[str, Any]] = []
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self._plans: dict[int, Plan] = {}
        self._approved: dict[int, tuple[Any, ...]] = {}
        self._allowed = {"params", *self.defaults, *NOTES}
        params = params if isinstance(params, set) else list(params)
        if not params:
            raise ValueError(f"{self._name} needs at least one parameter; the list is empty")
        for group in params if isinstance(next(iter(params)), Mapping) else [{"params": params}]:
            self.add_param_group(group)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_plans": {}}  # a copy makes its own, in which its state is views

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "lr" and name in vars(self).get("defaults", {}):  # or it would silently have no effect
            cure = f"write for group in optimizer.param_groups: group[{name!r}] = {value!r:.60}"
            raise AttributeError(f"{self._name}: each parameter group has its {name}; {cure}")
        object.__setattr__(self, name, value)

    # -- groups and hyperparameters -------------------------------------------------------------------------------

    @property
    def lr(self) -> float:
        """The learning rate, if it is the same in all groups; set, it becomes that of all."""
        rates = [group["lr"] for group in self.param_groups]
        if rates != [rates[0]] * len(rates):
            raise AttributeError(f"{self._name}: the groups have different rates, {rates}; read optimizer.param_groups")
        return rates[0]

    @lr.setter
    def lr(self, value: float) -> None:
        rate = checked(self._name, "lr", value, WANTED)
        for group in self.param_groups:
            group["lr"] = rate

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Optimize more parameters: {"params": [...], "lr": 0.01}; hyperparameters not given are the defaults.

        Raises:
            TypeError, ValueError: as the constructor. Then nothing has been added.
        """
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise TypeError(
                f"{self._name}: a group is a dict with 'params', a list of tensors, not {param_group!r:.60}"
            )
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(f"{self._name}: a set has another order in every run; give a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        others = {id(p) for group in self.param_groups for p in group["params"]}
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{self._name} takes tensors; parameter {i} is a {type(p).__name__}")
            which = f"{self._name}: parameter {i} (shape {p.shape})"
            if not p.is_leaf:
                raise ValueError(f"{which} was computed; only a leaf can be optimized")
            if not (p.requires_grad or isinstance(p, Parameter)):
                raise ValueError(f"{which} does not require grad: it would never move")
        if len({id(p) for p in params} | others) < len(params) + len(others):
            raise ValueError(f"{self._name}: a parameter is in the list twice; it would move twice in each step")
        group = {"params": params} | self.defaults | dict(param_group) | {"params": params}
        self.param_groups.append(group | self._checked(group))

    def _checked(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The hyperparameters of a group as numbers of Python; raise if one is out of range, unknown or missing."""
        if not self._allowed.issuperset(group):
            unknown = [name for name in group if name not in self._allowed]
            raise ValueError(f"{self._name} has no hyperparameter {unknown[0]!r}; it has {list(self.defaults)}")
        if missing := [name for name in self.defaults if name not in group]:
            raise ValueError(f"{self._name}: a parameter group has no {missing[0]!r}")
        return {name: checked(self._name, name, group[name], WANTED) for name in self.defaults}

    def _kept(self, options: Mapping[str, Any]) -> list[str]:
        """The arrays that the rule keeps, given its hyperparameters."""
        return [name for name in self.arrays if name not in self.kept_if or options[self.kept_if[name]]]

    # -- training -------------------------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set `.grad` of every parameter to None, or with `set_to_none=False` to zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p.grad is None:
                    p.grad = None
                else:
                    p.grad.detach().zero_()

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
        turns = [self._prepared(i, group) for i, group in enumerate(self.param_groups)]
        note_write(*[w for plan, _, _ in turns for w in plan.ws])
        for i, (plan, gs, options) in enumerate(turns):
            plan.move(self, gs, options)
            self._plans[i] = plan
        return loss

    def _prepared(self, i: int, group: dict[str, Any]) -> tuple[Plan, list[Any], dict[str, Any]]:
        """How to move a group's parameters, their gradients and hyperparameters. What can be wrong raises here."""
        said = {**group, "params": None}
        if self._approved.get(i, (None,))[0] != said:  # most steps have the hyperparameters of the one before
            options = self._checked(group)
            self._approved[i] = deepcopy(said), self._kept(options), options.pop("maximize"), options
        _, names, maximize, options = self._approved[i]
        params = [p for p in group["params"] if p.grad is not None]
        gs = [gradient_of(p) for p in params]
        if maximize:
            gs = [-g for g in gs]
        ws, states = [p.data for p in params], [self.state[p] for p in params]
        plan = self._plans.get(i)
        if plan is None or not plan.holds(ws, states, names):
            plan = Plan(self, ws, states, names)
        return plan, gs, options

    def next_numbers(self, state: Mapping[str, Any]) -> dict[str, float]:
        """The numbers that `update` is given: those kept in the state of a parameter, and which step comes now."""
        numbers = {name: type(start)(state.get(name, start)) for name, start in self.numbers.items()}
        if "step" in numbers:
            numbers["step"] += 1
        return numbers

    # -- saving and loading ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that another run needs to go on, in PyTorch's form: positions stand for parameters.

        Returns:
            {"state": {0: {name: tensor or number}}, "param_groups": [{hyperparameter: value, "params": [0]}]}
        """
        params = [p for group in self.param_groups for p in group["params"]]
        position = {p: i for i, p in enumerate(params)}
        kept = {position[p]: entries for p, entries in self.state.items() if entries}
        return {
            "state": {
                i: {name: value.clone() if isinstance(value, Tensor) else value for name, value in entries.items()}
                for i, entries in kept.items()
            },
            "param_groups": [group | {"params": [position[p] for p in group["params"]]} for group in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was taken: with that state, and with those hyperparameters.

        Args:
            state_dict: what `state_dict()` gave, here or in PyTorch.

        Raises:
            TypeError: it is no such dict.
            ValueError: something does not fit; the message lists all that does not. Nothing has changed.
        """
        owner = f"load_state_dict of {self._name}"
        try:
            saved_groups, saved_state = state_dict["param_groups"], dict(state_dict["state"])
            sizes = [[len(group["params"]) for group in groups] for groups in (saved_groups, self.param_groups)]
        except (TypeError, KeyError, ValueError):
            raise TypeError(f"{owner} takes a dict of 'state' and 'param_groups', as state_dict() gives it") from None
        if sizes[0] != sizes[1]:
            raise ValueError(f"{owner}: it has groups of {sizes[0]} parameters, this optimizer has {sizes[1]}")
        groups, problems = [], []
        state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            said = {name: value for name, value in saved.items() if name not in (*PYTORCH_ONLY, "params")}
            said = {name: value for name, value in said.items() if (name, value) not in self.implied.items()}
            try:
                said |= self._checked(said)
            except (TypeError, ValueError) as error:
                problems.append(str(error))
                continue
            groups.append({"params": group["params"]} | said)
            for position, p in zip(saved["params"], group["params"], strict=True):
                kept = {name: value for name, value in saved_state.pop(position, {}).items() if value is not None}
                for name in dict.fromkeys([*self.numbers, *self._kept(said), *kept] if kept else []):
                    try:
                        state[p][name] = self._loaded(name, kept, p)
                    except (TypeError, ValueError) as error:
                        problems.append(f"state[{position}]: {name} {error}")
        if saved_state and not problems:
            problems.append(f"state of {list(saved_state)}, which are in no group")
        if problems:
            raise ValueError(f"{owner}: {'; '.join(problems)}")
        self.state = state
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.clear()
            group.update(loaded)

    def _loaded(self, name: str, kept: Mapping[str, Any], p: Tensor) -> Any:
        """A copy of what was kept of `p` under this name."""
        if name not in kept:
            raise ValueError("is missing")
        if name in self.numbers:
            number = float(kept[name])
            if type(self.numbers[name]) is int and not (number >= 0 and number.is_integer()):
                raise ValueError(f"must be a whole number of at least 0, not {number}")
            return type(self.numbers[name])(number)
        if name not in self.arrays:
            raise ValueError("is unknown")
        tensor = Tensor(kept[name], p.dtype)
        if tensor.shape != p.shape:
            raise ValueError(f"has shape {tensor.shape}, its parameter {p.shape}")
        return tensor


def gradient_of(p: Tensor) -> Any:
    """The gradient's array, in the dtype of the parameter; raise if the parameter cannot be moved by it."""
    w, grad = p.data, p.grad
    if not isinstance(grad, Tensor):
        raise TypeError(f"step: the gradient of a parameter is a {type(grad).__name__}, not a tensor")
    g = grad.data
    if g.shape != w.shape:
        raise ValueError(f"step: a parameter of shape {w.shape} has a gradient of shape {g.shape}")
    if not getattr(w.flags, "writeable", True):  # a flag that arrays on a GPU do not have
        raise ValueError(
            f"step: a parameter of shape {w.shape} is read-only; give it other memory: p.data = p.data.copy()"
        )
    if g.dtype is w.dtype and g.dtype.kind == "f":
        return g
    if not g.dtype.kind == w.dtype.kind == "f":
        raise TypeError(f"step: the dtypes of a parameter and its gradient are {w.dtype} and {g.dtype}, not floating")
    return g.astype(w.dtype)
