"""Random lives of tickets; ten thousand of them with `HYPOTHESIS_PROFILE=wide`."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ticket.ticket_histories import History, Step, play

HISTORIES = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "wide" else 60
LENGTH = 20
RUNS = ("", "", "whole", "whole", "deaf", "0", "1", "2")
CUTS = ((), (), (), ("accounts",), ("grants:team",), ("grants:repo", "accounts"))
HOWS = (*["do and close"] * 3, "do", "do the first", "do the last", "claim", "reject", "lose", "copy", "reopen")
NAMES = ("declare", "declare", "declare", "handle", "handle", "handle", "handle", "export", "export", "export")
RARE = ("meddle", "leave", "drop", "upload", "replace_owner", "remind", "remind", "tick")


def draw(random: Random) -> Step:
    """Return something that may happen, mostly to the same grant, and which run follows."""
    name = random.choice((*NAMES, random.choice(RARE)))
    person, key = random.choice(("ana", "ana", "ana", "ben")), random.choice(("team:a", "team:a", "repo:web"))
    arguments: dict[str, tuple[object, ...]] = {
        "declare": (person, key, random.choice(("read", "write"))),
        "handle": (random.randrange(10), random.choice(HOWS)),
        "export": (random.choice(CUTS),),
        "meddle": (person, key),
        "upload": (random.randrange(10),),
        "replace_owner": (random.randrange(3),),
        "remind": (random.choice((None, None, 0, 1, 2)),),
        "tick": (random.randrange(1, 96),),
    }
    return name, arguments.get(name, (person,)), random.choice(RUNS)


@settings(max_examples=HISTORIES)
@example(live=False, seed=270455, batch=1)  # an older ticket was opened again after a newer one was closed as done
@given(st.booleans(), st.integers(0, 2**64), st.sampled_from((1, 2, 20)))
def test_no_history_makes_two_tickets_or_forgets_an_operation(live: bool, seed: int, batch: int) -> None:
    """Never two open tickets for a change, never one beside its opposite, nothing believed too early or forgotten."""
    random = Random(seed)
    play(History(live=live, batch=batch), [draw(random) for _ in range(LENGTH)])


DECLARE, DONE = ("declare", ("ana", "team:a", "read")), ("handle", (0, "do and close"))
TAKE, EXPORT, DO_GRANT = DECLARE, ("export", ((),)), ("handle", (1, "do"))


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([(*DECLARE, "whole"), (*DONE, ""), (*DONE, ""), (*DECLARE, ""), (*EXPORT, "whole")], {"revoke": "open"}),
        (
            [
                (*DECLARE, "whole"),
                (*DONE, ""),
                (*DONE, ""),
                (*EXPORT, "whole"),
                (*TAKE, "whole"),
                (*DONE, ""),
                (*DECLARE, ""),
            ],
            {"revoke": "done", "grant": "done"},
        ),
        (
            [(*DECLARE, "whole"), (*DO_GRANT, ""), (*EXPORT, ""), (*DECLARE, "deaf")],
            {"revoke": "open", "grant": "superseded"},
        ),
    ],
)
def test_what_flips_around_a_ticket_is_not_forgotten(steps: list[Step], left: dict[str, str]) -> None:
    """Given and unwanted before anybody saw it; taken and wanted again; the tracker deaf while it flips."""
    history = History(batch=1)
    play(history, steps)
    last = {record.operation.value: record.status.value for record in history.shelf.listed()}
    assert left.items() <= last.items()
