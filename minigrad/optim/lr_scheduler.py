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
...     print(scheduler.get_last_lr()[0], end=" ")
...     scheduler.step()
1.0 1.0 0.5 0.5 0.25 0.25
"""

from __future__ import annotations

import inspect
import math
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

from minigrad.errors import missing
from minigrad.optim.optimizer import Optimizer, asked, bound, checked, signature

LAST_EPOCH = inspect.Parameter("last_epoch", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=-1)


class LRScheduler:
    """What all schedules share. One of your own says its `scale`, or in `get_lr()` the rates themselves.

    What `scale(epoch, /, ...)` names after the slash is the constructor's to take, between these two. Making a schedule
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
    ...     def scale(self, epoch, /, period=1):
    ...         return 0.5 ** (epoch / period)
    >>> optimizer = SGD([Tensor(0.0, requires_grad=True)], lr=1.0)
    >>> scheduler = Halving(optimizer, period=2)
    >>> for epoch in range(5):
    ...     optimizer.step()
    ...     print(f"{scheduler.get_last_lr()[0]:.2f}", end=" ")
    ...     scheduler.step()
    1.00 0.71 0.50 0.35 0.25
    """

    builds_on_last: ClassVar[bool] = True  # whether rates follow from the last ones, or from the epoch alone
    eta_min: float = 0.0  # the rate where the scale is 0
    _name: ClassVar[str]
    __signature__: ClassVar[inspect.Signature]

    if TYPE_CHECKING:  # its arguments

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls) -> None:
        """Read off what `scale` asks for."""
        cls._name = cls.__name__
        if cls.__init__ is LRScheduler.__init__:
            cls.__signature__ = signature("optimizer", cls.scale, LAST_EPOCH)

    def scale(self, epoch: int, /, *arguments: Any) -> float:
        """The rate of this epoch as a multiple of the initial one."""
        raise NotImplementedError(f"{self._name} defines neither scale(self, epoch) nor get_lr(self)")

    def __init__(self, optimizer: Optimizer, *args: Any, **named: Any) -> None:
        arguments = bound(self._name, signature("optimizer", type(self).scale, LAST_EPOCH), (optimizer, *args), named)
        last_epoch = arguments.pop("last_epoch")
        self._take(**arguments)
        for group in self.optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ValueError(f"{self._name}: to go on after epoch {last_epoch}, groups need their 'initial_lr'")
        self.last_epoch = last_epoch + 1
        self._set(self._rates() if self.last_epoch and self.builds_on_last else self.get_lr())

    def _take(self, optimizer: Any, **arguments: Any) -> None:
        """Keep the arguments; raise if one is not what it should be."""
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{self._name} changes the rates of an optimizer, not of a {type(optimizer).__name__}")
        self.optimizer = optimizer
        for name, value in arguments.items():
            setattr(self, name, checked(self._name, name, value))

    def _per_group(self, name: str, value: Any) -> list[Any]:
        """An argument for each group, if it is not a list of them already."""
        count = len(self.optimizer.param_groups)
        values = list(value) if isinstance(value, list | tuple) else [value] * count
        if len(values) != count:
            raise ValueError(f"{self._name}: {name} is a list of {len(values)} for {count} parameter groups")
        return [checked(self._name, name, value) for value in values]

    @property
    def base_lrs(self) -> list[float]:
        """The initial rates; that of a group that has joined since is the one it came with."""
        return [group.get("initial_lr", group["lr"]) for group in self.optimizer.param_groups]

    def get_lr(self) -> list[float]:
        """The rates of `last_epoch`; most follow from those of the epoch before."""
        arguments = [getattr(self, name) for name in asked(type(self).scale)]
        low, now = self.eta_min, self.scale(self.last_epoch, *arguments)
        if not self.builds_on_last:
            return [low + (base - low) * now for base in self.base_lrs]
        before = self.scale(self.last_epoch - 1, *arguments) if self.last_epoch else 1.0
        if before == 0:  # from the bottom the only way is up, and to where it began
            return [rate + (base - low) * now for rate, base in zip(self._rates(), self.base_lrs, strict=False)]
        return [low + (rate - low) * (now / before) for rate in self._rates()]

    def get_last_lr(self) -> list[float]:
        """The rate of each group, as this schedule has set it last."""
        return list(self._last_lr)

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch; of any, where they do not build on the last ones: `step(epoch + i / n)`."""
        if epoch is not None and self.builds_on_last:
            raise TypeError(f"{self._name}: its rates follow from each other: step() takes no epoch")
        if self.last_epoch == 0 and self.optimizer.update and not self.optimizer._approved:  # it has made no step yet
            cure = "call optimizer.step() before scheduler.step(), or the first rate is never used"
            warnings.warn(f"{self._name}: {cure}", stacklevel=2)
        self._go_to(self.last_epoch + 1 if epoch is None else epoch)

    def _go_to(self, epoch: float) -> None:
        """Set the rates of `epoch`; if they cannot be had, nothing changes."""
        before, self.last_epoch = self.last_epoch, epoch
        try:
            self._set(self.get_lr())
        except BaseException:
            self.last_epoch = before
            raise

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _set(self, rates: list[float]) -> None:
        groups, n = self.optimizer.param_groups, len(rates)
        if len(groups) != n:
            raise ValueError(f"{self._name} was made for {n} parameter groups, and there are {len(groups)} now")
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    # -- saving and loading ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """What the schedule is and where it is, in numbers, strings and lists; without the optimizer and functions."""
        outside = ("optimizer", "lr_lambdas", "schedulers")
        return deepcopy({name: value for name, value in vars(self).items() if name not in outside})

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was taken; the rates of that time are in the optimizer's own.

        Raises:
            ValueError: it is of another kind of schedule, or of one for more or fewer groups. Nothing has changed.
        """
        own = self.state_dict()
        fits = isinstance(state_dict, Mapping) and state_dict.keys() == own.keys()
        if not fits or len(state_dict["_last_lr"]) != len(own["_last_lr"]):
            raise ValueError(f"load_state_dict of {self._name}: expected what is like {own}, not {state_dict!r:.200}")
        vars(self).update(deepcopy(dict(state_dict)))


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

    def scale(self, epoch: int, /, step_size: int, gamma: float = 0.1) -> float:
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

    def scale(self, epoch: int, /, milestones: Sequence[int], gamma: float = 0.1) -> float:
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

    def scale(self, epoch: int, /, factor: float = 1 / 3, total_iters: int = 5) -> float:
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

    def scale(self, epoch: int, /, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5) -> float:
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

    def scale(self, epoch: int, /, gamma: float) -> float:
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

    def scale(self, epoch: int, /, total_iters: int = 5, power: float = 1.0) -> float:
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

    def scale(self, epoch: int, /, T_max: int, eta_min: float = 0.0) -> float:
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

    def scale(self, epoch: int, /, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> float:
        length = T_0
        while epoch >= length:
            epoch, length = epoch - length, length * T_mult
        return (1 + math.cos(math.pi * epoch / length)) / 2


# -- any function, and the one cycle ---------------------------------------------------------------------------------


class LambdaLR(LRScheduler):
    """The initial rate times any function of the epoch.

        lr = lr₀ · lr_lambda(epoch)

    Ng's course has four decays, besides a change by hand:

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

    builds_on_last = False

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self._take(optimizer)
        self.lr_lambdas = self._per_group("lr_lambda", lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=False)]


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

    builds_on_last = False

    def __init__(
        self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
        cycle_momentum: bool = True, base_momentum: Any = 0.85, max_momentum: Any = 0.95, div_factor: float = 25.0,
        final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if total_steps is None and epochs is not None and steps_per_epoch is not None:
            total_steps = epochs * steps_per_epoch
        self._take(optimizer, total_steps=total_steps, pct_start=pct_start, anneal_strategy=anneal_strategy)
        self._take(optimizer, div_factor=div_factor, final_div_factor=final_div_factor, three_phase=three_phase)
        self.cycle_momentum = bool(cycle_momentum)
        if cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(f"OneCycleLR: without momentum or betas in {optimizer._name}, write cycle_momentum=False")
        self.momenta = [self._per_group("max_momentum", max_momentum), self._per_group("base_momentum", base_momentum)]
        for group, rate in zip(optimizer.param_groups, self._per_group("max_lr", max_lr), strict=True):
            if last_epoch == -1:
                group["initial_lr"] = rate / self.div_factor
        super().__init__(optimizer, last_epoch)

    def scale(self, epoch: int, /) -> float:
        return self._between(1.0, self.div_factor, 1 / self.final_div_factor)

    def _between(self, start: float, top: float, end: float) -> float:
        """The value now of what goes from `start` to `top` and on to `end`."""
        if self.last_epoch > self.total_steps:
            raise ValueError(f"OneCycleLR: step {self.last_epoch} is beyond its total_steps of {self.total_steps}")
        peak, last = self.pct_start * self.total_steps - 1, self.total_steps - 1
        ends, values = [0, peak, last], [start, top, end]
        if self.three_phase:
            ends, values = [0, peak, 2 * peak, last], [start, top, start, end]
        way = bisect_left(ends[1:-1], self.last_epoch)  # from ends[way] to ends[way + 1]
        length = ends[way + 1] - ends[way]
        share = (self.last_epoch - ends[way]) / length if length else 1.0
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        return values[way] * (1 - share) + values[way + 1] * share

    def get_lr(self) -> list[float]:
        rates = super().get_lr()
        for group, high, low in zip(self.optimizer.param_groups, *self.momenta, strict=True):
            momentum = self._between(high, low, high)
            if self.cycle_momentum and "momentum" in group:
                group["momentum"] = momentum
            elif self.cycle_momentum:
                group["betas"] = momentum, group["betas"][1]
        return rates


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
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     scheduler.step()
    0.25 0.5 0.75 1.0 0.5 0.25
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        self._take(optimizer, milestones=milestones)
        self.schedulers = list(schedulers)
        for i, scheduler in enumerate(self.schedulers):
            if not isinstance(scheduler, LRScheduler) or isinstance(scheduler, ReduceLROnPlateau):
                raise TypeError(f"{self._name}: number {i} is no schedule whose step() needs no figure: {scheduler}")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{self._name}: schedule {i}, a {scheduler._name}, is of another optimizer")
        if len(self.schedulers) != len(self.milestones) + 1:
            counts = f"{len(self.schedulers)} schedules and {len(self.milestones)} milestones"
            raise ValueError(f"{self._name} takes one milestone less than schedules, not {counts}")
        self._go_to(0)

    def _go_to(self, epoch: float) -> None:
        now = bisect_right(self.milestones, epoch)
        start = (0, *self.milestones)[now]
        if epoch == start:
            self._set(self.base_lrs)
        self.schedulers[now]._go_to(epoch - start)
        self.last_epoch, self._last_lr = epoch, self._rates()


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
        self._take(optimizer, mode=mode, factor=factor, patience=patience, threshold=threshold, eps=eps)
        self._take(optimizer, threshold_mode=threshold_mode, cooldown=cooldown)
        self.min_lrs = self._per_group("min_lr", min_lr)
        self.sign = 1 if mode == "min" else -1
        self.best = self.sign * math.inf
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0
        self._last_lr = self._rates()

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Hear the figure of an epoch, and lower the rates if it is time."""
        figure, margin = float(metrics), self.sign * self.threshold
        bar = self.best * (1 - margin) if self.threshold_mode == "rel" else self.best - margin
        is_better = self.sign * figure < self.sign * bar
        self.last_epoch += 1
        self.best, self.num_bad_epochs = (figure, 0) if is_better else (self.best, self.num_bad_epochs + 1)
        if self.cooldown_counter > 0:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            lower = [max(self.factor * rate, low) for rate, low in zip(self._rates(), self.min_lrs, strict=True)]
            self._set([new if old - new > self.eps else old for old, new in zip(self._rates(), lower, strict=True)])
        self._last_lr = self._rates()


_LRScheduler = LRScheduler  # the name that PyTorch had for it until 2.0
__all__ = ["LRScheduler", *(kind.__name__ for kind in LRScheduler.__subclasses__())]
__getattr__ = missing(__name__, __all__)
