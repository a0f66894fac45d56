"""An LSTM reads Python's manual letter by letter, learns to guess the next one, and then writes some of its own."""

from pathlib import Path
from pydoc_data.topics import topics

import common  # first: it says which packages are missing
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from tqdm import tqdm

import minigrad as mg
from minigrad import nn, optim
from minigrad.utils.data import DataLoader, TensorDataset

LENGTH = 32  # letters at a stretch; gradients go back no further


class Writer(nn.Module):
    """The scores of all letters to come next, after each letter read."""

    def __init__(self, letters):
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.lstm = nn.LSTM(32, 128, batch_first=True)
        self.scores = nn.Linear(128, letters)

    def forward(self, x, state=None):
        h, state = self.lstm(self.embedding(x), state)
        return self.scores(h), state


def main():
    file = {"type": Path, "metavar": "FILE", "help": "a text to read instead of Python's manual"}
    args = common.arguments(__doc__, epochs=3, limit=450_000, text=file)
    mg.set_default_dtype(mg.float64 if args.float64 else mg.float32)
    mg.set_default_device(args.device)
    mg.manual_seed(args.seed)

    text = read(args.text, args.limit)
    alphabet = sorted(set(text))
    numbers = mg.tensor([alphabet.index(letter) for letter in text])
    n = (len(numbers) - 1) // LENGTH
    x = numbers[: n * LENGTH].reshape(n, LENGTH)
    y = numbers[1 : n * LENGTH + 1].reshape(n, LENGTH)  # the same, one letter later
    unseen = -(-n // 20)  # the last twentieth of the text
    train, test = TensorDataset(x[:-unseen], y[:-unseen]), TensorDataset(x[-unseen:], y[-unseen:])
    batches = DataLoader(train, batch_size=32, shuffle=True)

    model = Writer(len(alphabet))
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=args.epochs * len(batches))
    blind = np.log(len(alphabet))
    print(f"{len(text):,} letters, {len(alphabet)} different ones: a blind guess has the loss {blind:.6f}")

    losses, test_losses = [], []
    for epoch in range(1, args.epochs + 1):
        for x, y in tqdm(batches, f"epoch {epoch} of {args.epochs}", unit=" batches"):
            loss = loss_function(model(x)[0].flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # what goes back through many steps may grow at each
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        with mg.no_grad():
            x, y = test[:]
            test_losses.append(loss_function(model(x)[0].flatten(0, 1), y.flatten()).item())
        mean = np.mean(losses[-len(batches) :])
        print(f"epoch {epoch}: training loss {mean:.6f}, test loss {test_losses[-1]:.6f}")

    print(f"It writes:\n{write(model, alphabet, text[0], 500)}")
    common.save(common.loss_curve(losses, test_losses, "letters"), args.out / "char_rnn_learning_curve.png")
    x, y = (tensor.flatten()[:640] for tensor in test[:])
    with mg.no_grad():
        surprise = nn.CrossEntropyLoss(reduction="none")(model(x[None])[0][0], y).cpu().numpy()
    common.save(draw([alphabet[i] for i in y.tolist()], surprise), args.out / "char_rnn_surprise.png")


def read(path, limit):
    if path and not path.is_file():
        raise SystemExit(f"there is no file {path}")
    text = path.read_text(encoding="utf-8") if path else "\n\n".join(topics[name] for name in sorted(topics))
    if len(text[:limit]) < 1000:
        raise SystemExit(f"{len(text[:limit])} letters are too few to learn from: 1,000 are the least")
    return text[:limit]


def write(model, alphabet, letter, n):
    """Letter by letter: each is drawn with the probabilities that the network gives, and then read in its turn."""
    written, state = letter, None
    with mg.no_grad():
        for _ in range(n):
            scores, state = model(mg.tensor([[alphabet.index(letter)]]), state)
            letter = alphabet[mg.multinomial(mg.softmax(scores[0, 0], -1), 1).item()]
            written += letter
    return written


def draw(letters, surprise, columns=64):
    """The beginning of the unseen text, each letter on a ground that says how much it surprised the network."""
    rows = -(-len(letters) // columns)
    figure = Figure(figsize=(14, 0.395 * rows + 1.1), layout="constrained")
    axes = figure.subplots()
    field = np.full(rows * columns, np.nan)
    field[: len(letters)] = surprise
    colours = LinearSegmentedColormap.from_list("surprise", ["white", common.ORANGE])
    image = axes.imshow(field.reshape(rows, columns), colours, vmin=0, vmax=5, aspect=1.8)
    for i, letter in enumerate(letters):
        axes.text(i % columns, i // columns, letter.replace("\n", "↵"), family="monospace", ha="center", va="center")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title("How much each letter of unseen text surprises the network", loc="left", fontweight="bold")
    bar = figure.colorbar(image, location="bottom", shrink=0.4, aspect=40, extend="max")
    bar.set_label("loss, −log p: 0 where the letter was certain", color=common.GREY)
    return figure


if __name__ == "__main__":
    main()
