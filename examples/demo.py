#!/usr/bin/env python3
"""The whole of it in two minutes: `python3 examples/demo.py`. Needs Python, pip and git, and nothing else.

Makes `.venv` in the checkout, copies the example company to `demo/`, starts a chat that speaks SCIM on a free port of
this machine, and runs the real `reconciler` command step by step, as a user would. Only pip goes out to the network.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from datetime import date, timedelta
from pathlib import Path

from demo_place import BIN, ROOT, Demo, set_up
from demo_stage import Stage

OLDEST = (3, 11)


def today() -> date:
    """Return the day where the user is."""
    return date.today()  # noqa: DTZ011 - a person would write the same


def show_files(demo: Demo) -> None:
    """The company is written down in YAML."""
    demo.stage.step("A company, written down")
    demo.stage.say(
        """Acme has 25 people and three apps: a chat that speaks SCIM, a wiki whose permissions are kept in a CSV file,
        and door badges that a person programs by hand. Who should have what is written in YAML, in a git repository.
        This is the chat:"""
    )
    demo.stage.prompt("cat apps/chat.yaml")
    print((demo.folder / "apps" / "chat.yaml").read_text(encoding="utf-8").strip())
    demo.stage.say("First: does all of it make sense? Every mistake would be named with its file, line and column.")
    demo.command("reconciler validate")


def first_plan(demo: Demo) -> None:
    """What is written is compared with what the apps answer."""
    demo.stage.step("What is different from what is written?")
    demo.stage.say(
        """A plan reads every app and changes nothing. Most is right already: it is adopted, and only counted. The rest
        has grown over the years. Ben left in January and still has his accounts; Ana is new."""
    )
    demo.command("reconciler plan --out plan.json")


def first_apply(demo: Demo) -> None:
    """The plan is applied, and a second run has nothing to do."""
    demo.stage.step("Make it true")
    demo.stage.say(
        """Exactly this plan is applied: if anything that it relies on had moved since, it would be refused. Each change
        is read back before it counts as done. Leavers come first; what only a person can do becomes a ticket."""
    )
    demo.command("reconciler apply plan.json --yes")
    demo.stage.say("And once more: nothing is left to do but what waits for a person.")
    demo.command("reconciler plan")


def tickets(demo: Demo) -> None:
    """A person does what no API can, and attests it."""
    demo.stage.step("What only a person can do")
    demo.stage.say("Badges have no API. Each open ticket is a file, for the owner of the app:")
    demo.command("reconciler tickets")
    ticket = next(iter(sorted((demo.folder / "tickets").glob("badges-*.md"))))
    demo.stage.prompt(f"cat tickets/{ticket.name}")
    print(ticket.read_text(encoding="utf-8").strip())
    demo.stage.say(
        """Xenia does it, and says so at the top of the file. From then on it counts as granted. (Whoever closes a
        ticket is on record in git.)"""
    )
    closed = f"status: done\nclosed: {today()}\nattested_by: Xenia Popova"
    for file in (demo.folder / "tickets").glob("badges-*.md"):
        demo.edit(f"tickets/{file.name}", r"status: open\nclosed:\nattested_by:", closed)
    demo.commit("Access applied, a badge programmed")
    demo.stage.aside("(status, closed and attested_by are filled in now)")


def mover_and_leaver(demo: Demo) -> None:
    """People move and leave: two edits."""
    demo.stage.step("Somebody moves, somebody leaves")
    demo.edit(
        "people/employees.yaml",
        r"(  mia:\n.*?title: )Backend Engineer\n(    department: )Engineering\n(    manager: )omar\n",
        r"\1Product Designer\n\2Design\n\3zoe\n",
    )
    demo.edit(
        "people/employees.yaml",
        r"(  paul:\n.*?    manager: lena\n)",
        rf"\1    last_day: {today() - timedelta(days=2)}\n",
    )
    demo.stage.say(
        """Mia becomes a designer, and Paul had his last day. That is all that anybody writes; in a company,
        this is a pull request, and the plan below is what its reviewers see."""
    )
    demo.diff()
    demo.command("reconciler plan")
    demo.stage.say("Everything that follows from it, in all three apps, each change with its reason. Apply it:")
    demo.command("reconciler apply --yes")
    demo.commit("Mia moves to Design, Paul leaves")


def explain(demo: Demo) -> None:
    """Each grant knows why it is there."""
    demo.stage.step("Why does somebody have this? Who has that?")
    demo.command("reconciler explain ana chat")
    demo.command("reconciler who wiki/space:design")


def drift(demo: Demo) -> None:
    """Somebody clicks in the chat's admin console."""
    demo.stage.step("Behind git's back")
    demo.stage.say(
        """Now somebody clicks in the chat's admin console (here: over SCIM, past the reconciler). Kim is thrown out of
        the incidents channel, the old bot gets into the leads' channel, and Noah promotes himself."""
    )
    leads, incidents = (demo.find("Groups", "displayName", name) for name in ("leads", "incidents"))
    kim, bot, noah = (demo.find("Users", "userName", f"{name}@acme.example") for name in ("kim", "old-bot", "noah"))
    demo.patch("Groups", incidents, {"op": "remove", "path": f'members[value eq "{kim}"]'})
    demo.patch("Groups", leads, {"op": "add", "path": "members", "value": [{"value": bot}]})
    demo.patch("Users", noah, {"op": "replace", "path": "title", "value": "Chief Engineer"})
    demo.command("reconciler drift", expect=(0, 1, 2, 3))
    demo.stage.say("What was lost or changed is put right; what was never declared is shown, and left alone.")
    demo.command("reconciler apply --yes")


def farewell(demo: Demo) -> None:
    """The folder stays."""
    demo.stage.step("Yours to play with")
    folder = os.path.relpath(demo.folder)
    demo.stage.say(f"The company stays in {folder}/. The chat has been stopped; it starts again with what it held:")
    for command in (
        f"source {os.path.relpath(BIN)}/activate",
        f"cd {folder}",
        "./start-server &",
        "reconciler plan",
    ):
        print("    " + demo.stage.style(command, "1"))
    demo.stage.say("Edit people/, roles.yaml or exports/wiki.csv, close a ticket in tickets/, and plan again.")


def main() -> int:
    """Tell the story."""
    parser = argparse.ArgumentParser(description="The example company, set up and reconciled before your eyes.")
    parser.add_argument("--folder", type=Path, default=ROOT / "demo", help="where the company is copied to (demo)")
    parser.add_argument("--fresh", action="store_true", help="begin again: remove that folder first")
    parser.add_argument("--pause", action="store_true", help="wait for Enter before each step")
    options = parser.parse_args()
    if sys.version_info < OLDEST:
        sys.exit(f"the reconciler needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")
    if not shutil.which("git"):
        sys.exit("the demo needs git, and there is none")
    folder: Path = options.folder.resolve()
    if folder.exists():
        if not (options.fresh and (folder / "start-server").exists()):
            sys.exit(f"{os.path.relpath(folder)}/ is there already: go on playing in it, or add --fresh to begin again")
        shutil.rmtree(folder)
    stage = Stage(pause=options.pause)
    set_up(stage)
    demo = Demo(folder, stage)
    demo.copy()
    with demo.chat():
        demo.seed()
        for part in (show_files, first_plan, first_apply, tickets, mover_and_leaver, explain, drift):
            part(demo)
    farewell(demo)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
