"""A small convolutional network learns to read MNIST: it looks at neighbouring pixels, with the same eye everywhere."""

import common  # first: it says which packages are missing
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import minigrad as mg
from minigrad import nn, optim
from minigrad.datasets import MNIST
from minigrad.utils.data import DataLoader, TensorDataset


def main():
    args = common.arguments(__doc__, epochs=3, limit=60_000)
    mg.set_default_dtype(mg.float64 if args.float64 else mg.float32)
    mg.set_default_device(args.device)
    mg.manual_seed(args.seed)

    try:
        train, test = tensors(MNIST(train=True), args.limit), tensors(MNIST(train=False))
    except FileNotFoundError as error:  # it says where it was looked for, and what to do
        raise SystemExit(error) from None
    batches = DataLoader(train, batch_size=100, shuffle=True)

    model = nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=5),  # 8 pictures of 24 × 24
        nn.MaxPool2d(2),  # 12 × 12
        nn.ReLU(),
        nn.Conv2d(8, 16, kernel_size=5),  # 16 pictures of 8 × 8
        nn.MaxPool2d(2),  # 4 × 4
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.003)
    # Large steps first, small ones to settle down: the rate falls in a line to 0.
    schedule = optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=args.epochs * len(batches))

    losses, test_losses = [], []
    for epoch in range(1, args.epochs + 1):
        for images, digits in tqdm(batches, f"epoch {epoch} of {args.epochs}", unit=" batches"):
            loss = loss_function(model(images), digits)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())

        with mg.no_grad():  # a thousand at a time: the pictures inside the network take memory
            logits = mg.cat([model(images) for images, _ in DataLoader(test, batch_size=1000)])
            test_losses.append(loss_function(logits, test.tensors[1]).item())
        mean = np.mean(losses[-len(batches) :])
        print(f"epoch {epoch}: training loss {mean:.6f}, test loss {test_losses[-1]:.6f}")

    accuracy = 100 * (logits.argmax(1) == test.tensors[1]).float().mean().item()
    print(f"test accuracy: {accuracy:.2f} % of {len(test):,} unseen digits")

    common.save(common.loss_curve(losses, test_losses, "digits"), args.out / "mnist_cnn_learning_curve.png")
    digit = test.tensors[0][:1]
    with mg.no_grad():
        seen = mg.relu(model[0](digit))
    weight, digit, seen = (tensor.cpu().numpy() for tensor in (model[0].weight.detach(), digit, seen))
    kernels = draw_kernels(weight[:, 0], digit[0, 0], seen[0])
    common.save(kernels, args.out / "mnist_cnn_kernels.png")


def tensors(mnist, limit=None):
    """Images (N, 1, 28, 28) with grey values from 0 for paper to 1 for ink, and the digits that they show."""
    images = mg.tensor(mnist.data[:limit, None], dtype=mg.get_default_dtype()) / 255
    return TensorDataset(images, mg.tensor(mnist.targets[:limit]))


def draw_kernels(kernels, digit, seen):
    """The kernels of the first layer, and below each what it sees in a digit: ReLU(kernel ∗ digit + bias)."""
    figure = Figure(figsize=(14, 3.7), layout="constrained")
    panels = figure.subplots(2, 1 + len(kernels))
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#d0d0d0")
    panels[0, 0].set_axis_off()
    panels[0, 0].text(0, 0.5, "kernels\n(red: ink counts\nagainst; blue: for)", color=common.GREY, va="center")
    panels[1, 0].imshow(digit, cmap="gray_r")
    panels[1, 0].set_xlabel("a test digit", color=common.GREY)
    largest = np.abs(kernels).max()
    for i, (kernel, found) in enumerate(zip(kernels, seen, strict=True), 1):
        panels[0, i].imshow(kernel, cmap="RdBu", vmin=-largest, vmax=largest)
        panels[1, i].imshow(found, cmap="Blues", vmin=0, vmax=seen.max())
        panels[1, i].set_xlabel(f"seen by {i}", color=common.GREY)
        panels[0, i].set_title(f"{i}", fontweight="bold")
    return figure


if __name__ == "__main__":
    main()
