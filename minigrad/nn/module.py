"""Modules: functions with parameters.

A module is any object whose attributes hold parameters, buffers and other modules. Nothing is registered: `parameters()`
walks the attributes, also through lists, tuples and dicts, and finds each parameter once, even if two modules share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minigrad.graph import no_grad
from minigrad.tensor import Tensor


class Parameter(Tensor):
    """A tensor that a module learns: a leaf that requires grad.

    Args:
        data: as for `Tensor`.
        requires_grad: False for one that is to stay as it is.
    """

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = True) -> None:
        super().__init__(data, dtype, requires_grad)

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})"


class Module:
    """A function with parameters: write its pieces into attributes in `__init__`, and what it computes in `forward`.

    Attributes:
        training: whether layers that behave differently in training (BatchNorm, Dropout) should do so.

    >>> from minigrad import nn
    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope = nn.Parameter([1.0])
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> Line()(3.0)
    tensor([3.], grad_fn=<multiply>)
    """

    training: bool = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; a subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, ...)")

    # -- what is in it --------------------------------------------------------------------------------------------

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module, named "", and all inside it, each once."""
        seen: set[int] = set()
        found: list[tuple[str, Module]] = [("", self)]
        while found:
            path, module = found.pop(0)
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module
                inside = [(f"{path}.{name}".lstrip("."), child) for name, child in module.named_children()]
                found = inside + found

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules among the attributes."""
        return ((name, value) for name, value in opened(vars(self)) if isinstance(value, Module))

    def modules(self) -> Iterator[Module]:
        """This module and all inside it."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The parameters of this module and all inside it, each once, named by their path: "0.weight"."""
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in opened(vars(module)):
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}".lstrip("."), value

    def parameters(self) -> Iterator[Parameter]:
        """The parameters of this module and all inside it, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def register_buffer(self, name: str, value: Tensor) -> None:
        """Make `value` an attribute that is saved with the parameters but not learned, such as a running mean."""
        vars(self).setdefault("_buffer_names", set()).add(name)
        setattr(self, name, value)

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The buffers of this module and all inside it."""
        for path, module in self.named_modules():
            for name in sorted(vars(module).get("_buffer_names", ())):
                yield f"{path}.{name}".lstrip("."), getattr(module, name)

    # -- modes ----------------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Module:
        """Switch this module and all inside it to training, or with False to evaluation."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch this module and all inside it to evaluation."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Set `.grad` of every parameter to None."""
        for parameter in self.parameters():
            parameter.grad = None

    # -- state ----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all parameters and buffers, by name."""
        return {name: tensor.detach().clone() for name, tensor in self._state().items()}

    def load_state_dict(self, state: dict[str, Any], strict: bool = True) -> None:
        """Write the values of `state` into the parameters and buffers of the same names.

        Args:
            state: name -> tensor or array, as `state_dict` gives.
            strict: raise if a name is missing from `state` or unknown here; otherwise leave such names alone.

        Raises:
            RuntimeError: names or shapes do not fit; the message lists all that do not. Nothing has changed then.
        """
        own = self._state()
        problems = []
        if strict:
            problems += [f"missing: {name}" for name in own if name not in state]
            problems += [f"unexpected: {name}" for name in state if name not in own]
        fitting = {name: Tensor(state[name]) for name in own if name in state}
        for name, value in fitting.items():
            if value.shape != own[name].shape:
                problems.append(f"{name}: expected shape {own[name].shape}, got {value.shape}")
        if problems:
            raise RuntimeError(f"load_state_dict of {type(self).__name__}: " + "; ".join(problems))
        with no_grad():
            for name, value in fitting.items():
                own[name][...] = value

    def _state(self) -> dict[str, Tensor]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    # -- reading --------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The arguments of this module, for its `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        body = self.extra_repr() if not lines else "".join(f"\n  {line}" for line in lines) + "\n"
        return f"{type(self).__name__}({body})"


def opened(attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The items of `attributes`, and in place of a list, tuple or dict its items: "layers.0", "layers.1" ..."""
    to_open = list(attributes.items())
    while to_open:
        name, value = to_open.pop(0)
        if isinstance(value, list | tuple):
            to_open = [(f"{name}.{i}", item) for i, item in enumerate(value)] + to_open
        elif isinstance(value, dict):
            to_open = [(f"{name}.{key}", item) for key, item in value.items()] + to_open
        else:
            yield name, value
