"""Modules: functions with parameters.

A module is any object whose attributes hold parameters, buffers and other modules. Parameters are not registered:
`parameters()` walks the attributes, also through lists, tuples and dicts, and finds each once, even if two modules
share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from minigrad.autograd.grad_mode import no_grad
from minigrad.tensor import Tensor

Named = TypeVar("Named")


class Parameter(Tensor):
    """A tensor that a module learns: a leaf that requires grad.

    Args:
        data: as for `Tensor`.
        requires_grad: False for one that gets no gradient, and so is not learned.
        dtype: as for `Tensor`.
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, dtype: Any = None) -> None:
        super().__init__(data, dtype, requires_grad)

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})".replace("\n", "\n" + " " * len("Parameter("))


class Module:
    """A function with parameters: write its pieces into attributes in `__init__`, and what it computes in `forward`.

    Attributes:
        training: whether layers that behave differently in training (BatchNorm, Dropout) should do so.

    >>> from minigrad import nn
    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope = nn.Parameter([1.0])
    ...
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

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules among the attributes."""
        return ((name, value) for name, value in opened(vars(self)) if isinstance(value, Module))

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module, named "", and all inside it, named by their path: "1.hidden".

        Args:
            memo: the ids of the modules not to visit.
            prefix: the name of this module, with which the others begin.
            remove_duplicate: yield a module that is in several places once; otherwise under each of its names.
        """
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        memo.add(id(self))
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(memo, joined(prefix, name), remove_duplicate)
        if not remove_duplicate:
            memo.discard(id(self))  # elsewhere it counts again; only inside itself it was passed over

    def modules(self) -> Iterator[Module]:
        """This module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The parameters of this module and all inside it, each once, named by their path: "0.weight"."""
        return each_once((name, tensor) for name, tensor in self._state() if isinstance(tensor, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """The parameters of this module and all inside it, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def register_buffer(self, name: str, tensor: Tensor) -> None:
        """Make `tensor` an attribute that is saved with the parameters but not learned, such as a running mean."""
        vars(self).setdefault("_buffer_names", set()).add(name)
        setattr(self, name, tensor)

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The buffers of this module and all inside it, each once."""
        return each_once((name, tensor) for name, tensor in self._state() if not isinstance(tensor, Parameter))

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        """All parameters and buffers. One that is in several places appears under each of its names."""
        for path, module in self.named_modules(remove_duplicate=False):
            buffer_names = vars(module).get("_buffer_names", ())
            for name, value in opened(vars(module)):
                if isinstance(value, Parameter) or name in buffer_names:
                    yield joined(path, name), value

    # -- modes ----------------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Module:
        """Switch this module and all inside it to training, or with False to evaluation."""
        self.training = mode
        for _, child in self.named_children():
            child.train(mode)
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
        return {name: tensor.detach().clone() for name, tensor in self._state()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> None:
        """Write the values of `state_dict` into the parameters and buffers of the same names.

        Args:
            state_dict: name -> tensor or array, as the method of that name gives.
            strict: raise if a name is missing from `state_dict` or unknown here; otherwise leave such names alone.

        Raises:
            TypeError: `state_dict` is not a mapping.
            RuntimeError: names, shapes or values do not fit; the message lists all that do not. Nothing has changed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict takes a dict of name -> tensor, not a {type(state_dict).__name__}")
        own = dict(self._state())
        problems = []
        if strict:
            problems += [f"missing: {name}" for name in own if name not in state_dict]
            problems += [f"unexpected: {name}" for name in state_dict if name not in own]
        values = {}
        for name, tensor in own.items():
            if name in state_dict:
                try:
                    values[name] = Tensor(state_dict[name], tensor.dtype)
                    if values[name].shape != tensor.shape:
                        problems.append(f"{name}: expected shape {tensor.shape}, got {values[name].shape}")
                except (TypeError, ValueError) as error:
                    problems.append(f"{name}: {error}")
        if problems:
            raise RuntimeError(f"load_state_dict of {type(self).__name__}: {'; '.join(problems)}")
        with no_grad():
            for name, value in values.items():
                own[name][...] = value

    # -- reading --------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The arguments of this module, for its `repr`."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        arguments = self.extra_repr()
        if not children:
            return f"{type(self).__name__}({arguments})"
        lines = [arguments, *children] if arguments else children
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def each_once(named: Iterable[tuple[str, Named]]) -> Iterator[tuple[str, Named]]:
    """What comes again under a second name is left out."""
    seen: set[int] = set()
    for name, thing in named:
        if id(thing) not in seen:
            seen.add(id(thing))
            yield name, thing


def opened(attributes: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The items of `attributes`, and in place of a list, tuple or dict its items: "layers.0", "layers.1" ..."""
    for key, value in attributes.items():
        name = joined(prefix, str(key))
        if isinstance(value, list | tuple):
            value = dict(enumerate(value))
        if isinstance(value, dict):
            yield from opened(value, name)
        else:
            yield name, value


def joined(path: str, name: str) -> str:
    """The path of what is called `name` in the module at `path`."""
    return f"{path}.{name}" if path else name
