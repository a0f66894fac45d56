"""Minimise the cost w² − 10w + 25 with three optimizers: write the cost, the framework finds its gradient."""

import minigrad as mg

rules = {
    "gradient descent": lambda w: mg.optim.SGD([w], lr=0.1),
    "momentum": lambda w: mg.optim.SGD([w], lr=0.1, momentum=0.9),
    "Adam": lambda w: mg.optim.Adam([w], lr=0.1),
}

for name, rule in rules.items():
    w = mg.tensor(0.0, requires_grad=True)
    optimizer = rule(w)
    for _ in range(300):
        cost = w**2 - 10 * w + 25
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    print(f"{name:>16}: w = {w.item():.3f}")
