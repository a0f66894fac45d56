"""Schedules: each against its formula, and against PyTorch as it runs; alone, together, by hand, saved and resumed."""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import lr_scheduler

Make = Callable[[Any, Any], Any]  # (the module lr_scheduler, an optimizer) -> a schedule of it


def made(framework: Any = mg, rates: tuple[float, ...] = (1.0,), kind: str = "SGD", **options: Any) -> Any:
    """An optimizer with a group for each rate."""
    ones = [framework.ones(2, requires_grad=True) for _ in rates]
    groups = [{"params": [w], "lr": rate} for w, rate in zip(ones, rates, strict=True)]
    return getattr(framework.optim, kind)(groups, lr=0.1, **options)


def course(scheduler: Any, epochs: int) -> list[float]:
    """The rate of the first group in each epoch."""
    rates = []
    for _ in range(epochs):
        scheduler.optimizer.step()
        rates.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.step()
    return rates


# -- each is its formula ----------------------------------------------------------------------------------------------

LONGER = [(0, 2), (2, 6), (8, 18), (26, 54)]  # start and length of ways that are each three times as long
FORMULAS: dict[str, tuple[Make, Callable[[int], float]]] = {
    "StepLR": (lambda s, o: s.StepLR(o, 3, 0.5), lambda t: 0.5 ** (t // 3)),
    "StepLR to 0": (lambda s, o: s.StepLR(o, 4, 0), lambda t: float(t < 4)),
    "MultiStepLR": (
        lambda s, o: s.MultiStepLR(o, [2, 5, 20], gamma=0.1),
        lambda t: 0.1 ** ((t > 1) + (t > 4) + (t > 19)),
    ),
    "ConstantLR": (lambda s, o: s.ConstantLR(o, 0.25, 4), lambda t: 0.25 if t < 4 else 1),
    "LinearLR up": (lambda s, o: s.LinearLR(o, 0.1, total_iters=9), lambda t: min(0.1 + 0.1 * t, 1)),
    "LinearLR down": (lambda s, o: s.LinearLR(o, 1, 0, 8), lambda t: max(1 - t / 8, 0)),
    "ExponentialLR": (lambda s, o: s.ExponentialLR(o, 0.95), lambda t: 0.95**t),
    "PolynomialLR": (lambda s, o: s.PolynomialLR(o, 12, 2), lambda t: max(1 - t / 12, 0) ** 2),
    "CosineAnnealingLR": (lambda s, o: s.CosineAnnealingLR(o, 7), lambda t: (1 + math.cos(math.pi * t / 7)) / 2),
    "CosineAnnealingLR to 0.2": (
        lambda s, o: s.CosineAnnealingLR(o, 10, 0.2),
        lambda t: 0.2 + 0.8 * (1 + math.cos(math.pi * t / 10)) / 2,
    ),
    "CosineAnnealingLR to and fro": (lambda s, o: s.CosineAnnealingLR(o, 1, 0.3), lambda t: 0.3 if t % 2 else 1),
    "CosineAnnealingWarmRestarts": (
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 5),
        lambda t: (1 + math.cos(math.pi * (t % 5) / 5)) / 2,
    ),
    "CosineAnnealingWarmRestarts ever longer": (
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 3, eta_min=0.1),
        lambda t: 0.1 + 0.45 * (1 + math.cos(math.pi * next((t - start) / n for start, n in LONGER if t < start + n))),
    ),
    "LambdaLR": (lambda s, o: s.LambdaLR(o, lambda t: 1 / (1 + t * t)), lambda t: 1 / (1 + t * t)),
    "OneCycleLR": (
        lambda s, o: s.OneCycleLR(o, 2.0, 41, pct_start=11 / 41, div_factor=4, final_div_factor=50),
        lambda t: (
            0.5 + 1.5 * (1 - math.cos(math.pi * t / 10)) / 2
            if t <= 10
            else 0.01 + 1.99 * (1 + math.cos(math.pi * (t - 10) / 30)) / 2
        ),
    ),
    "OneCycleLR linear": (
        lambda s, o: s.OneCycleLR(
            o, 2.0, 41, pct_start=11 / 41, anneal_strategy="linear", div_factor=4, three_phase=True
        ),
        lambda t: 0.5 + 0.15 * t if t <= 10 else 2 - 0.15 * (t - 10) if t <= 20 else 0.5 - 0.49995 * (t - 20) / 20,
    ),
}
every_formula = pytest.mark.parametrize(("make", "formula"), FORMULAS.values(), ids=FORMULAS)


@every_formula
def test_every_schedule_is_its_formula(make: Make, formula: Any) -> None:
    ours = course(make(lr_scheduler, made(rates=(1.0, 3.0))), 40)
    np.testing.assert_allclose(ours, [formula(t) for t in range(40)], rtol=1e-11, atol=1e-14)


def test_the_four_decays_of_the_course_are_a_line_each() -> None:
    """Rate 0.5, k = 2, α₀ = 0.2; epochs of 1/√epoch are counted from 1."""
    t = np.arange(30)
    for make, expected in [
        (lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + 0.5 * epoch)), 0.2 / (1 + 0.5 * t)),
        (lambda o: lr_scheduler.ExponentialLR(o, 0.95), 0.2 * 0.95**t),
        (lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 2 / math.sqrt(epoch + 1)), 2 / np.sqrt(t + 1) * 0.2),
        (lambda o: lr_scheduler.StepLR(o, step_size=10, gamma=0.5), np.repeat([0.2, 0.1, 0.05], 10)),
    ]:
        np.testing.assert_allclose(course(make(made(rates=(0.2,))), 30), expected, rtol=1e-13)


def test_a_rate_changed_by_hand_stays_changed_and_two_schedules_multiply() -> None:
    optimizer = made()
    first, second = lr_scheduler.ExponentialLR(optimizer, 0.5), lr_scheduler.StepLR(optimizer, 2, 0.1)
    optimizer.step()
    for scheduler in (first, second) * 2:
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.25 * 0.1)
    optimizer.param_groups[0]["lr"] = 8.0
    first.step()
    second.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(4.0)
    assert first.get_last_lr() == [4.0]


def test_a_schedule_sets_the_rates_of_epoch_0_and_notes_the_initial_ones() -> None:
    optimizer = made(rates=(1.0, 3.0))
    scheduler = lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    assert [group["lr"] for group in optimizer.param_groups] == scheduler.get_last_lr() == [0.5, 1.5]
    assert [group["initial_lr"] for group in optimizer.param_groups] == scheduler.base_lrs == [1.0, 3.0]
    assert scheduler.last_epoch == 0
    optimizer.step()
    scheduler.step()
    assert (scheduler.last_epoch, scheduler.get_last_lr()) == (1, [0.75, 2.25])
    scheduler.get_last_lr().clear()
    assert scheduler.get_last_lr() == [0.75, 2.25]


def test_the_first_step_of_a_schedule_before_that_of_the_optimizer_warns() -> None:
    optimizer = made()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match=r"ExponentialLR: call optimizer.step\(\) before scheduler.step\(\)") as caught:
        scheduler.step()
    assert caught[0].filename == __file__
    assert optimizer.param_groups[0]["lr"] == 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()
    optimizer.step()
    lr_scheduler.ExponentialLR(optimizer, 0.5).step()


def test_a_schedule_of_ones_own_says_its_scale_or_its_rates() -> None:
    class Sawtooth(lr_scheduler.LRScheduler):
        builds_on_last = False

        def scale(self, epoch: int, /, period: int, gamma: float = 1.0) -> float:
            return gamma * (1 - epoch % period / period)

    assert course(Sawtooth(made(), 4, gamma=2.0), 6) == [2.0, 1.5, 1.0, 0.5, 2.0, 1.5]

    class Countdown(lr_scheduler.LRScheduler):
        """As one writes it for PyTorch."""

        def __init__(self, optimizer: Any, end: int, last_epoch: int = -1) -> None:
            self.end = end
            super().__init__(optimizer, last_epoch)

        def get_lr(self) -> list[float]:
            return [base * (self.end - self.last_epoch) for base in self.base_lrs]

    assert course(Countdown(made(), 3), 3) == [3, 2, 1]
    assert Countdown(made(), 3).state_dict()["end"] == 3

    class Halving(lr_scheduler.StepLR):
        def __init__(self, optimizer: Any, every: int) -> None:
            super().__init__(optimizer, every, gamma=0.5)

    assert course(Halving(made(), 1), 3) == [1, 0.5, 0.25]
    with pytest.raises(NotImplementedError, match=r"Silent defines neither scale.* nor get_lr"):
        type("Silent", (lr_scheduler.LRScheduler,), {})(made())


# -- momentum in the one cycle ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "key"), [("SGD", "momentum"), ("RMSprop", "momentum"), ("Adam", "betas")])
def test_momentum_goes_the_other_way_round(kind: str, key: str) -> None:
    optimizer = made(kind=kind)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, 21, pct_start=11 / 21, base_momentum=0.5, max_momentum=0.9)
    found = []
    for _ in range(21):
        optimizer.step()
        value = optimizer.param_groups[0][key]
        found.append(value[0] if key == "betas" else value)
        scheduler.step()
    expected = [0.5 + 0.4 * (1 + math.cos(math.pi * t / 10)) / 2 for t in range(21)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    if key == "betas":
        assert optimizer.param_groups[0]["betas"][1] == 0.999


def test_without_cycle_momentum_it_stays_and_an_optimizer_without_it_is_told_so() -> None:
    optimizer = made(momentum=0.3)
    course(lr_scheduler.OneCycleLR(optimizer, 1.0, 10, cycle_momentum=False), 10)
    assert optimizer.param_groups[0]["momentum"] == 0.3
    with pytest.raises(
        ValueError, match="OneCycleLR: without momentum or betas in Adagrad, write cycle_momentum=False"
    ):
        lr_scheduler.OneCycleLR(made(kind="Adagrad"), 1.0, 10)


def test_a_cycle_ends_and_may_begin_at_its_top() -> None:
    optimizer = made()
    scheduler = lr_scheduler.OneCycleLR(optimizer, 2.0, epochs=2, steps_per_epoch=2, pct_start=0.25)
    assert optimizer.param_groups[0]["lr"] == 2.0
    course(scheduler, 4)
    momentum, rate = optimizer.param_groups[0]["momentum"], optimizer.param_groups[0]["lr"]
    with pytest.raises(ValueError, match="OneCycleLR: step 5 is beyond its total_steps of 4"):
        scheduler.step()
    group = optimizer.param_groups[0]
    assert (scheduler.last_epoch, group["lr"], group["momentum"]) == (4, rate, momentum)


# -- plateau ----------------------------------------------------------------------------------------------------------


def test_a_plateau_lowers_the_rate_after_more_than_patience_epochs_without_a_new_best() -> None:
    optimizer = made()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, min_lr=0.2)
    rates = []
    for loss in [3.0, 2.0, 2.0, 2.0, mg.tensor(1.99999), 2.5, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]:
        scheduler.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1.0] * 4 + [0.5] * 3 + [0.25] * 4 + [0.2] * 4
    assert scheduler.get_last_lr() == [0.2]


# -- schedules put together -------------------------------------------------------------------------------------------


def test_one_schedule_follows_the_other_from_its_own_beginning() -> None:
    optimizer = made(rates=(0.8, 8.0))
    parts = [lr_scheduler.LinearLR(optimizer, 0.25, total_iters=3), lr_scheduler.CosineAnnealingLR(optimizer, 4)]
    scheduler = lr_scheduler.SequentialLR(optimizer, parts, milestones=[3])
    cosine = [0.8 * (1 + math.cos(math.pi * t / 4)) / 2 for t in range(5)]
    np.testing.assert_allclose(course(scheduler, 8), [0.2, 0.4, 0.6, *cosine], atol=1e-15)
    assert scheduler.last_epoch == 8
    assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]


def test_sequences_may_be_put_together_again() -> None:
    """PyTorch 2.13 raises NotImplementedError where such a part is not the first."""
    optimizer = made()
    inner = [lr_scheduler.StepLR(optimizer, 1, 0.1), lr_scheduler.LambdaLR(optimizer, lambda t: 7.0)]
    parts = [
        lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2),
        lr_scheduler.SequentialLR(optimizer, inner, [2]),
        lr_scheduler.ExponentialLR(optimizer, 0.5),
    ]
    scheduler = lr_scheduler.SequentialLR(optimizer, parts, [2, 5])
    assert course(scheduler, 8) == pytest.approx([0.5, 0.75, 1.0, 0.1, 7.0, 1.0, 0.5, 0.25])


# -- against PyTorch --------------------------------------------------------------------------------------------------


class Both:
    """Two schedules of one optimizer, one after the other in each epoch."""

    def __init__(self, first: Any, second: Any) -> None:
        self.schedules = first, second
        self.get_last_lr = second.get_last_lr

    def step(self) -> None:
        for schedule in self.schedules:
            schedule.step()

    def state_dict(self) -> dict[str, Any]:
        return {str(i): schedule.state_dict() for i, schedule in enumerate(self.schedules)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for i, schedule in enumerate(self.schedules):
            schedule.load_state_dict(state[str(i)])


LIVE: dict[str, Make] = {name: make for name, (make, _) in FORMULAS.items()} | {
    "StepLR defaults": lambda s, o: s.StepLR(o, 7),
    "LinearLR defaults": lambda s, o: s.LinearLR(o),
    "ConstantLR defaults": lambda s, o: s.ConstantLR(o),
    "PolynomialLR defaults": lambda s, o: s.PolynomialLR(o),
    "LambdaLR of each group": lambda s, o: s.LambdaLR(o, [lambda t: 0.9**t, lambda t: 1 + t / 10]),
    "CosineAnnealingLR many": lambda s, o: s.CosineAnnealingLR(o, 3, 0.01),
    "OneCycleLR defaults": lambda s, o: s.OneCycleLR(o, [0.5, 2.0], total_steps=45),
    "OneCycleLR, steps of epochs": lambda s, o: s.OneCycleLR(
        o, 1.0, epochs=9, steps_per_epoch=5, three_phase=True, pct_start=0.4, base_momentum=[0.7, 0.8], max_momentum=0.9
    ),
    "OneCycleLR down only": lambda s, o: s.OneCycleLR(o, 1.0, 45, pct_start=0.0, cycle_momentum=False),
    "OneCycleLR up only": lambda s, o: s.OneCycleLR(o, 1.0, 46, pct_start=1.0, anneal_strategy="linear"),
    "warm-up, cosine": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=5), s.CosineAnnealingLR(o, 20)], milestones=[5]
    ),
    "three in a row": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9), s.StepLR(o, 4)], [4, 12]
    ),
    "functions in a row": lambda s, o: s.SequentialLR(
        o, [s.LambdaLR(o, lambda t: 1 / (1 + t)), s.CosineAnnealingWarmRestarts(o, 4), s.PolynomialLR(o, 20)], [4, 12]
    ),
    "two at once": lambda s, o: Both(s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)),
    "two with a bottom": lambda s, o: Both(s.CosineAnnealingLR(o, 9, 0.01), s.MultiStepLR(o, [5, 14], 0.5)),
}


@pytest.fixture
def torch() -> Any:
    """PyTorch; a test that asks for it is skipped where it is not installed."""
    return pytest.importorskip("torch", reason="compares with PyTorch as it runs")


def watched(framework: Any, optimizer: Any, scheduler: Any, epochs: int, hand: int | None = None) -> Any:
    """All that a schedule sets, in every epoch; in epoch `hand` the rates are changed by hand."""
    found = []
    for epoch in range(epochs):
        optimizer.step()
        groups = optimizer.param_groups
        momenta = [group["betas"][0] if "betas" in group else group["momentum"] for group in groups]
        found.append([*[group["lr"] for group in groups], *momenta, *scheduler.get_last_lr()])
        if epoch == hand:
            for group in groups:
                group["lr"] *= 0.7
        scheduler.step()
    return np.array(found)


@pytest.mark.parametrize("hand", [None, 7])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("make", LIVE.values(), ids=LIVE)
def test_40_epochs_of_every_schedule_agree_with_pytorch(make: Make, kind: str, hand: int | None, torch: Any) -> None:
    found = []
    for framework in (mg, torch):
        optimizer = made(framework, (0.1, 0.3), kind)
        scheduler = make(framework.optim.lr_scheduler, optimizer)
        found.append(watched(framework, optimizer, scheduler, 40, hand))
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-15)


PLATEAUS: list[dict[str, Any]] = [
    {"patience": 2},
    {"mode": "max", "factor": 0.5, "patience": 1, "threshold": 0.1, "cooldown": 2, "min_lr": [0.01, 0.02]},
    {"threshold_mode": "abs", "threshold": 0.05, "patience": 0, "eps": 1e-3},
    {"mode": "max", "threshold_mode": "abs", "patience": 3, "cooldown": 3, "min_lr": 1e-3, "factor": 0},
]


@pytest.mark.parametrize("options", PLATEAUS)
def test_60_noisy_epochs_of_a_plateau_agree_with_pytorch(options: dict[str, Any], torch: Any) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, 60)
    figures = [*(np.exp(-np.arange(60) / 9) + noise), math.nan, 0.1, math.inf, 0.1]
    found = []
    for framework in (mg, torch):
        optimizer = made(framework, (0.1, 0.3))
        scheduler = framework.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        rates = []
        for figure in figures:
            scheduler.step(framework.tensor(figure) if framework is mg else figure)
            rates.append([*[group["lr"] for group in optimizer.param_groups], *scheduler.get_last_lr()])
        found.append(rates)
    np.testing.assert_allclose(*found, rtol=1e-6)  # the tensors are float32


@every_formula
def test_the_arguments_are_those_of_pytorch_in_its_order_with_its_defaults(
    make: Make, formula: Any, torch: Any
) -> None:
    kind = type(make(lr_scheduler, made(rates=(1.0, 1.0))))
    ours = inspect.signature(kind).parameters
    theirs = inspect.signature(getattr(torch.optim.lr_scheduler, kind.__name__)).parameters
    assert list(ours) == list(theirs)
    assert {name: p.default for name, p in ours.items()} == {name: p.default for name, p in theirs.items()}


def test_to_go_on_after_an_epoch_without_a_state_dict(torch: Any) -> None:
    """Where PyTorch 2.13 agrees: its StepLR and the like take a second step down if the epoch has one."""
    for name in ("LambdaLR", "ExponentialLR", "CosineAnnealingLR", "LinearLR", "StepLR", "OneCycleLR"):
        found = []
        for framework in (mg, torch):
            schedules = framework.optim.lr_scheduler
            arguments = {"LambdaLR": [lambda t: 1 / (1 + t)], "ExponentialLR": [0.9], "LinearLR": [0.1, 1.0, 20]}
            arguments["OneCycleLR"] = [1.0, 20]
            optimizer = made(framework, (0.1,))
            scheduler = getattr(schedules, name)(optimizer, *arguments.get(name, [9]))
            watched(framework, optimizer, scheduler, 6)
            again = made(framework, (0.5,))
            again.load_state_dict(optimizer.state_dict())
            scheduler = getattr(schedules, name)(again, *arguments.get(name, [9]), last_epoch=5)
            assert scheduler.last_epoch == 6
            found.append(watched(framework, again, scheduler, 10))
        np.testing.assert_allclose(*found, rtol=1e-12)


# -- saving and loading -----------------------------------------------------------------------------------------------


def assert_plain(value: Any) -> None:
    """Numbers, strings, lists and, for schedules inside others, dicts: nothing that a file could not hold."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            assert_plain(inner)
    else:
        assert type(value) in (int, float, bool, str), value


@pytest.mark.parametrize("epoch", [0, 4, 13])
@pytest.mark.parametrize("make", LIVE.values(), ids=LIVE)
def test_a_schedule_resumed_with_a_fresh_optimizer_gives_the_same_rates(make: Make, epoch: int) -> None:
    optimizer = made(rates=(0.1, 0.3))
    scheduler = make(lr_scheduler, optimizer)
    watched(mg, optimizer, scheduler, epoch)
    saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    assert_plain(scheduler.state_dict())
    expected = watched(mg, optimizer, scheduler, 27)

    fresh = made(rates=(0.5, 0.5), momentum=0.1)
    resumed = make(lr_scheduler, fresh)
    before = copy.deepcopy(saved)
    fresh.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    assert watched(mg, fresh, resumed, 27).tolist() == expected.tolist()
    assert saved == before, "what was loaded is not shared"


def test_a_state_shares_no_list_with_its_schedule() -> None:
    scheduler = lr_scheduler.MultiStepLR(made(), [2], 0.5)
    scheduler.state_dict()["milestones"][0] = 1
    saved = scheduler.state_dict()
    scheduler.load_state_dict(saved)
    saved["milestones"][0] = 1
    assert course(scheduler, 3) == [1.0, 1.0, 0.5]


def test_a_plateau_can_be_resumed() -> None:
    optimizer = made()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=2, cooldown=1)
    for figure in (1.0, 2.0, 2.0):
        scheduler.step(figure)
    saved = scheduler.state_dict()
    assert_plain(saved)
    fresh = made()
    resumed = lr_scheduler.ReduceLROnPlateau(fresh, patience=9)
    resumed.load_state_dict(saved)
    resumed.step(2.0)
    assert fresh.param_groups[0]["lr"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    "bad",
    [
        lambda s: [1],
        lambda s: {},
        lambda s: {**s, "momentum": 1},
        lambda s: {name: value for name, value in s.items() if name != "last_epoch"},
        lambda s: lr_scheduler.ExponentialLR(made(rates=(1.0, 1.0)), 0.5).state_dict(),
        lambda s: {**s, "_last_lr": [0.1]},
    ],
)
def test_the_state_of_another_schedule_is_refused_and_changes_nothing(bad: Any) -> None:
    optimizer = made(rates=(1.0, 1.0))
    parts = [lr_scheduler.LinearLR(optimizer), lr_scheduler.CosineAnnealingLR(optimizer, 9)]
    scheduler = lr_scheduler.SequentialLR(optimizer, parts, [3])
    course(scheduler, 2)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match="load_state_dict of SequentialLR: expected what is like"):
        scheduler.load_state_dict(bad(scheduler.state_dict()))
    assert scheduler.state_dict() == before


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda s, o: s.StepLR([1], 3), TypeError, "StepLR changes the rates of an optimizer, not of a list"),
        (
            lambda s, o: s.LambdaLR(None, abs),
            TypeError,
            "LambdaLR changes the rates of an optimizer, not of a NoneType",
        ),
        (lambda s, o: s.OneCycleLR(3, 1.0, 9), TypeError, "OneCycleLR changes the rates of an optimizer, not of a int"),
        (lambda s, o: s.ReduceLROnPlateau("o"), TypeError, "ReduceLROnPlateau changes the rates of an optimizer"),
        (
            lambda s, o: s.StepLR(o),
            TypeError,
            r"StepLR: missing a required argument: 'step_size'; it takes \(optimizer, ",
        ),
        (lambda s, o: s.StepLR(o, 3, rate=1), TypeError, "StepLR: got an unexpected keyword argument 'rate'; it takes"),
        (lambda s, o: s.StepLR(o, 0), ValueError, "StepLR: step_size must be a whole number of at least 1, not 0"),
        (lambda s, o: s.StepLR(o, 2.5), ValueError, "StepLR: step_size must be a whole number of at least 1, not 2.5"),
        (lambda s, o: s.StepLR(o, 3, -0.1), ValueError, r"StepLR: gamma must be in \[0, inf\), not -0.1"),
        (lambda s, o: s.StepLR(o, 3, "x"), TypeError, "StepLR: gamma must be in .*, not 'x'"),
        (lambda s, o: s.ExponentialLR(o, math.nan), ValueError, r"ExponentialLR: gamma must be in \[0, inf\), not nan"),
        (
            lambda s, o: s.MultiStepLR(o, [5, 3]),
            ValueError,
            r"MultiStepLR: milestones must be .* that increase, not \[5, 3",
        ),
        (
            lambda s, o: s.MultiStepLR(o, [3, 3]),
            ValueError,
            "MultiStepLR: milestones must be whole numbers above 0 that",
        ),
        (
            lambda s, o: s.MultiStepLR(o, [0, 3]),
            ValueError,
            "MultiStepLR: milestones must be whole numbers above 0 that",
        ),
        (
            lambda s, o: s.MultiStepLR(o, [0.5]),
            ValueError,
            "MultiStepLR: milestones must be whole numbers above 0 that",
        ),
        (lambda s, o: s.ConstantLR(o, 1.5), ValueError, r"ConstantLR: factor must be in \[0, 1\], not 1.5"),
        (lambda s, o: s.LinearLR(o, 0), ValueError, r"LinearLR: start_factor must be in \(0, 1\], not 0"),
        (
            lambda s, o: s.LinearLR(o, total_iters=0),
            ValueError,
            "LinearLR: total_iters must be a whole number of at least",
        ),
        (
            lambda s, o: s.PolynomialLR(o, 0),
            ValueError,
            "PolynomialLR: total_iters must be a whole number of at least 1",
        ),
        (
            lambda s, o: s.CosineAnnealingLR(o, 0),
            ValueError,
            "CosineAnnealingLR: T_max must be a whole number of at least",
        ),
        (lambda s, o: s.CosineAnnealingLR(o, 9, -1), ValueError, "CosineAnnealingLR: eta_min must be in"),
        (
            lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
            ValueError,
            "Restarts: T_0 must be a whole number of at least 1",
        ),
        (
            lambda s, o: s.LambdaLR(o, 0.5),
            ValueError,
            r"LambdaLR: lr_lambda must be a function of the epoch, such as .*, not 0.5",
        ),
        (lambda s, o: s.LambdaLR(o, [abs]), ValueError, "LambdaLR: lr_lambda is a list of 1 for 2 parameter groups"),
        (
            lambda s, o: s.OneCycleLR(o, 1.0),
            ValueError,
            "OneCycleLR: total_steps must be given, or both epochs and steps_per_epoch, not None",
        ),
        (
            lambda s, o: s.OneCycleLR(o, 1.0, epochs=3),
            ValueError,
            "OneCycleLR: total_steps must be given, or both epochs and",
        ),
        (
            lambda s, o: s.OneCycleLR(o, 1.0, 0),
            ValueError,
            "OneCycleLR: total_steps must be .*, not 0",
        ),
        (
            lambda s, o: s.OneCycleLR(o, [1.0], 9),
            ValueError,
            "OneCycleLR: max_lr is a list of 1 for 2 parameter groups",
        ),
        (lambda s, o: s.OneCycleLR(o, -1.0, 9), ValueError, "OneCycleLR: max_lr must be in"),
        (
            lambda s, o: s.OneCycleLR(o, 1.0, 9, pct_start=2),
            ValueError,
            r"OneCycleLR: pct_start must be in \[0, 1\], not 2",
        ),
        (
            lambda s, o: s.OneCycleLR(o, 1.0, 9, anneal_strategy="sin"),
            ValueError,
            "OneCycleLR: anneal_strategy must be 'cos' or 'linear', not 'sin'",
        ),
        (lambda s, o: s.OneCycleLR(o, 1.0, 9, div_factor=0), ValueError, r"div_factor must be in \(0, inf\), not 0"),
        (
            lambda s, o: s.ReduceLROnPlateau(o, "least"),
            ValueError,
            "mode must be 'min' or 'max', not 'least'",
        ),
        (lambda s, o: s.ReduceLROnPlateau(o, factor=1.5), ValueError, "ReduceLROnPlateau: factor must be in"),
        (lambda s, o: s.ReduceLROnPlateau(o, patience=-1), ValueError, "patience must be a whole number of at least 0"),
        (lambda s, o: s.ReduceLROnPlateau(o, min_lr=[0.1]), ValueError, "min_lr is a list of 1 for 2 parameter groups"),
        (
            lambda s, o: s.SequentialLR(o, [], []),
            ValueError,
            "SequentialLR takes one milestone less than schedules, not 0 schedules and 0 milestones",
        ),
        (
            lambda s, o: s.SequentialLR(o, [s.StepLR(o, 3), s.ReduceLROnPlateau(o)], [3]),
            TypeError,
            r"SequentialLR: number 1 is no schedule whose step\(\) needs no figure: <.*ReduceLROnPlateau",
        ),
        (lambda s, o: s.SequentialLR(o, [3], []), TypeError, "SequentialLR: number 0 is no schedule .*: 3"),
        (
            lambda s, o: s.SequentialLR(o, [s.StepLR(made(), 3)], []),
            ValueError,
            "SequentialLR: schedule 0, a StepLR, is of another optimizer",
        ),
        (
            lambda s, o: s.SequentialLR(o, [s.StepLR(o, 3)], [3]),
            ValueError,
            "SequentialLR takes one milestone less than schedules, not 1 schedules and 1 milestones",
        ),
        (
            lambda s, o: s.SequentialLR(o, [s.StepLR(o, 3), s.StepLR(o, 3)], [0]),
            ValueError,
            "SequentialLR: milestones must be whole numbers above 0",
        ),
        (
            lambda s, o: s.StepLR(o, 3, last_epoch=4),
            ValueError,
            "StepLR: to go on after epoch 4, groups need their 'initial_lr'",
        ),
    ],
)
def test_bad_arguments_are_named_and_change_no_rate(make: Make, error: Any, message: str) -> None:
    optimizer = made(rates=(1.0, 3.0), momentum=0.5)
    with pytest.raises(error, match=message):
        make(lr_scheduler, optimizer)
    assert [(group["lr"], group["momentum"]) for group in optimizer.param_groups] == [(1.0, 0.5), (3.0, 0.5)]


def test_after_a_function_that_fails_the_schedule_is_where_it_was() -> None:
    optimizer = made()
    scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (2 - epoch))
    course(scheduler, 1)
    with pytest.raises(ZeroDivisionError):
        scheduler.step()
    assert (scheduler.last_epoch, optimizer.param_groups[0]["lr"]) == (1, 1.0)


def test_groups_that_are_added_later_join_the_schedules_that_build_on_the_last_rate() -> None:
    """As in PyTorch; others are told to be made anew."""
    optimizer = made()
    scheduler, function = lr_scheduler.ExponentialLR(optimizer, 0.5), lr_scheduler.LambdaLR(optimizer, lambda t: 0.5)
    course(scheduler, 1)
    optimizer.add_param_group({"params": mg.ones(1, requires_grad=True), "lr": 8.0})
    scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 4.0]
    with pytest.raises(ValueError, match="LambdaLR was made for 1 parameter groups, and there are 2 now"):
        function.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 4.0]


def test_a_typo_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(
        AttributeError, match=r"minigrad.optim.lr_scheduler has no 'StepLr'; the nearest name is 'StepLR'"
    ):
        _ = lr_scheduler.StepLr
    assert optim.lr_scheduler is lr_scheduler


def test_warm_restarts_take_fractions_of_epochs_and_other_schedules_take_none() -> None:
    optimizer = optim.SGD([mg.ones(1, requires_grad=True)], lr=1.0)
    scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 4)
    optimizer.step()
    for epoch in (0.5, 2, 3.5, 4, 6):
        scheduler.step(epoch)
        assert optimizer.param_groups[0]["lr"] == pytest.approx((1 + math.cos(math.pi * (epoch % 4) / 4)) / 2)
    with pytest.raises(TypeError, match="StepLR: its rates follow from each other"):
        optim.lr_scheduler.StepLR(optimizer, 2).step(3)
    assert optim.lr_scheduler._LRScheduler is optim.lr_scheduler.LRScheduler
