"""Which people a group's rule matches, each distinct combination of attributes looked at only once."""

from collections.abc import Iterator, Mapping

from reconciler.errors import ExpressionError
from reconciler.items import Value
from reconciler.model.identities import Group, Person
from reconciler.resolve.attributes import person_attribute
from reconciler.resolve.expression import compile_expression
from reconciler.resolve.masks import mask_of

_Key = tuple[type, Value]


def _key(value: Value) -> _Key:
    """Tell `true` from 1: they are equal in Python, and not in YAML."""
    return value.__class__, value


class RuleIndex:
    """People by the values of their attributes; made for an attribute when the first rule asks for it.

    Args:
        people: number → person, of those who are here.
        size: how many identities there are, for masks.
    """

    __slots__ = ("_by_names", "_by_value", "_people", "_size")

    def __init__(self, people: Mapping[int, Person], size: int) -> None:
        self._people = people
        self._size = size
        self._by_value: dict[str, dict[_Key, list[int]]] = {}
        self._by_names: dict[tuple[str, ...], list[tuple[dict[str, Value], int]]] = {}

    def match(self, group: Group) -> int:
        """Return the mask of the people that a group's rule matches; 0 where it has none.

        Raises:
            ExpressionError: the expression cannot be evaluated for somebody; the message says for whom.
        """
        mask = self._match_where(group.where) if group.where else 0
        return mask | self._match_expression(group) if group.expression else mask

    def _match_where(self, where: Mapping[str, Value]) -> int:
        mask = (1 << self._size) - 1
        for name, wanted in where.items():
            values = wanted if isinstance(wanted, tuple) else (wanted,)
            index = self._values(name)
            mask &= mask_of((number for value in values for number in index.get(_key(value), ())), self._size)
        return mask

    def _values(self, name: str) -> dict[_Key, list[int]]:
        """Return value → numbers for one attribute; several texts count as each of them."""
        if (index := self._by_value.get(name)) is None:
            index = self._by_value[name] = {}
            for number, person in self._people.items():
                value = person_attribute(person, name)
                for single in value if isinstance(value, tuple) else (value,):
                    if single is not None:
                        index.setdefault(_key(single), []).append(number)
        return index

    def _match_expression(self, group: Group) -> int:
        expression = compile_expression(group.expression)
        mask = 0
        for attributes, numbers in self._combinations(tuple(sorted(expression.names))):
            try:
                mask |= numbers if expression.matches(attributes) else 0
            except ExpressionError as error:
                raise self._explain(error, group, numbers) from error
        return mask

    def _combinations(self, names: tuple[str, ...]) -> list[tuple[dict[str, Value], int]]:
        """Return each distinct combination of these attributes with the mask of the people who have it."""
        if (found := self._by_names.get(names)) is None:
            people: dict[tuple[_Key, ...], list[int]] = {}
            for number, key in self._keys(names):
                people.setdefault(key, []).append(number)
            found = self._by_names[names] = [
                ({name: value for name, (_, value) in zip(names, key, strict=True)}, mask_of(numbers, self._size))
                for key, numbers in people.items()
            ]
        return found

    def _keys(self, names: tuple[str, ...]) -> Iterator[tuple[int, tuple[_Key, ...]]]:
        for number, person in self._people.items():
            yield number, tuple(_key(person_attribute(person, name)) for name in names)

    def _explain(self, error: ExpressionError, group: Group, mask: int) -> ExpressionError:
        person = self._people[(mask & -mask).bit_length() - 1]
        return ExpressionError(
            f"{group.place}: the rule of group {group.name} cannot be evaluated for {person.id}: {error.message}",
            hint=f"look at the attributes of {person.id} ({person.place.short}), or make the rule stricter",
        )
