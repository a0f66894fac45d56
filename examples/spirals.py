"""A small network learns to tell three spirals apart; four pictures show how it bends the plane while it learns."""

import common  # first: it says which packages are missing
from matplotlib.figure import Figure
from tqdm import tqdm

import minigrad as mg
from minigrad import nn, optim
from minigrad.datasets import spirals


def main():
    args = common.arguments(__doc__, epochs=500)
    mg.set_default_dtype(mg.float64 if args.float64 else mg.float32)
    mg.set_default_device(args.device)
    mg.manual_seed(args.seed)

    points, classes = spirals(300, classes=3, noise=0.03, seed=args.seed)
    x, y = mg.tensor(points, dtype=mg.get_default_dtype()), mg.tensor(classes)
    everywhere, extent = common.grid(points)
    plane = mg.tensor(everywhere, dtype=mg.get_default_dtype())

    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.01)

    moments = sorted({0, args.epochs // 25, args.epochs // 5, args.epochs})
    figure = Figure(figsize=(3.5 * len(moments), 4.4), layout="constrained")
    panels = iter(figure.subplots(1, len(moments)))

    def show(epoch):
        with mg.no_grad():
            logits = model(x)
            loss = loss_function(logits, y).item()
            accuracy = 100 * (logits.argmax(1) == y).float().mean().item()
            probabilities = mg.softmax(model(plane), -1)
        print(f"after {epoch:3} epochs: loss {loss:.6f}, {accuracy:.1f} % of the points on the right side")
        axes = next(panels)
        common.regions(axes, probabilities.cpu().numpy(), extent, points, classes)
        axes.set_title(f"after {epoch} epochs" if epoch else "before training", loc="left", fontweight="bold")
        axes.set_xlabel(f"loss {loss:.3f}, {accuracy:.0f} % right", color=common.GREY)

    show(0)
    for epoch in tqdm(range(1, args.epochs + 1), unit="epoch"):
        loss = loss_function(model(x), y)  # of all points at once: they are few
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch in moments:
            show(epoch)

    common.save(figure, args.out / "spirals.png")


if __name__ == "__main__":
    main()
