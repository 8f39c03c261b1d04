"""Registries of named members (methods, rules, metrics), each registered once, in its own file."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from deepexplain_tf.errors import UnknownNameError, closest, shortened

T = TypeVar("T")


class Registry(Generic[T]):
    """A mapping from snake_case names and their aliases to members; iterates over the sorted names, without aliases."""

    def __init__(self, family: str):
        self._family = family
        self._members: dict[str, T] = {}
        self._aliases: dict[str, str] = {}

    def register(self, name: str, *, aliases: tuple[str, ...] = ()) -> Callable[[T], T]:
        """Returns a decorator that adds a member under `name` and its aliases.

        Raises:
          ValueError: a name or alias that is taken.
        """
        for taken in (name, *aliases):
            if taken in self._members or taken in self._aliases:
                raise ValueError(f"a {self._family} name is registered once. Got {taken!r} again.")

        def add(member: T) -> T:
            self._members[name] = member
            self._aliases.update(dict.fromkeys(aliases, name))
            return member

        return add

    def resolve(self, name: str) -> str:
        """Returns the registered name for a name or alias.

        Raises:
          TypeError: a name that is not a string.
          UnknownNameError: an unknown name.
        """
        if not isinstance(name, str):
            raise TypeError(f"a {self._family} is given by its name, a string. Got {type(name).__name__}.")
        registered = self._aliases.get(name, name)
        if registered not in self._members:
            hint = closest(name, self.names)
            if hint.startswith("known"):  # aliases help only as close matches
                hint = closest(name, self._members)
            raise UnknownNameError(f"unknown {self._family} {shortened(name)}; {hint}.")
        return registered

    @property
    def names(self) -> tuple[str, ...]:
        """All names, aliases among them."""
        return *self._members, *self._aliases

    def aliases(self, name: str) -> tuple[str, ...]:
        """Returns the aliases of a registered name, in the order of their registration."""
        return tuple(alias for alias, registered in self._aliases.items() if registered == name)

    def __getitem__(self, name: str) -> T:
        return self._members[self.resolve(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._members))
