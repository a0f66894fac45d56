"""A network of fully connected layers learns to read MNIST: 60,000 handwritten digits, and 10,000 to be tested on."""

import common  # first: it says which packages are missing
from tqdm import tqdm

import minigrad as mg
from minigrad import nn, optim
from minigrad.datasets import MNIST
from minigrad.utils.data import DataLoader, TensorDataset


def main():
    args = common.arguments(__doc__, epochs=8, limit=60_000)
    mg.set_default_dtype(mg.float64 if args.float64 else mg.float32)
    mg.set_default_device(args.device)
    mg.manual_seed(args.seed)

    try:
        train, test = tensors(MNIST(train=True), args.limit), tensors(MNIST(train=False))
    except FileNotFoundError as error:  # it says where it was looked for, and what to do
        raise SystemExit(error) from None
    batches = DataLoader(train, batch_size=100, shuffle=True)

    model = nn.Sequential(
        nn.Flatten(),  # 28 × 28 pixels in a row: the network does not know which of them are neighbours
        nn.Linear(784, 256),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(128, 10),
    )
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.002)
    # Large steps first, small ones to settle down: the rate falls in a line to 0.
    schedule = optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=args.epochs * len(batches))

    def loss_and_accuracy(images, digits):
        model.eval()  # without dropout
        with mg.no_grad():
            logits = model(images)
        return loss_function(logits, digits).item(), 100 * (logits.argmax(1) == digits).float().mean().item()

    curves = {"training digits": [], "test digits": []}
    for epoch in range(1, args.epochs + 1):
        model.train()
        for images, digits in tqdm(batches, f"epoch {epoch} of {args.epochs}", unit=" batches"):
            loss = loss_function(model(images), digits)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        curves["training digits"].append(loss_and_accuracy(*train[:10_000]))
        curves["test digits"].append(loss_and_accuracy(*test[:]))
        loss, accuracy = curves["test digits"][-1]
        print(f"epoch {epoch}: training loss {curves['training digits'][-1][0]:.6f}, test loss {loss:.6f}")

    print(f"test accuracy: {accuracy:.2f} % of {len(test):,} unseen digits")
    images, digits = test[:]
    with mg.no_grad():
        probabilities = mg.softmax(model(images), -1)
    common.save(common.learning_curve(curves), args.out / "mnist_mlp_learning_curve.png")
    misread = common.misread_digits(images.cpu().numpy(), digits.cpu().numpy(), probabilities.cpu().numpy())
    common.save(misread, args.out / "mnist_mlp_misread.png")


def tensors(mnist, limit=None):
    """Images with grey values from 0 for paper to 1 for ink, and the digits that they show."""
    images = mg.tensor(mnist.data[:limit], dtype=mg.get_default_dtype()) / 255
    return TensorDataset(images, mg.tensor(mnist.targets[:limit]))


if __name__ == "__main__":
    main()
