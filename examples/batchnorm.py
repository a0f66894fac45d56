"""The same deep network with and without batch normalisation: how it learns, and what its activation functions see."""

import common  # first: it says which packages are missing
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import minigrad as mg
from minigrad import nn, optim
from minigrad.datasets import digits
from minigrad.utils.data import DataLoader, TensorDataset

LAYERS = 6
TITLES = "Training loss", "Test accuracy, %"
COLOURS = {"without": common.ORANGE, "with batch norm": common.BLUE}


def main():
    args = common.arguments(__doc__, epochs=40, limit=1437)
    mg.set_default_dtype(mg.float64 if args.float64 else mg.float32)
    mg.set_default_device(args.device)
    mg.manual_seed(args.seed)

    images, labels = digits()
    x, y = mg.tensor(images, dtype=mg.get_default_dtype()), mg.tensor(labels)
    order = mg.randperm(len(x))
    test, train = order[:360], order[360:][: args.limit]
    train, test = TensorDataset(x[train], y[train]), TensorDataset(x[test], y[test])

    curves, seen = {}, {}
    for name, normalise in {"without": False, "with batch norm": True}.items():
        mg.manual_seed(args.seed)  # the same weights to start from, and the same batches
        model = network(normalise)
        at_start = before_activation(model, train.tensors[0])
        curves[name] = learn(model, train, test, args.epochs, name)
        seen[name] = at_start, before_activation(model, train.tensors[0])
        loss, accuracy = curves[name][-1]
        print(f"{name:>15}: training loss {loss:.6f}, test accuracy {accuracy:.2f} %")

    common.save(draw_curves(curves), args.out / "batchnorm_curves.png")
    common.save(draw_histograms(seen), args.out / "batchnorm_histograms.png")


def network(normalise):
    """z = W x + b, normalised or not, then ReLU; six times.

    The initial weights make z smaller from layer to layer, so that without BatchNorm little gets through at first.
    """
    layers = []
    for _ in range(LAYERS):
        # Before a BatchNorm the bias does nothing; it stays, so that both networks start from the same weights.
        layers += [nn.Linear(64, 64), *[nn.BatchNorm1d(64)] * normalise, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def learn(model, train, test, epochs, name):
    """Plain gradient descent; the training loss and the test accuracy after each epoch."""
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    curve = []
    for _ in tqdm(range(epochs), f"{name:>15}", unit="epoch"):
        model.train()  # mean and variance of each batch
        for x, y in DataLoader(train, batch_size=50, shuffle=True):
            loss = loss_function(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()  # running averages of mean and variance
        with mg.no_grad():
            (x, y), (x_test, y_test) = train[:], test[:]
            loss = loss_function(model(x), y).item()
            curve.append((loss, 100 * (model(x_test).argmax(1) == y_test).float().mean().item()))
    return curve


def before_activation(model, x):
    """What each ReLU gets to see of all images x: an array for each."""
    seen = []
    model.train()  # as in training: BatchNorm takes mean and variance of what it is given
    with mg.no_grad():
        for module in model:
            if isinstance(module, nn.ReLU):
                seen.append(x.cpu().numpy().ravel())
            x = module(x)
    return seen


def draw_curves(curves):
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    for column, (axes, title) in enumerate(zip(figure.subplots(1, 2), TITLES, strict=True)):
        for name, values in curves.items():
            common.curve(axes, [value[column] for value in values], name, COLOURS[name])
        common.tidy(axes, title, "epoch")
    losses, accuracies = figure.axes
    common.log_scale(losses)
    losses.set_ylim(bottom=1e-4)  # room for the legend
    losses.legend(frameon=False, loc="lower left")
    accuracies.legend(frameon=False, loc=(0.02, 0.6))
    return figure


def draw_histograms(seen):
    figure = Figure(figsize=(13, 6), layout="constrained")
    figure.suptitle("z, of which each layer computes ReLU(z), for all training digits", fontweight="bold")
    panels = figure.subplots(2, LAYERS, sharex=True, sharey=True)
    bins = np.linspace(-4, 4, 81)
    for row, (name, moments) in zip(panels, seen.items(), strict=True):
        for layer, axes in enumerate(row):
            common.tidy(axes, f"layer {layer + 1}" if name == "without" else "", grid=None)
            for when, colour, z in zip(("at the start", "trained"), (common.GREY, COLOURS[name]), moments, strict=True):
                share = np.full(z[layer].size, 100 / z[layer].size)
                label = f"{when}\nσ = {z[layer].std():.2f}"
                axes.hist(z[layer], bins, weights=share, color=colour, histtype="stepfilled", alpha=0.6, label=label)
            axes.legend(frameon=False, fontsize="x-small", loc="upper right", handlelength=1, borderpad=0)
        row[0].set_ylabel(f"{name}\n% of the values", color=COLOURS[name])
    row[0].set_yscale("log")
    row[0].set_ylim(0.01, 1000)
    row[0].set_yticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
    return figure


if __name__ == "__main__":
    main()
