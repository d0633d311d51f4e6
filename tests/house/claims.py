"""What `tests/evidence.json` claims, held against what a run saw: `python tests/house/claims.py SEEN` tells the rest.

`SEEN` is what `pytest --evidence SEEN` wrote. A claim is a provider, one of its abilities, and what it was run against.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from house.matrix import ANY, EVIDENCE, known_abilities
from support.evidence import Evidence, read_evidence


def claims(evidence: Evidence) -> Iterator[str]:
    """Yield each claim as a line: `scim: create account: third party's server: scimmy`."""
    for provider, abilities in evidence.items():
        for ability, found in abilities.items():
            for against, several in found.items():
                yield from (f"{provider}: {ability}: {against}: {of}" for of in several)


def fold_ability(provider: str, what: str, kind: str) -> str:
    """Return an ability under the kind that the matrix shows: `*` where companies name the kinds themselves.

    Empty where no typical configuration has it.
    """
    known = known_abilities(provider)
    spaced = what if not kind else f"{what}{':' if what.startswith('read ') else ' '}"
    return next((name for name in (f"{spaced}{kind}", f"{spaced}{ANY}") if name in known), "")


def main(seen_file: Path) -> int:
    """Print the claims that were not seen, and what was seen and is not claimed."""
    seen, claimed = set(claims(read_evidence(seen_file))), set(claims(read_evidence(EVIDENCE)))
    for line in sorted(claimed - seen):
        print(f"claimed in tests/evidence.json, and not seen in this run (gone for good? delete it): {line}")
    for line in sorted(seen - claimed):
        print(f"seen, and not yet claimed (python tests/house/record.py TESTS): {line}")
    print(f"evidence: {len(claimed & seen)} of {len(claimed)} claims seen")
    return 1 if claimed - seen else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
