"""Cycles in what refers to what."""

from collections.abc import Iterator, Mapping, Sequence


def find_cycles(edges: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield each cycle once, as the names along it (`a, b, c` for a → b → c → a), from its first name in order.

    At most one cycle through each edge that closes one is told, in time linear in the edges. Names without edges need
    not be in the mapping.
    """
    done: set[str] = set()
    for start in edges:
        if start not in done:
            yield from _walk(start, edges, done)


def _walk(start: str, edges: Mapping[str, Sequence[str]], done: set[str]) -> Iterator[list[str]]:
    """Walk depth first, without recursion: chains may be thousands long."""
    path, on_path = [start], {start: 0}
    pending = [iter(edges.get(start, ()))]
    while pending:
        following = next(pending[-1], None)
        if following is None:
            pending.pop()
            name = path.pop()
            del on_path[name]
            done.add(name)
        elif following in on_path:
            yield path[on_path[following] :]
        elif following not in done:
            on_path[following] = len(path)
            path.append(following)
            pending.append(iter(edges.get(following, ())))
