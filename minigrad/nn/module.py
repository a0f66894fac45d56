"""Modules: functions with parameters.

A module is any object whose attributes hold parameters, buffers and other modules. Nothing is registered: walking the
attributes, also through lists, tuples and dicts, `parameters()` finds each once, even if two modules share it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import signature
from itertools import groupby
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from minigrad.autograd.grad_mode import no_grad
from minigrad.autograd.hooks import RemovableHandle
from minigrad.backend import is_device, library
from minigrad.errors import nearest
from minigrad.tensor import Tensor

__all__ = ["Module", "Parameter"]

Kind = TypeVar("Kind")
Named = Iterator[tuple[str, Kind]]


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

    def __setattr__(self, name: str, value: Any) -> None:
        """`p.data = tensor` takes the array of the tensor, for PyTorch's scripts."""
        super().__setattr__(name, value.data if name == "data" and isinstance(value, Tensor) else value)

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})".replace("\n", "\n" + " " * len("Parameter("))


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` left alone, if not strict."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        keys = f"missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys}"
        return f"IncompatibleKeys({keys})" if any(self) else "<All keys matched successfully>"


class Module:
    """A function with parameters: write its pieces into attributes in `__init__`, and what it computes in `forward`.

    Attributes:
        training: whether layers that behave differently in training (BatchNorm, Dropout) should do so.

    Raises:
        TypeError: an attribute that is a parameter, a buffer or a module is overwritten by anything else but None: it
            would silently drop out of what is learned and saved.

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
    _hooks: SimpleNamespace | None = None  # in an object, so that the walk passes them over
    _buffer_names: Mapping[str, bool] = MappingProxyType({})  # name -> whether it is saved
    _shown = ""  # the arguments that `repr` shows, as in a usage line: "size eps= [bias=]", see `extra_repr`
    _repeats_are_counted = False  # whether `repr` shows equal children once, with their number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        for hook in list(self._hooks.before.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        out = self.forward(*args, **kwargs)
        for hook in list(self._hooks.after.values()):
            changed = hook(self, args, out)
            out = out if changed is None else changed
        return out

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; a subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, ...)")

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, args)` before every forward; what it returns, unless None, takes the place of args."""
        return RemovableHandle(self._own_hooks().before, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, args, output)` after every forward; what it returns, unless None, is the output."""
        return RemovableHandle(self._own_hooks().after, hook)

    def _own_hooks(self) -> SimpleNamespace:
        if self._hooks is None:
            self._hooks = SimpleNamespace(before=OrderedDict(), after=OrderedDict())
        return self._hooks

    # -- what is in it --------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        old = vars(self).get(name)
        kind: type = Parameter if isinstance(old, Parameter) else Module if isinstance(old, Module) else object
        if name in self._buffer_names:
            kind = Tensor
        if not isinstance(value, kind) and value is not None:
            cure = f"; its values change by {name}[...] = ... under no_grad" if kind is Parameter else ""
            place = f"{type(self).__name__}.{name}"
            raise TypeError(f"{place} is a {kind.__name__}: assign another one, or None, not {kind_of(value)}{cure}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if name in self._buffer_names:
            self._buffer_names = {other: saved for other, saved in self._buffer_names.items() if other != name}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or hasattr(type(self), name):  # a protocol, or a property that has raised: again
            return object.__getattribute__(self, name)
        raise AttributeError(f"{type(self).__name__} has no {name!r}{nearest(name, dir(self))}")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make `tensor` an attribute that is not learned but belongs to the state, such as a running mean.

        Args:
            name: of the attribute.
            tensor: None for one that is to come.
            persistent: whether it is saved with the parameters.

        Raises:
            TypeError, KeyError: as for `add_module`.
        """
        self._register(name, tensor, Tensor)
        self._buffer_names = {**self._buffer_names, name: persistent}

    def register_parameter(self, name: str, parameter: Parameter | None) -> None:
        """The same as assigning the attribute `name`; it raises as `add_module` does."""
        self._register(name, parameter, Parameter)

    def add_module(self, name: str, module: Module | None) -> None:
        """The same as assigning the attribute `name`, which here may also be a number: "0".

        Raises:
            TypeError: `module` is not one, or the attribute is something else that is learned or saved.
            KeyError: the name is empty, has a dot, or is that of an attribute which every such module has.
        """
        self._register(name, module, Module)

    register_module = add_module

    def _register(self, name: str, value: Any, kind: type) -> None:
        self._check_name(name)
        if not isinstance(value, kind) and value is not None:
            raise TypeError(f"{type(self).__name__}: {name!r} is to be a {kind.__name__} or None, not {kind_of(value)}")
        setattr(self, name, value)

    def _check_name(self, name: str) -> None:
        """Raise unless `name` can stand in a path between dots, and hides no method."""
        if not isinstance(name, str):
            raise TypeError(f"the name of a parameter, buffer or module is a str, not {name!r}")
        if not name or "." in name:
            raise KeyError(f"the name of a parameter, buffer or module is not empty and has no dot: {name!r}")
        if hasattr(type(self), name):
            raise KeyError(f"every {type(self).__name__} has an attribute {name!r}: choose another name")

    def _children(self) -> Named[Module]:
        return ((name, value) for name, value in opened(vars(self)) if isinstance(value, Module))

    def named_children(self) -> Named[Module]:
        """The modules among the attributes, each once, with its first name."""
        return each_once(self._children())

    def children(self) -> Iterator[Module]:
        """The modules among the attributes, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Named[Module]:
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
        for name, child in self._children():
            yield from child.named_modules(memo, joined(prefix, name), remove_duplicate)
        if not remove_duplicate:
            memo.discard(id(self))  # elsewhere it counts again; only inside itself it was passed over

    def modules(self) -> Iterator[Module]:
        """This module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def get_submodule(self, target: str) -> Module:
        """The module inside that is called `target`, as in `named_modules`.

        Raises:
            AttributeError: there is none.
        """
        found = dict(self.named_modules(remove_duplicate=False))
        if target not in found:
            raise AttributeError(f"{type(self).__name__} has no module {target!r} inside{nearest(target, found)}")
        return found[target]

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Named[Parameter]:
        """The parameters of this module and all inside it, each once, named by their path: "0.weight".

        Args:
            prefix: what the names begin with.
            recurse: False leaves out those of the modules inside.
            remove_duplicate: yield a parameter that is in several places once; otherwise under each of its names.
        """
        found = ((name, t) for name, t in self._state(prefix, recurse) if isinstance(t, Parameter))
        return each_once(found) if remove_duplicate else found

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and, unless `recurse` is False, of all inside it, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Named[Tensor]:
        """The buffers of this module and all inside it; the arguments are those of `named_parameters`."""
        found = ((name, t) for name, t in self._state(prefix, recurse) if not isinstance(t, Parameter))
        return each_once(found) if remove_duplicate else found

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and, unless `recurse` is False, of all inside it, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _state(self, prefix: str = "", recurse: bool = True, saved: bool = False) -> Named[Tensor]:
        """All parameters and buffers, or those that are saved; what is in several places under each of its names."""
        for path, module in self.named_modules(prefix=prefix, remove_duplicate=False) if recurse else [(prefix, self)]:
            buffers = [name for name, persistent in module._buffer_names.items() if persistent or not saved]
            for name, value in opened(vars(module)):
                if isinstance(value, Parameter) or name in buffers:
                    yield joined(path, name), value

    # -- changes to all of it -------------------------------------------------------------------------------------

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` with every module inside and at last with this one, as in `model.apply(init_weights)`."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all inside it to training, or with False to evaluation.

        Raises:
            TypeError: `mode` is no bool.
        """
        if not isinstance(mode, bool):
            raise TypeError(f"train takes True or False, not {mode!r:.60}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Switch this module and all inside it to evaluation."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Have every parameter learned, or none: a frozen part gets no gradients, and optimizers pass it over."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set `.grad` of every parameter to None, or with `set_to_none=False` to zeros."""
        zero_grads(self.parameters(), set_to_none)

    def to(self, dtype: Any = None, device: Any = None, non_blocking: Any = False) -> Self:
        """Convert every parameter, with its gradient, and every buffer: floating ones to a dtype, all to a device.

        They stay the same objects, so that optimizers and hooks keep them; a graph made before gives them gradients in
        the new dtype. `non_blocking` is accepted as in `Tensor.to`.

        Raises:
            TypeError: `dtype` is not floating.
            RuntimeError: "cuda", where there is no GPU. Nothing has changed.
        """
        if is_device(dtype):
            dtype, device = device, dtype
        if (dtype is None and device is None) or (dtype is not None and np.dtype(dtype).kind != "f"):
            raise TypeError(f'to takes a floating dtype, such as mg.float64, or a device, such as "cuda", not {dtype}')
        library(device)  # is there one?
        moved = []
        for _, tensor in each_once(self._state()):  # all of them first: memory may not suffice
            wanted = dtype if tensor.is_floating_point() else None
            grad = tensor.grad if tensor.grad is None else tensor.grad.detach().to(dtype=wanted, device=device)
            moved.append((tensor, tensor.detach().to(dtype=wanted, device=device).data, grad))
        for tensor, values, grad in moved:
            tensor.data, tensor.grad = values, grad
            if tensor.node is not None:
                tensor.node.dtype = tensor.dtype
        return self

    def cuda(self) -> Self:
        """Move to the GPU."""
        return self.to("cuda")

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self.to("cpu")

    def half(self) -> Self:
        """Convert to float16."""
        return self.to(np.float16)

    def float(self) -> Self:
        """Convert to float32."""
        return self.to(np.float32)

    def double(self) -> Self:
        """Convert to float64."""
        return self.to(np.float64)

    # -- state ----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all parameters and persistent buffers, by name."""
        return {name: tensor.detach().clone() for name, tensor in self._state(saved=True)}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Write the values of `state_dict` into the parameters and buffers of the same names.

        Args:
            state_dict: name -> tensor or array, as the method of that name gives.
            strict: raise if a name is missing from `state_dict` or unknown here; otherwise leave such names alone.

        Returns:
            the names that were missing from `state_dict`, and those unknown here.

        Raises:
            TypeError: `state_dict` is not a mapping.
            RuntimeError: names, shapes or values do not fit; the message lists all that do not. Nothing has changed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict takes a dict of name -> tensor, not a {type(state_dict).__name__}")
        own = dict(self._state(saved=True))
        missing, unexpected = [n for n in own if n not in state_dict], [n for n in state_dict if n not in own]
        problems = [f"missing: {n}" for n in missing] + [f"unexpected: {n}" for n in unexpected] if strict else []
        values = {}
        for name in [name for name in own if name in state_dict]:
            try:
                values[name] = Tensor(state_dict[name], own[name].dtype, device=own[name].device)
                if values[name].shape != own[name].shape:
                    problems.append(f"{name}: expected shape {own[name].shape}, got {values[name].shape}")
            except (TypeError, ValueError, RuntimeError) as error:  # the last from tensors of other packages
                problems.append(f"{name}: {error}")
        if problems:
            raise RuntimeError(f"load_state_dict of {type(self).__name__}: {'; '.join(problems)}")
        with no_grad():
            for name, value in values.items():
                own[name][...] = value
        return IncompatibleKeys(missing, unexpected)

    # -- reading --------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The arguments of this module, for its `repr`; in a subclass, what it returns.

        Layers say in `_shown` which: "size" for the value alone, "eps=" for name and value, "[bias=]" for name and
        value of one that is not what it is by default.
        """
        defaults: dict[str, Any] = {}
        for kind in reversed(type(self).__mro__):  # of all, since a subclass may take other arguments
            arguments = signature(vars(kind).get("__init__", object.__init__)).parameters
            defaults |= {name: argument.default for name, argument in arguments.items()}
        texts = []
        for word in self._shown.split():
            name = word.strip("[=]")
            value = getattr(self, name)
            if name == "bias":
                value = value is not None and value is not False  # whether there is one
            parts = value if isinstance(value, tuple) else (value,)  # one for each axis
            if "[" not in word or any(part != defaults[name] for part in parts):
                texts.append(f"{name}={value}" if "=" in word else str(value))
        return ", ".join(texts)

    def __repr__(self) -> str:
        arguments = self.extra_repr()
        children = [(name, repr(child).replace("\n", "\n  ")) for name, child in self._children()]
        if not children:
            return f"{type(self).__name__}({arguments})"
        lines = [arguments] * bool(arguments)
        for text, same in groupby(children, key=lambda child: child[1]):
            names = [name for name, _ in same]
            if self._repeats_are_counted and len(names) > 1:
                lines.append(f"({names[0]}-{names[-1]}): {len(names)} x {text}")
            else:
                lines += [f"({name}): {text}" for name in names]
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def zero_grads(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Set `.grad` of each to None, or to zeros."""
    for parameter in parameters:
        if set_to_none:
            parameter.grad = None
        elif parameter.grad is not None:
            parameter.grad.detach().zero_()


def set_sizes(layer: Module, least: int = 0, **sizes: Any) -> None:
    """Make each size an attribute; raise unless it is an integer of at least `least`."""
    for name, size in sizes.items():
        problem = f"{type(layer).__name__}: {name} is an integer of at least {least}, not {size!r:.60}"
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise TypeError(problem)
        if size < least:
            raise ValueError(problem)
        setattr(layer, name, size)


def kind_of(thing: Any) -> str:
    """The kind of a thing, in an error; of a class that was not called, how to call it."""
    if isinstance(thing, type):
        return f"the class {thing.__name__} itself: write {thing.__name__}(...)"
    return type(thing).__name__


def each_once(named: Named[Kind]) -> Named[Kind]:
    """What comes again under a second name is left out."""
    seen: set[int] = set()
    for name, thing in named:
        if id(thing) not in seen:
            seen.add(id(thing))
            yield name, thing


def opened(attributes: Mapping[Any, Any], prefix: str = "") -> Named[Any]:
    """The modules and tensors in `attributes`, also in lists, tuples and dicts there: "layers.0", "layers.1" ..."""
    for key, value in attributes.items():
        if isinstance(value, list | tuple):
            value = dict(enumerate(value))
        if isinstance(value, dict):
            yield from opened(value, joined(prefix, str(key)))
        elif isinstance(value, Module | Tensor):
            yield joined(prefix, str(key)), value


def joined(path: str, name: str) -> str:
    """The path of what is called `name` in the module at `path`."""
    return f"{path}.{name}" if path else name
