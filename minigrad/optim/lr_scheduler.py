"""Learning rate schedules: large steps at first, small ones to settle down.

    scheduler = StepLR(optimizer, step_size=30)
    for epoch in range(100):
        ...                     # train: optimizer.step() for each batch
        scheduler.step()        # the rates of the next epoch

A schedule sets the "lr" of the optimizer's groups. Most are multiples of the initial rate, lr = lr₀ · scale(epoch),
worked out from epoch to epoch: lr ← lr · scale(epoch) / scale(epoch − 1). So schedules of the same optimizer multiply,
and what is changed by hand stays changed. A checkpoint needs the schedule's `state_dict()` beside the optimizer's.

>>> from minigrad.optim import SGD
>>> from minigrad.tensor import Tensor
>>> optimizer = SGD([Tensor(0.0, requires_grad=True)], lr=1.0)
>>> scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
>>> for epoch in range(6):
...     optimizer.step()
...     print(optimizer.lr, end=" ")
...     scheduler.step()
1.0 1.0 0.5 0.5 0.25 0.25
"""

from __future__ import annotations

import inspect
import math
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, ClassVar

from minigrad.errors import missing
from minigrad.optim.arguments import bound, checked, signature
from minigrad.optim.optimizer import Optimizer

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
__getattr__ = missing(__name__, __all__)

LAST_EPOCH = inspect.Parameter("last_epoch", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=-1)
WANTED = {  # of arguments, those of these names
    **dict.fromkeys(["gamma", "power", "eta_min", "max_lr", "base_momentum", "max_momentum"], "[0, inf)"),
    **dict.fromkeys(["factor", "end_factor", "pct_start"], "[0, 1]"),
    **dict.fromkeys(["step_size", "total_iters", "T_max", "T_0", "T_mult"], 1),
    **dict.fromkeys(["total_steps", "epochs", "steps_per_epoch"], 1),
    **dict.fromkeys(["threshold", "min_lr", "eps"], "[0, inf)"),
    **dict.fromkeys(["div_factor", "final_div_factor"], "(0, inf)"),
    **dict.fromkeys(["patience", "cooldown"], 0),
    "start_factor": "(0, 1]",
    "anneal_strategy": ("cos", "linear"),
    "mode": ("min", "max"),
    "threshold_mode": ("rel", "abs"),
}


class LRScheduler:
    """What all schedules share. One of your own says its `scale`, or in `get_lr()` the rates themselves.

    What `scale(epoch, *, ...)` names after the star is the constructor's to take, between these two. Making a schedule
    sets the rates of epoch 0.

    Args:
        optimizer: the one whose rates change.
        last_epoch: −1 for a new schedule. To go on after an epoch, its number; then the groups must have the rates and
            the "initial_lr" of that time. `load_state_dict` is simpler.

    Raises:
        TypeError: `optimizer` is none, or there is no such argument.
        ValueError: an argument is out of range, or a group lacks its "initial_lr".

    Attributes:
        base_lrs: lr₀ of each group, where it is the "initial_lr".
        last_epoch: the epoch whose rates are set.

    >>> from minigrad.optim import SGD
    >>> from minigrad.tensor import Tensor
    >>> class Halving(LRScheduler):
    ...     def scale(self, epoch, *, period=1):
    ...         return 0.5 ** (epoch / period)
    >>> optimizer = SGD([Tensor(0.0, requires_grad=True)], lr=1.0)
    >>> scheduler = Halving(optimizer, period=2)
    >>> for epoch in range(5):
    ...     optimizer.step()
    ...     print(f"{optimizer.lr:.2f}", end=" ")
    ...     scheduler.step()
    1.00 0.71 0.50 0.35 0.25
    """

    scale: Callable[..., float]
    builds_on_last: ClassVar[bool] = True  # whether rates follow from the last ones, or from the epoch alone
    eta_min: float = 0.0  # the rate where the scale is 0
    __signature__: ClassVar[inspect.Signature]
    _signature = inspect.Signature([inspect.Parameter("optimizer", LAST_EPOCH.kind), LAST_EPOCH])
    _schedulers: Sequence[LRScheduler] = ()  # those that this one puts together

    def __init_subclass__(cls) -> None:
        """Read off what `scale` asks for."""
        if hasattr(cls, "scale"):
            cls._signature = signature("optimizer", cls.scale, LAST_EPOCH)
            if cls.__init__ is LRScheduler.__init__:
                cls.__signature__ = cls._signature

    def __init__(self, optimizer: Optimizer, *args: Any, **named: Any) -> None:
        arguments = bound(self._name, self._signature, (optimizer, *args), named)
        self._take(arguments.pop("optimizer"))
        last_epoch = arguments.pop("last_epoch")
        for name, value in arguments.items():
            setattr(self, name, self._checked(name, value))
        for group in self.optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ValueError(f"{self._name}: to go on after epoch {last_epoch}, groups need their 'initial_lr'")
        self.base_lrs = [group["initial_lr"] for group in self.optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        builds_on_last = hasattr(self, "scale") and self.builds_on_last
        self._set(self._rates() if self.last_epoch and builds_on_last else self.get_lr())

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _take(self, optimizer: Any) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{self._name} changes the rates of an optimizer, not of a {type(optimizer).__name__}")
        self.optimizer = optimizer

    def _join(self, optimizer: Any, schedulers: Sequence[LRScheduler]) -> None:
        """Put these schedules together."""
        self._schedulers = list(schedulers)
        if not self._schedulers:
            raise ValueError(f"{self._name} needs at least one schedule; the list is empty")
        for i, scheduler in enumerate(self._schedulers):
            if not isinstance(scheduler, LRScheduler) or isinstance(scheduler, ReduceLROnPlateau):
                kind = type(scheduler).__name__
                raise TypeError(f"{self._name} takes schedules whose step() needs no figure; number {i} is a {kind}")
            optimizer = optimizer or scheduler.optimizer
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{self._name}: schedule {i}, a {scheduler._name}, is of another optimizer")
        self._take(optimizer)
        self.base_lrs = self._schedulers[0].base_lrs

    def _checked(self, name: str, value: Any) -> Any:
        return checked(self._name, name, value, WANTED)

    def get_lr(self) -> list[float]:
        """The rates of `last_epoch`; most follow from those of the epoch before."""
        if not hasattr(self, "scale"):
            raise NotImplementedError(f"{self._name} defines neither scale(self, epoch) nor get_lr(self)")
        asked = {name: getattr(self, name) for name in list(self._signature.parameters)[1:-1]}
        low, now = self.eta_min, self.scale(self.last_epoch, **asked)
        if not self.builds_on_last:
            return [low + (base - low) * now for base in self.base_lrs]
        before = self.scale(self.last_epoch - 1, **asked) if self.last_epoch else 1.0
        if before == 0:  # from the bottom the only way is up, and to where it began
            return [rate + (base - low) * now for rate, base in zip(self._rates(), self.base_lrs, strict=False)]
        return [low + (rate - low) * (now / before) for rate in self._rates()]

    def get_last_lr(self) -> list[float]:
        """The rate of each group, as this schedule has set it last."""
        return list(self._last_lr)

    def step(self) -> None:
        """Set the rates of the next epoch."""
        if self.last_epoch == 0 and not self.optimizer._plans:  # it has made no step yet
            cure = "call optimizer.step() before scheduler.step(), or the first rate is never used"
            warnings.warn(f"{self._name}: {cure}", stacklevel=2)
        self._go_to(self.last_epoch + 1)

    def _go_to(self, epoch: int) -> None:
        """Set the rates of `epoch`; if they cannot be had, nothing changes."""
        before, self.last_epoch = self.last_epoch, epoch
        try:
            self._set(self.get_lr())
        except BaseException:
            self.last_epoch = before
            raise

    def _begin(self) -> None:
        """Start over, on the rates that the groups have."""
        self._go_to(0)

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _set(self, rates: list[float]) -> None:
        groups = self.optimizer.param_groups
        if len(rates) != len(groups):
            problem = f"made for {len(rates)} parameter groups, and the optimizer has {len(groups)} now"
            raise ValueError(f"{self._name} was {problem}; make it after add_param_group")
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    def _per_group(self, name: str, value: Any) -> list[Any]:
        """An argument for each group, if it is not a list of them already."""
        count = len(self.optimizer.param_groups)
        values = list(value) if isinstance(value, list | tuple) else [value] * count
        if len(values) != count:
            raise ValueError(f"{self._name}: {name} is a list of {len(values)} for {count} parameter groups")
        return [self._checked(name, value) for value in values]

    # -- saving and loading ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """What the schedule is and where it is, in numbers, strings and lists; without the optimizer and functions."""
        own = {name: value for name, value in vars(self).items() if name not in ("optimizer", "lr_lambdas")}
        inner = {"_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]} if self._schedulers else {}
        return deepcopy(own | inner)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was taken; the rates of that time are in the optimizer's own.

        Raises:
            ValueError: it is of another kind of schedule, or of one for more or fewer groups. Nothing has changed.
        """
        if outline(state_dict) != (own := outline(self.state_dict())):
            raise ValueError(f"load_state_dict of {self._name}: expected {own}, not {outline(state_dict)}")
        self._load(deepcopy(dict(state_dict)))

    def _load(self, state: dict[str, Any]) -> None:
        for scheduler, inner in zip(self._schedulers, state.pop("_schedulers", ()), strict=True):
            scheduler._load(inner)
        vars(self).update(state)


def outline(state: Any) -> Any:
    """What two states of one kind of schedule have in common: names, the number of groups, and inner schedules."""
    if not isinstance(state, Mapping):
        return type(state).__name__
    inner = [outline(one) for one in state.get("_schedulers", ())]
    return {
        "names": sorted(state),
        "groups": len(state.get("_last_lr", ())),
        **({"schedulers": inner} if inner else {}),
    }


# -- multiples of the initial rate -----------------------------------------------------------------------------------


class StepLR(LRScheduler):
    """A staircase: the rate falls every few epochs.

        scale = gamma^⌊epoch / step_size⌋

    Args:
        optimizer: the one whose rates change.
        step_size: epochs from one step down to the next.
        gamma: what each multiplies the rate by.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`.
    """

    def scale(self, epoch: int, *, step_size: int, gamma: float = 0.1) -> float:
        return gamma ** (epoch // step_size)


class MultiStepLR(LRScheduler):
    """A staircase with its steps at given epochs.

        scale = gamma^(how many milestones are behind)

    Args:
        optimizer: the one whose rates change.
        milestones: the first epochs after each step, increasing.
        gamma: what each step multiplies the rate by.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`.
    """

    def scale(self, epoch: int, *, milestones: Sequence[int], gamma: float = 0.1) -> float:
        return gamma ** bisect_right(milestones, epoch)


class ConstantLR(LRScheduler):
    """A smaller rate for the first epochs, then the initial one.

        scale = factor if epoch < total_iters, otherwise 1

    Args:
        optimizer: the one whose rates change.
        factor: from 0 to 1.
        total_iters: how many epochs have the smaller rate.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`.
    """

    def scale(self, epoch: int, *, factor: float = 1 / 3, total_iters: int = 5) -> float:
        return factor if epoch < total_iters else 1.0


class LinearLR(LRScheduler):
    """A straight line, up as a warm-up or down.

        scale = start_factor + (end_factor − start_factor) · min(epoch / total_iters, 1)

    Args:
        optimizer: the one whose rates change.
        start_factor: the scale at epoch 0, above 0 and at most 1.
        end_factor: the scale from epoch total_iters on, from 0 to 1.
        total_iters: epochs from start to end.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`.
    """

    def scale(self, epoch: int, *, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5) -> float:
        return start_factor + (end_factor - start_factor) * min(epoch / total_iters, 1)


class ExponentialLR(LRScheduler):
    """The same share less in every epoch.

        scale = gamma^epoch

    Args:
        optimizer: the one whose rates change.
        gamma: 0.95 in Ng's course.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`.
    """

    def scale(self, epoch: int, *, gamma: float) -> float:
        return gamma**epoch


class PolynomialLR(LRScheduler):
    """Down to 0 as a power of the time that is left.

        scale = (1 − min(epoch / total_iters, 1))^power

    Args:
        optimizer: the one whose rates change.
        total_iters: the epoch in which the rate is 0.
        power: 1 for a straight line.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`.
    """

    def scale(self, epoch: int, *, total_iters: int = 5, power: float = 1.0) -> float:
        return (1 - min(epoch / total_iters, 1)) ** power


class CosineAnnealingLR(LRScheduler):
    """Down along half a wave of the cosine; if training goes on, up again and so forth.

        lr = eta_min + (lr₀ − eta_min) · ½ (1 + cos(π · epoch / T_max))

    Args:
        optimizer: the one whose rates change.
        T_max: epochs on the way down.
        eta_min: the lowest rate.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """

    def scale(self, epoch: int, *, T_max: int, eta_min: float = 0.0) -> float:
        return (1 + math.cos(math.pi * epoch / T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """`CosineAnnealingLR` that jumps up again at the end of each way down.

        lr = eta_min + (lr₀ − eta_min) · ½ (1 + cos(π · epochs since the last jump / length of this way))

    Args:
        optimizer: the one whose rates change.
        T_0: epochs of the first way down.
        T_mult: how many times as long each is as the one before.
        eta_min: the lowest rate.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """

    builds_on_last = False

    def scale(self, epoch: int, *, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> float:
        length = T_0
        while epoch >= length:
            epoch, length = epoch - length, length * T_mult
        return (1 + math.cos(math.pi * epoch / length)) / 2


# -- any function, and the one cycle ---------------------------------------------------------------------------------


class LambdaLR(LRScheduler):
    """The initial rate times any function of the epoch.

        lr = lr₀ · lr_lambda(epoch)

    Ng's course has four decays, besides a hand on `optimizer.lr`:

        LambdaLR(optimizer, lambda epoch: 1 / (1 + rate * epoch))
        LambdaLR(optimizer, lambda epoch: k / math.sqrt(epoch + 1))     (it counts epochs from 1)
        ExponentialLR(optimizer, 0.95)
        StepLR(optimizer, 10, 0.5)                                      the staircase

    Args:
        optimizer: the one whose rates change.
        lr_lambda: the function, or a list of one for each group. State does not include it.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError: it is no function.
        ValueError: a list with more or fewer functions than groups.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self._take(optimizer)
        self.lr_lambdas = self._per_group("lr_lambda", lr_lambda)
        if not all(map(callable, self.lr_lambdas)):
            raise TypeError(
                f"LambdaLR takes a function of the epoch, such as lambda epoch: 0.9**epoch, not {lr_lambda}"
            )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class OneCycleLR(LRScheduler):
    """Up to a high rate and down to almost none; step it after every batch.

    From max_lr / div_factor up to max_lr in the first pct_start of all steps, then down to what it began with over
    final_div_factor; with three_phase it first takes as long down as up. On each way

        lr = start + (end − start) · ½ (1 − cos(π · share of the way))                  "cos"
        lr = start + (end − start) · share of the way                                   "linear"

    With cycle_momentum the momentum, or β₁ of Adam and its kin, goes down while the rate goes up.

    Args:
        optimizer: the one whose rates change.
        max_lr: the highest rate, or a list of one for each group.
        total_steps: of the cycle; or both of the next two.
        epochs, steps_per_epoch: whose product is total_steps.
        pct_start, div_factor, final_div_factor, three_phase: as above.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: as above.
        base_momentum, max_momentum: the lowest and the highest, or lists of one for each group.
        last_epoch: as in `LRScheduler`.

    Raises:
        TypeError, ValueError: as `LRScheduler`; an optimizer without momentum; `step` beyond total_steps.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2017.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
        cycle_momentum: bool = True, base_momentum: Any = 0.85, max_momentum: Any = 0.95, div_factor: float = 25.0,
        final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self._take(optimizer)
        if total_steps is None and None in (epochs, steps_per_epoch):
            raise ValueError("OneCycleLR: give total_steps, or both epochs and steps_per_epoch")
        if total_steps is None:
            total_steps = self._checked("epochs", epochs) * self._checked("steps_per_epoch", steps_per_epoch)
        self.total_steps = self._checked("total_steps", total_steps)
        self.pct_start = self._checked("pct_start", pct_start)
        self.anneal_strategy = self._checked("anneal_strategy", anneal_strategy)
        self.three_phase = bool(three_phase)
        self.cycled = next(
            (name for name in ("betas", "momentum") if name in optimizer.defaults and cycle_momentum), ""
        )
        if cycle_momentum and not self.cycled:
            problem = f"{type(optimizer).__name__} has neither momentum nor betas; write cycle_momentum=False"
            raise ValueError(f"OneCycleLR: {problem}")
        start, end = self._checked("div_factor", div_factor), self._checked("final_div_factor", final_div_factor)
        notes = {"max_lr": self._per_group("max_lr", max_lr)}
        notes["initial_lr"] = [rate / start for rate in notes["max_lr"]]
        notes["min_lr"] = [rate / end for rate in notes["initial_lr"]]
        if self.cycled:
            notes["max_momentum"] = self._per_group("max_momentum", max_momentum)
            notes["base_momentum"] = self._per_group("base_momentum", base_momentum)
        for name, values in notes.items() if last_epoch == -1 else ():
            for group, value in zip(optimizer.param_groups, values, strict=True):
                group[name] = value
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise ValueError(f"OneCycleLR: step {self.last_epoch} is beyond its total_steps of {self.total_steps}")
        top = self.pct_start * self.total_steps - 1
        ends = [0, top, 2 * top, self.total_steps - 1]
        rates = ["initial_lr", "max_lr", "initial_lr", "min_lr"]
        momenta = ["max_momentum", "base_momentum", "max_momentum", "max_momentum"]
        if not self.three_phase:
            del ends[2], rates[2], momenta[2]
        way = bisect_left(ends[1:-1], self.last_epoch)  # from ends[way] to ends[way + 1]
        length = ends[way + 1] - ends[way]
        share = (self.last_epoch - ends[way]) / length if length else 1.0
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2

        def blend(group: dict[str, Any], names: list[str]) -> float:
            return group[names[way]] * (1 - share) + group[names[way + 1]] * share

        for group in self.optimizer.param_groups if self.cycled else ():
            momentum = blend(group, momenta)
            group[self.cycled] = (momentum, *group["betas"][1:]) if self.cycled == "betas" else momentum
        return [blend(group, rates) for group in self.optimizer.param_groups]


# -- schedules put together, and one that listens --------------------------------------------------------------------


class SequentialLR(LRScheduler):
    """One schedule after the other, such as a warm-up and a decay; each begins on the initial rate.

    Args:
        optimizer: the one whose rates change.
        schedulers: the schedules, made for this optimizer.
        milestones: the epochs in which the second, the third ... begins, increasing.

    Raises:
        TypeError, ValueError: as `LRScheduler`; schedules of another optimizer; not one milestone less than schedules.

    >>> from minigrad.optim import SGD
    >>> from minigrad.tensor import Tensor
    >>> optimizer = SGD([Tensor(0.0, requires_grad=True)], lr=1.0)
    >>> warm_up, decay = LinearLR(optimizer, 0.25, total_iters=3), ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = SequentialLR(optimizer, [warm_up, decay], milestones=[3])
    >>> for epoch in range(6):
    ...     optimizer.step()
    ...     print(optimizer.lr, end=" ")
    ...     scheduler.step()
    0.25 0.5 0.75 1.0 0.5 0.25
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        self._join(optimizer, schedulers)
        self.milestones = self._checked("milestones", milestones)
        if len(self.milestones) != len(self._schedulers) - 1:
            counts = f"{len(self._schedulers)} schedules and {len(self.milestones)} milestones"
            raise ValueError(f"SequentialLR takes one milestone less than schedules, not {counts}")
        self._set([group["initial_lr"] for group in optimizer.param_groups])
        self._begin()

    def step(self) -> None:
        epoch = self.last_epoch + 1
        scheduler = self._schedulers[bisect_right(self.milestones, epoch)]
        if epoch in self.milestones:
            scheduler._set(scheduler.base_lrs)
            scheduler._begin()
        else:
            scheduler.step()
        self.last_epoch, self._last_lr = epoch, self._rates()

    def _begin(self) -> None:
        self._schedulers[0]._begin()
        self.last_epoch, self._last_lr = 0, self._rates()


class ChainedScheduler(LRScheduler):
    """Several schedules at the same time: their scales multiply.

    Args:
        schedulers: the schedules, made one after the other for one optimizer.
        optimizer: that one; it may be left out.

    Raises:
        TypeError, ValueError: as `LRScheduler`; schedules of different optimizers.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._join(optimizer, schedulers)
        self.last_epoch, self._last_lr = self._schedulers[0].last_epoch, self._rates()

    def step(self) -> None:
        for scheduler in self._schedulers:
            scheduler.step()
        self.last_epoch, self._last_lr = self.last_epoch + 1, self._rates()

    def _begin(self) -> None:
        for scheduler in self._schedulers:
            scheduler._begin()
        self.last_epoch, self._last_lr = 0, self._rates()


class ReduceLROnPlateau(LRScheduler):
    """A rate that falls when a figure, such as the loss, no longer improves: `scheduler.step(loss)` in every epoch.

        lr ← max(factor · lr, min_lr)       after more than `patience` epochs in a row without a new best

    A new best is below best · (1 − threshold), in mode "max" above best · (1 + threshold); with threshold_mode "abs" it
    is below best − threshold, or above best + threshold.

    Args:
        optimizer: the one whose rates change.
        mode: "min" or "max", what is better.
        factor, patience, threshold, threshold_mode: as above.
        cooldown: so many epochs after a reduction do not count.
        min_lr: the lowest rate, or a list of one for each group.
        eps: reductions by no more than this are not made.

    Raises:
        TypeError, ValueError: as `LRScheduler`.
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: Any = 0.0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        self._take(optimizer)
        self.mode, self.threshold_mode = self._checked("mode", mode), self._checked("threshold_mode", threshold_mode)
        self.factor, self.threshold = self._checked("factor", factor), self._checked("threshold", threshold)
        self.patience, self.cooldown = self._checked("patience", patience), self._checked("cooldown", cooldown)
        self._per_group("min_lr", min_lr)
        self.min_lr, self.eps = min_lr, self._checked("eps", eps)
        self.best = math.inf if mode == "min" else -math.inf
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0
        self._last_lr = self._rates()

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Hear the figure of an epoch, and lower the rates if it is time."""
        figure, best, is_relative = float(metrics), self.best, self.threshold_mode == "rel"
        lows = self._per_group("min_lr", self.min_lr)
        if self.mode == "min":
            is_better = figure < (best * (1 - self.threshold) if is_relative else best - self.threshold)
        else:
            is_better = figure > (best * (1 + self.threshold) if is_relative else best + self.threshold)
        self.last_epoch += 1
        self.best, self.num_bad_epochs = (figure, 0) if is_better else (best, self.num_bad_epochs + 1)
        if self.cooldown_counter > 0:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            for group, low in zip(self.optimizer.param_groups, lows, strict=True):
                rate = max(self.factor * group["lr"], low)
                if group["lr"] - rate > self.eps:
                    group["lr"] = rate
        self._last_lr = self._rates()
