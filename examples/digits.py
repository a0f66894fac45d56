"""A network learns to read 1,797 real handwritten digits, and shows how it went in two pictures."""

import argparse
import os
import time
from pathlib import Path

# For NumPy, before it is imported: in products this small more threads gain nothing, and on a busy machine they wait.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    import numpy as np
    from matplotlib.figure import Figure  # not pyplot: pictures go to files, no window is opened
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from tqdm import tqdm

    import minigrad as mg
    from minigrad import nn
except ImportError as error:
    raise SystemExit(f'{error}; this example needs: pip install "minigrad-edu[examples]"') from None


def layer(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(0.3))


def main():
    args = arguments()
    mg.manual_seed(args.seed)

    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)  # (1797, 64): the grey values of 8 × 8 pixels, from 0 to 1
    x_train, x_test, y_train, y_test = train_test_split(
        images, digits.target, test_size=0.2, stratify=digits.target, random_state=args.seed
    )

    # Dropout on the pixels themselves: no single one may decide what is read.
    model = nn.Sequential(nn.Dropout(0.1), layer(64, 256), layer(256, 256), nn.Linear(256, 10))
    loss_function = nn.CrossEntropyLoss()
    optimizer = mg.optim.Adam(model.parameters())

    def loss_and_accuracy(x, y):
        model.eval()
        with mg.no_grad():
            logits = model(x)
            return loss_function(logits, y).item(), 100 * np.mean(logits.numpy().argmax(1) == y)

    curves = {"train": [], "test": []}
    start = time.perf_counter()
    for epoch in (progress := tqdm(range(args.epochs), unit="epoch")):
        optimizer.lr = 0.01 * (1 - epoch / args.epochs)  # large steps first, small ones to settle down
        model.train()
        order = mg.randperm(len(x_train)).numpy()
        for batch in np.array_split(order, len(order) // 64):
            loss = loss_function(model(x_train[batch]), y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curves["train"].append(loss_and_accuracy(x_train, y_train))
        curves["test"].append(loss_and_accuracy(x_test, y_test))
        progress.set_postfix_str(f"test accuracy {curves['test'][-1][1]:.1f} %")
    seconds = time.perf_counter() - start

    accuracy = curves["test"][-1][1]
    print(f"test accuracy: {accuracy:.1f} % on {len(y_test)} unseen digits, after {seconds:.1f} s of training")
    with mg.no_grad():
        probabilities = mg.softmax(model(x_test)).numpy()
    for name, picture in {
        "digits_learning_curve.png": learning_curve(curves),
        "digits_misread.png": misread_digits(x_test, y_test, probabilities),
    }.items():
        picture.savefig(args.out / name, dpi=150)
        print(f"wrote {args.out / name}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights, the batches and the dropout")
    parser.add_argument("--epochs", type=int, default=40, help="how often each training digit is seen")
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where the pictures go")
    args = parser.parse_args()
    if args.seed < 0 or args.epochs < 1:
        parser.error("--seed must be at least 0 and --epochs at least 1")
    args.out.mkdir(parents=True, exist_ok=True)
    return args


BLUE, ORANGE, GREY = "#2a6fbb", "#d9681d", "#6b6b6b"


def learning_curve(curves):
    """Loss and accuracy of the train and the test digits after each epoch."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for column, (axes, title) in enumerate(zip(figure.subplots(1, 2), ("Loss", "Accuracy, %"), strict=True)):
        for (name, curve), colour in zip(curves.items(), (BLUE, ORANGE), strict=True):
            values = np.array(curve)[:, column]
            label = f"{name} digits: {values[-1]:.3g} at the end"
            axes.plot(range(1, len(values) + 1), values, ".-", color=colour, linewidth=2, label=label)
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xlabel("epoch", color=GREY)
        axes.set_xlim(left=0)
        axes.tick_params(which="both", color=GREY, labelcolor=GREY)
        axes.spines[:].set_color(GREY)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
        axes.legend(frameon=False)
    figure.axes[0].set_yscale("log")
    figure.axes[0].yaxis.set_major_formatter("{x:g}")
    return figure


def misread_digits(images, labels, probabilities):
    """The digits that were misread, the surest mistakes first: what was read, and what they are."""
    read = probabilities.argmax(1)
    wrong = np.flatnonzero(read != labels)
    wrong = wrong[np.argsort(-probabilities[wrong].max(1))]
    columns = min(max(len(wrong), 3), 6)
    rows = min(max(-(-len(wrong) // columns), 1), 4)

    figure = Figure(figsize=(1.9 * columns, 2.5 * rows + 0.5), layout="constrained")
    figure.suptitle(f"{len(wrong)} of {len(labels)} test digits misread", fontweight="bold")
    figure.supxlabel(
        "with the probabilities that the network gave, its surest mistakes first", color=GREY, fontsize="medium"
    )
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for i, axes in zip(wrong, figure.axes, strict=False):
        axes.set_axis_on()
        axes.imshow(images[i].reshape(8, 8), cmap="gray_r")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#d0d0d0")
        axes.set_title(f"read as {read[i]}: {probabilities[i, read[i]]:.0%}", color=ORANGE, fontsize="large")
        axes.set_xlabel(f"truth {labels[i]}: {probabilities[i, labels[i]]:.0%}", color=BLUE, fontsize="large")
    return figure


if __name__ == "__main__":
    main()
