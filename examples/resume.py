"""A training that may be killed at any moment: start it again, and it goes on from its last checkpoint.

A checkpoint holds all that the rest of the training depends on. So the losses are those of a training that was never
killed, bit for bit. Try it: stop it with Ctrl-C or `kill -9`, run it again. To start anew, delete the checkpoint.
"""

import common  # first: it says which packages are missing
from matplotlib.figure import Figure
from tqdm import tqdm

import minigrad as mg
from minigrad import nn, optim
from minigrad.datasets import digits
from minigrad.utils.data import DataLoader, TensorDataset


def main():
    args = common.arguments(__doc__, epochs=60, limit=1437)
    mg.set_default_dtype(mg.float64 if args.float64 else mg.float32)
    mg.set_default_device(args.device)
    mg.manual_seed(args.seed)

    images, labels = digits()
    x, y = mg.tensor(images, dtype=mg.get_default_dtype()), mg.tensor(labels)
    order = mg.randperm(len(x))
    test, train = order[:360], order[360:][: args.limit]
    batches = DataLoader(TensorDataset(x[train], y[train]), batch_size=50, shuffle=True)

    hidden = nn.Linear(64, 128, bias=False), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.3)
    model = nn.Sequential(*hidden, nn.Linear(128, 10))
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)

    losses, rates, starts = [], [], []
    path = args.out / "resume_checkpoint.npz"
    settings = [args.seed, args.epochs, len(train), args.float64]
    if path.exists():
        checkpoint = mg.load(path)
        if checkpoint["settings"] != settings:
            raise SystemExit(f"{path} is from a training with other options: give the same ones, or delete it")
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        schedule.load_state_dict(checkpoint["schedule"])
        mg.set_rng_state(checkpoint["random"])
        losses, rates, starts = checkpoint["losses"], checkpoint["rates"], checkpoint["starts"]
    if len(losses) < args.epochs:
        starts.append(len(losses))
    print(f"goes on after epoch {len(losses)}" if losses else "starts anew")

    for _ in tqdm(range(len(losses), args.epochs), initial=len(losses), total=args.epochs, unit="epoch"):
        model.train()
        total = 0.0
        for images, labels in batches:
            loss = loss_function(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        rates.append(schedule.get_last_lr()[0])
        schedule.step()
        losses.append(total / len(batches))
        # `save` writes beside the old checkpoint and then takes its place: whenever it is killed, one of them is whole.
        mg.save(
            {
                "model": model.state_dict(),  # weights, and BatchNorm's running averages
                "optimizer": optimizer.state_dict(),  # AdamW's averages for each weight
                "schedule": schedule.state_dict(),  # how far the learning rate has come down
                "random": mg.get_rng_state(),  # the batches and the dropout to come
                "losses": losses,
                "rates": rates,
                "starts": starts,
                "settings": settings,
            },
            path,
        )

    model.eval()
    with mg.no_grad():
        logits = model(x[test])
    accuracy = 100 * (logits.argmax(1) == y[test]).float().mean().item()
    print(f"training loss {losses[-1]!r}, test loss {loss_function(logits, y[test]).item()!r}")
    print(f"test accuracy {accuracy:.2f} %")
    common.save(draw(losses, rates, starts), args.out / "resume.png")


def draw(losses, rates, starts):
    """Loss and learning rate of each epoch, with a line where the training was started again."""
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        for i, start in enumerate(starts[1:]):
            axes.axvline(start + 0.5, color=common.GREY, linestyle=":", label="" if i else "started again")
    common.curve(left, losses, "training loss", common.BLUE)
    common.log_scale(left)
    common.tidy(left, "Training loss", "epoch")
    common.curve(right, rates, "learning rate", common.ORANGE)
    common.tidy(right, "Learning rate", "epoch")
    left.legend(frameon=False)
    right.legend(frameon=False)
    return figure


if __name__ == "__main__":
    main()
