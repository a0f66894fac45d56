"""Containers: modules or parameters in a row or by name. What is in them has a path: "layers.0.weight"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minigrad.nn.module import Module, Parameter, check_name
from minigrad.tensor import Tensor


class Container(Module):
    """What all containers share: the things in them are attributes, named by their place or their key."""

    holds: type = Module

    def _checked(self, thing: Any) -> Any:
        if isinstance(thing, self.holds):
            return thing
        what = f"the class {thing.__name__} itself" if isinstance(thing, type) else f"a {type(thing).__name__}"
        raise TypeError(f"{type(self).__name__} takes {self.holds.__name__.lower()}s; {what} is none")

    def _things(self) -> dict[str, Any]:
        return {name: thing for name, thing in vars(self).items() if isinstance(thing, self.holds)}

    def __len__(self) -> int:
        return len(self._things())


class Row(Container):
    """What the containers that are lists share."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self._things().values())

    def __getitem__(self, i: int | slice) -> Any:
        things = list(self)
        if not isinstance(i, slice):
            return things[i]
        row = type(self)()
        row._hold(things[i])
        return row

    def __setitem__(self, i: int, thing: Any) -> None:
        setattr(self, list(self._things())[i], self._checked(thing))

    def __delitem__(self, i: int | slice) -> None:
        things = list(self)
        del things[i]
        self._hold(things)

    def _hold(self, things: Iterable[Any]) -> None:
        """Hold these and no others."""
        checked = [self._checked(thing) for thing in things]
        for name in self._things():
            delattr(self, name)
        for i, thing in enumerate(checked):
            setattr(self, str(i), thing)

    def append(self, thing: Any) -> Any:
        """Add one at the end, and return the container."""
        self._hold([*self, thing])
        return self

    def extend(self, things: Iterable[Any]) -> Any:
        """Add several at the end, and return the container."""
        self._hold([*self, *things])
        return self

    def insert(self, i: int, thing: Any) -> None:
        """Add one before the one at i."""
        things = list(self)
        things.insert(i, thing)
        self._hold(things)


class Sequential(Row):
    """Modules, one after the other: `Sequential(a, b)(x)` is `b(a(x))`. A dict gives them names.

    Raises:
        TypeError: an argument is not a module.
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self.add_module(name, self._checked(module))
        else:
            for i, module in enumerate(modules):
                if not isinstance(module, Module):
                    raise TypeError(
                        f"Sequential takes modules, as in Sequential(a, b) or Sequential(*layers); "
                        f"argument {i} is a {type(module).__name__}"
                    )
            self._hold(modules)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleList(Row):
    """Modules in a list. What is computed with them says the `forward` of the module that holds the list.

    Raises:
        TypeError: one of them is not a module.
    """

    _repeats_are_counted = True

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self._hold(modules)


class ParameterList(Row):
    """Parameters in a list. A tensor becomes a parameter.

    Raises:
        TypeError: one of them is not a tensor.
    """

    holds = Parameter

    def __init__(self, parameters: Iterable[Tensor] = ()) -> None:
        self._hold(parameters)

    def _checked(self, thing: Any) -> Any:
        is_plain = isinstance(thing, Tensor) and not isinstance(thing, Parameter)
        return super()._checked(Parameter(thing) if is_plain else thing)


class ModuleDict(Container):
    """Modules by name. What is computed with them says the `forward` of the module that holds the dict.

    Raises:
        TypeError: one of them is not a module, or a name is not a string.
        KeyError: a name is empty, has a dot, or is that of an attribute which every module has.
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] = ()) -> None:
        self.update(modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._things())

    def __contains__(self, key: Any) -> bool:
        return key in self._things()

    def __getitem__(self, key: str) -> Any:
        return self._things()[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.update({key: module})

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def keys(self) -> Any:
        """The names."""
        return self._things().keys()

    def values(self) -> Any:
        """The modules."""
        return self._things().values()

    def items(self) -> Any:
        """The names with the modules."""
        return self._things().items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add several, or put them in the place of those of the same names."""
        new = dict(modules)
        for key, module in new.items():
            check_name(key)
            if hasattr(type(self), key):
                raise KeyError(f"{key!r} is an attribute of every ModuleDict and cannot name a module in it")
            self._checked(module)
        for key, module in new.items():
            setattr(self, key, module)

    def pop(self, key: str) -> Any:
        """Take one out, and return it."""
        module = self[key]
        delattr(self, key)
        return module

    def clear(self) -> None:
        """Take all out."""
        for key in self._things():
            delattr(self, key)
