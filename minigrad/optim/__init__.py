"""Chapter 9: optimizers. How the parameters move, given their gradients, and how the rate of that changes.

    optimizer = SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad()       # forget the last step's gradients
    loss.backward()             # fill .grad
    optimizer.step()            # move every parameter

Start with `rules.py`, where each class is one update rule. Then `optimizer.py`, what they share, and `lr_scheduler.py`,
rates that change.

Next: `check.py`, are the gradients right?
"""

from minigrad.errors import missing
from minigrad.optim import lr_scheduler
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.rules import SGD, Adagrad, Adam, AdamW, NAdam, RAdam, RMSprop

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "NAdam", "Optimizer", "RAdam", "RMSprop", "lr_scheduler"]

__getattr__ = missing(__name__, __all__)
