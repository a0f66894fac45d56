"""A network learns to read 1,797 real handwritten digits, and shows how it went in two pictures."""

import time

import common  # first: it says which packages are missing
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import minigrad as mg
from minigrad import nn


def layer(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(0.3))


def main():
    args = common.arguments(__doc__, epochs=40)
    dtype = mg.float64 if args.float64 else mg.float32
    mg.set_default_dtype(dtype)
    mg.set_default_device(args.device)
    mg.manual_seed(args.seed)

    digits = load_digits()
    images = digits.data / 16  # (1797, 64): the grey values of 8 × 8 pixels, from 0 to 1
    parts = train_test_split(images, digits.target, test_size=0.2, stratify=digits.target, random_state=args.seed)
    x_train, x_test, y_train, y_test = map(mg.tensor, parts)
    x_train, x_test = x_train.to(dtype), x_test.to(dtype)

    # Dropout on the pixels themselves: no single one may decide what is read.
    model = nn.Sequential(nn.Dropout(0.1), layer(64, 256), layer(256, 256), nn.Linear(256, 10))
    loss_function = nn.CrossEntropyLoss()
    optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
    # Large steps first, small ones to settle down.
    scheduler = mg.optim.lr_scheduler.LinearLR(optimizer, start_factor=1, end_factor=0, total_iters=args.epochs)

    def loss_and_accuracy(x, y):
        model.eval()
        with mg.no_grad():
            logits = model(x)
            return loss_function(logits, y).item(), 100 * (logits.argmax(1) == y).float().mean().item()

    curves = {"training digits": [], "test digits": []}
    start = time.perf_counter()
    for _ in (progress := tqdm(range(args.epochs), unit="epoch")):
        model.train()
        order = mg.randperm(len(x_train)).cpu().numpy()
        for batch in map(mg.as_tensor, np.array_split(order, len(order) // 64)):
            loss = loss_function(model(x_train[batch]), y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        curves["training digits"].append(loss_and_accuracy(x_train, y_train))
        curves["test digits"].append(loss_and_accuracy(x_test, y_test))
        progress.set_postfix_str(f"test accuracy {curves['test digits'][-1][1]:.1f} %")
    seconds = time.perf_counter() - start

    accuracy = curves["test digits"][-1][1]
    print(f"test accuracy: {accuracy:.1f} % on {len(y_test)} unseen digits, after {seconds:.1f} s of training")
    with mg.no_grad():
        probabilities = mg.softmax(model(x_test), 1).cpu().numpy()
    common.save(common.learning_curve(curves), args.out / "digits_learning_curve.png")
    misread = common.misread_digits(x_test.reshape(-1, 8, 8).cpu().numpy(), y_test.cpu().numpy(), probabilities)
    common.save(misread, args.out / "digits_misread.png")


if __name__ == "__main__":
    main()
