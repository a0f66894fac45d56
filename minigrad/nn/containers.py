"""Containers: modules or parameters in a row or by name. What is in them has a path: "layers.0.weight"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, MutableSequence
from itertools import count
from operator import index
from typing import Any

from minigrad.nn.module import Module, Parameter, kind_of
from minigrad.tensor import Tensor

__all__ = ["ModuleDict", "ModuleList", "ParameterList", "Sequential"]


class Container(Module):
    """What all containers share: the things in them are attributes, named by their place or their key.

    Attributes:
        holds: what they are: modules, or parameters, which a tensor becomes.
        example: how one is made.
    """

    holds: type = Module
    example: str

    def _things(self) -> dict[str, Any]:
        return {name: thing for name, thing in vars(self).items() if isinstance(thing, self.holds)}

    def __len__(self) -> int:
        return len(self._things())

    def _checked(self, thing: Any) -> Any:
        """The thing, if the container can hold it."""
        if self.holds is Parameter and isinstance(thing, Tensor) and not isinstance(thing, Parameter):
            return Parameter(thing)
        if not isinstance(thing, self.holds):
            raise self._refused(thing)
        return thing

    def _refused(self, given: Any) -> TypeError:
        what = f"{self.holds.__name__.lower()}s, as in {self.example}"
        return TypeError(f"{type(self).__name__} takes {what}, not {kind_of(given)}")


class Row(Container, MutableSequence[Any]):
    """What the containers that are lists share.

    Raises:
        TypeError: what is put into it is not what it holds. Nothing has changed then.
        IndexError: there is nothing at an index.
    """

    def __iter__(self) -> Iterator[Any]:
        return iter(self._things().values())

    def _name_at(self, i: int) -> str:
        names = list(self._things())
        if not -len(names) <= index(i) < len(names):
            raise IndexError(f"index {i} is out of range: the {type(self).__name__} has {len(names)} in it")
        return names[i]

    def __getitem__(self, i: Any) -> Any:
        return type(self)().extend(list(self)[i]) if isinstance(i, slice) else getattr(self, self._name_at(i))

    def __setitem__(self, i: Any, thing: Any) -> None:
        setattr(self, self._name_at(i), self._checked(thing))

    def __delitem__(self, i: Any) -> None:
        names = list(self._things())[i] if isinstance(i, slice) else [self._name_at(i)]
        self._renumber([thing for name, thing in self._things().items() if name not in names])

    def insert(self, i: int, thing: Any) -> None:
        """Add one before the one at i."""
        things = list(self)
        things.insert(i, self._checked(thing))
        self._renumber(things)

    def _renumber(self, things: Iterable[Any]) -> None:
        """Hold these and no others, and name them by their place."""
        for name in self._things():
            delattr(self, name)
        self.extend(things)

    def append(self, thing: Any) -> Any:
        """Add one at the end, and return the container."""
        return self.extend([thing])

    def extend(self, things: Iterable[Any]) -> Any:
        """Add several at the end, and return the container. The others keep their names."""
        if isinstance(things, Tensor) or not isinstance(things, Iterable):
            raise self._refused(things)
        for thing in [self._checked(thing) for thing in things]:
            free = (name for name in map(str, count(len(self))) if name not in vars(self))
            setattr(self, next(free), thing)
        return self

    def __add__(self, others: Iterable[Any]) -> Any:
        return type(self)().extend(self).extend(others)


class Sequential(Row):
    """Modules, one after the other: `Sequential(a, b)(x)` is `b(a(x))`. A dict gives them names.

    It is a list of them, too: `model[0]`, `model[1:]`, `model.append(c)`, `model.pop()`.

    Raises:
        TypeError: an argument is not a module.

    >>> from minigrad import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU()) + [nn.Linear(3, 1)]
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """

    example = "Sequential(a, b) or Sequential(*layers)"

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self.add_module(name, self._checked(module))
        else:
            self.extend(modules)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):  # under their names, so that a part of a model takes that part of its state
            return type(self)(dict(list(self._things().items())[i]))
        return super().__getitem__(i)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleList(Row):
    """Modules in a list. The `forward` of the module that holds the list says what is computed with them.

    Raises:
        TypeError: one of them is not a module.
    """

    example = "ModuleList([a, b])"
    _repeats_are_counted = True

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)


class ParameterList(Row):
    """Parameters in a list. A tensor becomes a parameter.

    Raises:
        TypeError: one of them is not a tensor.
    """

    holds = Parameter
    example = "ParameterList([p, q])"

    def __init__(self, parameters: Iterable[Tensor] = ()) -> None:
        self.extend(parameters)

    def extra_repr(self) -> str:
        return ", ".join([f"{name}: {p.dtype} {p.shape}" for name, p in self._things().items()])


class ModuleDict(Container, MutableMapping[str, Any]):
    """Modules by name. The `forward` of the module that holds the dict says what is computed with them.

    Raises:
        TypeError: one of them is not a module, or a name is not a string. Nothing has changed then.
        KeyError: there is nothing of a name; or a new name is empty, has a dot, or is that of an attribute which every
            ModuleDict has.
    """

    example = "ModuleDict({'a': a})"
    __eq__ = object.__eq__  # modules are equal only to themselves; a Mapping would compare what is in it
    __hash__ = object.__hash__

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] = ()) -> None:
        self.update(modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._things())

    def __getitem__(self, name: str) -> Any:
        return self._things()[name]

    def __setitem__(self, name: str, module: Any) -> None:
        self.update({name: module})

    def __delitem__(self, name: str) -> None:
        del self._things()[name]  # the error of a dict
        delattr(self, name)

    def update(self, modules: Any) -> None:  # type: ignore[override]  # as in PyTorch no keywords
        """Add several, or put them in the place of those of the same names."""
        try:
            new = dict(modules)
        except (TypeError, ValueError):
            raise self._refused(modules) from None
        for name, module in new.items():
            self._check_name(name)
            self._checked(module)
        for name, module in new.items():
            setattr(self, name, module)
