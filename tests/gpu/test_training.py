"""Training steps: what they cost a GPU, that they never wait for it, and where they lead."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import minigrad as mg
from minigrad import backend, nn, optim
from tests.gpu import hipcpu, launches, strict
from tests.gpu.trainings import PAIRS, Training

PAGE = Path(__file__).parents[2] / "docs" / "gpu.md"


@pytest.mark.parametrize(("network", "optimizer"), PAIRS)
def test_a_training_step_never_waits_for_the_gpu(network: str, optimizer: str, gpu: Any) -> None:
    if gpu.no_waits is None:
        pytest.skip("a real GPU does not tell who waits for it")
    training = Training(network, optimizer)
    with gpu.no_waits():
        losses = [training.step() for _ in range(3)]
    training.model.eval()
    with gpu.no_waits():
        training.model(training.x)
    assert losses[0].item() > losses[2].item()


def test_what_waits_is_caught(gpu: Any) -> None:
    if gpu.no_waits is None:
        pytest.skip("a real GPU does not tell who waits for it")
    training = Training("MLP", "SGD")
    with pytest.raises((strict.MadeToWait, hipcpu.HostWaited), match=r"tensor\.py:\d+"), gpu.no_waits():
        training.step().item()


def test_a_training_step_takes_the_kernels_that_the_page_says(gpu: Any) -> None:
    if gpu.name != "hipcpu":
        pytest.skip("only the CPU behind HIP's interface counts kernels")
    recorded = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    counted = launches.table(launches.unfused(), launches.counted()).splitlines()
    assert [line for line in counted if line not in recorded] == [
        line for line in counted if line.startswith("|---")
    ], "\n".join(counted)
    assert all(line.endswith("| 0 |") for line in counted[2:])


@pytest.mark.parametrize("network", ["digits", "CNN"])
def test_twenty_steps_lead_to_the_same_weights_as_on_the_cpu(network: str, gpu: Any) -> None:
    """In float32, on real handwritten digits."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)

    def weights(device: str) -> dict[str, Any]:
        mg.set_default_device(device)
        mg.manual_seed(0)
        if network == "digits":
            model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
            optimizer: Any = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        else:
            convolution = [nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)]
            model = nn.Sequential(*convolution, nn.Flatten(), nn.Linear(128, 10))
            optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        batches = np.random.default_rng(0)
        for _ in range(20):
            some = batches.choice(len(images), 64, replace=False)
            x = images[some] if network == "digits" else images[some].reshape(-1, 1, 8, 8)
            loss = nn.CrossEntropyLoss()(model(mg.tensor(x)), mg.tensor(labels[some]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}

    expected, found = weights("cpu"), weights("cuda")
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-5, err_msg=name)


# -- fused ------------------------------------------------------------------------------------------------------------


def test_a_fused_formula_says_what_it_says_on_the_cpu(gpu: Any) -> None:
    @backend.fuse
    def formula(x: Any, share: float, y: Any) -> Any:
        x *= share
        x += np.exp(-np.abs(y)) * (y > 0)
        return x

    x, y = np.linspace(-2, 2, 7, dtype=np.float32), np.linspace(3, -3, 7, dtype=np.float32)
    there, other = gpu.cupy.asarray(x), gpu.cupy.asarray(y)
    expected = formula(x, 0.3, y)
    with hipcpu.counting() if gpu.name == "hipcpu" else nullcontext() as counts:
        found = formula(there, 0.3, other)
    np.testing.assert_allclose(found.get(), expected, rtol=1e-6)
    np.testing.assert_allclose(there.get(), x, rtol=1e-6)
    assert found.dtype == np.float32
    assert counts is None or counts.launches == 1
