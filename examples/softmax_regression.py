"""Softmax regression: without hidden layers, the borders between 3, 4, 5 and 6 classes are straight lines.

Checked with numbers: the gradient is ŷ − y, and with 2 classes it is logistic regression.
"""

import common  # first: it says which packages are missing
from matplotlib.figure import Figure
from tqdm import tqdm

import minigrad as mg
from minigrad import nn, optim
from minigrad.datasets import blobs


def main():
    args = common.arguments(__doc__, epochs=300)
    mg.set_default_dtype(mg.float64 if args.float64 else mg.float32)
    mg.set_default_device(args.device)
    mg.manual_seed(args.seed)

    figure = Figure(figsize=(14, 4.4), layout="constrained")
    for C, axes in zip((3, 4, 5, 6), figure.subplots(1, 4), strict=True):
        points, classes, x, y = data(C, args.seed)
        model = nn.Linear(2, C)  # z = W x + b; softmax makes probabilities of z
        loss = train(model, nn.CrossEntropyLoss(), x, y, lr=1.0, epochs=args.epochs)
        accuracy = 100 * (model(x).argmax(1) == y).float().mean().item()
        print(f"C = {C}: loss {loss:.6f}, {accuracy:.1f} % of the points on the right side")

        everywhere, extent = common.grid(points)
        with mg.no_grad():
            probabilities = mg.softmax(model(mg.tensor(everywhere, dtype=x.dtype)), -1)
        common.regions(axes, probabilities.cpu().numpy(), extent, points, classes)
        axes.set_title(f"C = {C}", loc="left", fontweight="bold")
        axes.set_xlabel(f"loss {loss:.3f}, {accuracy:.0f} % right", color=common.GREY)
    common.save(figure, args.out / "softmax_regression.png")

    check_the_gradient(x, y)
    compare_with_logistic_regression(args)


def data(C, seed):
    """60 points around each of C centres; as NumPy arrays for the picture, and as tensors."""
    points, classes = blobs(60 * C, classes=C, noise=1.0, seed=seed)
    points = (points - points.mean(0)) / points.std(0)  # equally wide along both axes: then one rate fits both
    return points, classes, mg.tensor(points, dtype=mg.get_default_dtype()), mg.tensor(classes)


def train(model, loss_function, x, y, lr, epochs):
    """Gradient descent on all points at once; returns the loss in the end."""
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for _ in tqdm(range(epochs), type(loss_function).__name__, unit="epoch"):
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss_function(model(x), y).item()


def check_the_gradient(x, y):
    """With L = −Σ y log ŷ and ŷ = softmax(z), all of the backward pass up to z is dz = ŷ − y."""
    z = nn.Linear(2, 6)(x)
    z.retain_grad()  # it was computed, and only leaves keep their gradient unless asked to
    nn.CrossEntropyLoss()(z, y).backward()
    difference = mg.softmax(z, -1) - nn.functional.one_hot(y, 6)
    assert (len(x) * z.grad - difference).abs().max().item() < 1e-5  # the loss is the mean over all points
    print("dz = ŷ − y for all points and classes, to 1e-5")


def compare_with_logistic_regression(args):
    """C = 2: softmax(z)₁ = exp(z₁) / (exp(z₀) + exp(z₁)) = σ(z₁ − z₀), so only the difference of the scores counts."""
    _, _, x, y = data(2, args.seed)
    softmax, logistic = nn.Linear(2, 2), nn.Linear(2, 1)
    with mg.no_grad():  # the same function to start from
        logistic.weight.copy_(softmax.weight[1:] - softmax.weight[:1])
        logistic.bias.copy_(softmax.bias[1:] - softmax.bias[:1])

    # dz = ŷ − y for each score: z₁ goes up by what z₀ goes down, so their difference moves twice as fast as one score.
    softmax_loss = train(softmax, nn.CrossEntropyLoss(), x, y, lr=0.5, epochs=args.epochs)
    logistic_loss = train(logistic, nn.BCEWithLogitsLoss(), x, y[:, None].to(x.dtype), lr=1.0, epochs=args.epochs)

    p, q = mg.softmax(softmax(x), -1)[:, 1], mg.sigmoid(logistic(x))[:, 0]
    assert (p - q).abs().max().item() < 1e-5
    assert abs(softmax_loss - logistic_loss) < 1e-5
    print(f"C = 2: loss {softmax_loss:.6f}, that of logistic regression {logistic_loss:.6f}")
    print(f"C = 2: the probabilities of all {len(y)} points agree to 1e-5")


if __name__ == "__main__":
    main()
