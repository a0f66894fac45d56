"""What the examples share, so that each shows its own matter only: packages, arguments, and how pictures look."""

import argparse
import os
from importlib.util import find_spec
from pathlib import Path

# For NumPy, before it is imported: in products this small more threads gain nothing, and on a busy machine they wait.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if missing := [name for name in ("matplotlib", "minigrad", "sklearn", "tqdm") if find_spec(name) is None]:
    raise SystemExit(f'No module named {", ".join(missing)}; this example needs: pip install "minigrad-edu[examples]"')

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure  # not pyplot: pictures go to files, no window is opened
from matplotlib.ticker import LogLocator, NullLocator

from minigrad.cuda import why_not_available

BLUE, ORANGE, GREY = "#2a6fbb", "#d9681d", "#6b6b6b"
COLOURS = [BLUE, ORANGE, "#3f9142", "#8e5bb5", "#c2a300", "#c23b5a"]
MARKERS = "os^DPX"  # with each colour, for those who cannot tell the colours apart
matplotlib.rcParams["font.size"] = 12  # to be read from the last row


def arguments(description, epochs, limit=None, **more):
    """The command line. `more` has options of a script's own: name -> what `add_argument` takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers: the same seed, the same result")
    parser.add_argument("--epochs", type=int, default=epochs, help="how often each training example is seen")
    if limit:
        parser.add_argument("--limit", type=int, default=limit, metavar="N", help="train on the first N examples")
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where the pictures go")
    parser.add_argument("--float64", action="store_true", help="compute with 16 digits instead of 7")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="cuda is the GPU")
    for name, options in more.items():
        parser.add_argument(f"--{name}", **options)
    args = parser.parse_args()
    if args.seed < 0 or args.epochs < 1 or (limit and args.limit < 1):
        parser.error(f"--seed must be at least 0{', --limit' if limit else ''} and --epochs at least 1")
    if args.device == "cuda" and (problem := why_not_available()):
        parser.error(problem)
    args.out.mkdir(parents=True, exist_ok=True)
    return args


def save(figure, path):
    figure.savefig(path, dpi=150)
    print(f"wrote {path}")


def tidy(axes, title="", xlabel="", grid="y"):
    """Axes in grey, so that the data stands out."""
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlabel(xlabel, color=GREY)
    axes.tick_params(which="both", color=GREY, labelcolor=GREY)
    axes.spines[:].set_color(GREY)
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(axis=grid, alpha=0.3)


def log_scale(axes):
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def curve(axes, values, label, colour, first=1, **style):
    """A quantity after each epoch, with its last value in the legend."""
    epochs = range(first, first + len(values))
    axes.plot(epochs, values, ".-", color=colour, linewidth=2, label=f"{label}: {values[-1]:.3g} at the end", **style)
    axes.set_xlim(left=0)
    axes.xaxis.get_major_locator().set_params(integer=True)


def learning_curve(curves):
    """Loss and accuracy after each epoch; `curves` has a list of such pairs for each kind of example."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for column, (axes, title) in enumerate(zip(figure.subplots(1, 2), ("Loss", "Accuracy, %"), strict=True)):
        for (name, pairs), colour in zip(curves.items(), COLOURS, strict=False):
            curve(axes, [pair[column] for pair in pairs], name, colour)
        tidy(axes, title, "epoch")
        axes.legend(frameon=False)
    log_scale(figure.axes[0])
    return figure


def loss_curve(losses, test_losses, things):
    """The loss of every batch, its mean over the last fifty, and the loss on the test data after each epoch."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    epochs = np.arange(1, len(losses) + 1) * len(test_losses) / len(losses)
    n = min(50, len(losses))
    axes.plot(epochs, losses, color=BLUE, alpha=0.25, linewidth=0.8, label=f"training {things}, each batch")
    means = np.convolve(losses, np.full(n, 1 / n), "valid")
    axes.plot(epochs[n - 1 :], means, color=BLUE, linewidth=2, label=f"training {things}, mean of the last {n}")
    curve(axes, test_losses, f"test {things}", ORANGE)
    log_scale(axes)
    tidy(axes, "Loss", "epoch")
    axes.legend(frameon=False)
    return figure


def misread_digits(images, labels, probabilities):
    """The images (N, height, width) that were misread, the surest mistakes first: what was read, and what they are."""
    read = probabilities.argmax(1)
    wrong = np.flatnonzero(read != labels)
    wrong = wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")]
    columns = min(max(len(wrong), 3), 6)
    rows = min(max(-(-len(wrong) // columns), 1), 3)

    figure = Figure(figsize=(1.9 * columns, 2.5 * rows + 0.7), layout="constrained")
    figure.suptitle(f"{len(wrong)} of {len(labels):,} test digits misread", fontweight="bold")
    figure.supxlabel(
        "with the probabilities that the network gave, its surest mistakes first", color=GREY, fontsize="medium"
    )
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for i, axes in zip(wrong, figure.axes, strict=False):
        axes.set_axis_on()
        axes.imshow(images[i], cmap="gray_r")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#d0d0d0")
        axes.set_title(f"read as {read[i]}: {probabilities[i, read[i]]:.0%}", color=ORANGE, fontsize="medium")
        axes.set_xlabel(f"truth {labels[i]}: {probabilities[i, labels[i]]:.0%}", color=BLUE, fontsize="medium")
    return figure


def grid(x, steps=200):
    """Points (steps², 2) all over the plane around the points x (n, 2), and the extent of that part of the plane."""
    middle, half = (x.max(0) + x.min(0)) / 2, 0.55 * (x.max(0) - x.min(0)).max()
    xs, ys = np.linspace(middle - half, middle + half, steps, dtype=x.dtype).T
    return np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2), (xs[0], xs[-1], ys[0], ys[-1])


def regions(axes, probabilities, extent, x, y):
    """Which class is the likeliest where, from probabilities on `grid(x)`: the paler, the less sure."""
    steps, classes = round(len(probabilities) ** 0.5), probabilities.shape[1]
    likeliest, p = probabilities.argmax(1), probabilities.max(1)
    sure = 0.1 + 0.45 * (p - 1 / classes) / (1 - 1 / classes)
    colours = np.array([to_rgb(colour) for colour in COLOURS])
    image = 1 - sure[:, None] * (1 - colours[likeliest])
    axes.imshow(image.reshape(steps, steps, 3), extent=extent, origin="lower", interpolation="bilinear")
    for c in range(classes):
        axes.contour(likeliest.reshape(steps, steps) == c, [0.5], extent=extent, colors=[GREY], linewidths=0.8)
        axes.plot(
            *x[y == c].T, MARKERS[c], color=COLOURS[c], markersize=5, markeredgecolor="white", markeredgewidth=0.6
        )
    axes.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[])
    axes.spines[:].set_color("#d0d0d0")
