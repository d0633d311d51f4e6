"""A plan as Markdown for a pull request: what matters first, the rest folded; nothing in it can act on the page."""

from collections.abc import Iterable, Iterator
from functools import partial

from reconciler.plan.plan import AppPlan, Fact, Finding, Plan
from reconciler.provider.change import Cause, Change
from reconciler.render.fit import Line, Rank, Section, render_whole
from reconciler.render.forecast import cost_words, time_words
from reconciler.render.inert import code, code_in_html, sentence
from reconciler.render.origins import origin_lines, origins_of, short_commit
from reconciler.render.rows import Row, adoption_rows, finding_row, symbol_of, unread_rows
from reconciler.render.tally import all_well, app_headline, awaits_merge, count_changes, headline, limits, remarks
from reconciler.render.words import (
    DRIFT,
    TICKET,
    VERBS,
    because,
    cause_words,
    instant,
    join_words,
    number,
    objects,
    read_words,
    route_of,
    scope_words,
)

_URGENT = frozenset({Fact.CONFLICT, Fact.BLOCKED, Fact.HELD, Fact.UNREAD})
_HEAD = "| | what | who | access | way | why |\n|---|---|---|---|---|---|"
_MOST_OBJECTS = 6
_MOST_TASKS = 5


def render_markdown(plan: Plan) -> str:
    """Return a plan as GitHub-flavoured Markdown, whole, ending in a line break."""
    return "\n\n".join(render_whole(Page(plan).sections())) + "\n"


class Page:
    """The sections of one plan, in the order in which they are read."""

    def __init__(self, plan: Plan, longest: int = 0) -> None:
        """Take a plan, and how many characters of any one text are shown (0 for all)."""
        self.plan = plan
        self.longest = longest
        self.code = partial(code, longest=longest)
        self.sentence = partial(sentence, longest=longest)
        self.origins = origins_of(plan)

    def sections(self) -> Iterator[Section]:
        """Yield every section: refusals, privileged access, a table an app, tickets, what was there before, digest."""
        yield from self.top()
        yield from self.rest()
        yield self.digest()

    def top(self) -> Iterator[Section]:
        """Yield the headline and what belongs directly beneath it."""
        plan, tally = self.plan, count_changes(self.plan)
        done = plan.empty and plan.complete and not plan.refused
        yield Section(f"## {all_well(plan).capitalize() if done else f'Plan: {headline(tally)}'}")
        people = f"{tally.people:,} {'person' if tally.people == 1 else 'people'} affected" if tally.people else ""
        if told := join_words([people, *remarks(plan, tally), self.sentence(limits(plan))]):
            yield Section(told)
        if told := join_words([cost_words(plan), time_words(plan)]):
            yield Section(told)
        future = f"as it will be at {instant(plan.moment)}; cannot be applied" if plan.future else ""
        if told := join_words([future, self.sentence(scope_words(plan.scope))]):
            yield Section(f"_{told}_")

    def rest(self) -> Iterator[Section]:
        """Yield what may be cut to fit."""
        yield from self._guards(refused=True)
        privileged = [change for change in self.plan.changes() if change.privileged]
        if privileged:
            yield self._table("### Privileged access", privileged, noun="privileged change", with_app=True)
        yield from self._counts()
        for app in self.plan.apps:
            yield from self._app(app)
        yield from self._tickets()
        yield from self._guards(refused=False)
        yield from self._warnings()
        yield from self._compared()
        yield from self._origins()

    def digest(self) -> Section:
        """Return what an override or an apply names."""
        plan = self.plan
        compared = plan.comparison
        head = short_commit(compared.head) if compared and compared.head else "the working tree"
        base = short_commit(compared.base) if compared and compared.base else "nothing"
        beside = f" · {head} compared with {base}" if compared else ""
        made = f"made by {self.code(plan.tool)} for {instant(plan.moment)}"
        return Section(f"<sub>digest {self.code(plan.digest)} · {made}{beside}</sub>")

    def _counts(self) -> Iterator[Section]:
        told = [app for app in self.plan.apps if app.changes or app.cancellations or app.error]
        if len(told) > 1:
            lines = tuple(Line(self._count_line(app), Rank.COUNTS) for app in told)
            yield Section("| app | |\n|---|---|", lines, "app")

    def _count_line(self, app: AppPlan) -> str:
        return f"| {self.code(app.app)} | {'⚠ could not be read' if app.error else app_headline(app)} |"

    def _app(self, app: AppPlan) -> Iterator[Section]:
        changes = [change for change in app.changes if not change.privileged]
        fresh = [change for change in changes if not _is_folded(change)]
        drift = [change for change in changes if _is_folded(change)]
        held = awaits_merge(self.plan, app)
        urgent = [self._finding_line(one) for one in app.findings if _is_urgent(one, held=held)]
        quiet = [self._finding_line(one) for one in app.findings if not _is_urgent(one, held=held)]
        urgent += [Line(self._unread_line(row), Rank.URGENT) for row in unread_rows(app)]
        quiet += [Line(f"- {row.label}: {row.holder} ({row.note})", Rank.NOTICED) for row in adoption_rows(app)]
        route = " → ".join(self.code(way) for way in route_of(app))
        title = f"### {self.code(app.app)}" + (f" ({route})" if route else "")
        if told := read_words(app):
            title += f"\n\n<sub>{told}</sub>"
        if app.error:
            text = f"⚠ **could not be read**: {self.sentence(app.error)}"
            yield Section(title, (Line(f"\n{text}", Rank.REFUSAL),), "error")
        elif fresh:
            yield self._table(title, fresh)
        if urgent:
            yield Section("" if fresh or app.error else f"{title}\n", tuple(urgent), "finding")
        where = f" in {code_in_html(app.app, self.longest)}"
        if drift:
            summary = f"Drift{where}: {number(len(drift), 'change')} that nobody made in git"
            yield self._table("", drift, noun="change of drift", folded=summary)
        if quiet:
            summary = f"Also noticed{where}: {number(len(quiet), 'item')}"
            yield Section("", tuple(quiet), "finding", summary)

    def _unread_line(self, row: Row) -> str:
        return f"- ⚠ {row.label} {self.code(row.holder)}: {self.sentence(row.note)}"

    def _table(
        self, title: str, changes: Iterable[Change], *, noun: str = "change", folded: str = "", with_app: bool = False
    ) -> Section:
        head = f"{title}\n\n{_HEAD}" if title else _HEAD
        lines = tuple(self._row(change, with_app=with_app) for change in changes)
        return Section(head, lines, noun, folded)

    def _row(self, change: Change, *, with_app: bool) -> Line:
        told = [text for text in objects(change) if text]
        shown = told[:_MOST_OBJECTS] if self.longest else told
        access = "<br>".join(map(self.code, shown))
        if len(told) > len(shown):
            access += f"<br>and {len(told) - len(shown)} more"
        if with_app:
            access = f"{self.code(change.app)} {access}".rstrip()
        start = f"| {symbol_of(change)} | {VERBS[change.operation]} | {self.code(change.holder)} |"
        brief = f"{start} {self.code(change.app)} {self.code(told[0] if told else '')} | | |"
        text = f"{start} {access} | {self.code(change.way)} | {self._why(change)} |"
        return Line(text, _rank(change), brief)

    def _why(self, change: Change) -> str:
        if change.blocked:
            return f"**blocked**: {self.sentence(change.blocked)}"
        why = self.sentence(because(cause_words(change), change.why, whole=True))
        commit = next((self.origins[one.place].commit for one in change.why if one.place in self.origins), "")
        told = short_commit(commit) if commit else ""
        return join_words([why, "" if told.strip("`") in why else told])

    def _finding_line(self, finding: Finding) -> Line:
        row = finding_row(finding)
        about = " ".join(self.code(text) for text in (row.holder, *row.objects) if text)
        label = f"**{row.label}, privileged**" if row.privileged else row.label
        start = f"- {row.symbol} {label} {about}"
        rank = Rank.URGENT if _is_urgent(finding) else Rank.NOTICED
        rank = Rank.REFUSAL if finding.refuses else Rank.PRIVILEGED if finding.privileged else rank
        return Line(f"{start}: {self.sentence(row.note)}".replace(" : ", ": "), rank, start)

    def _tickets(self) -> Iterator[Section]:
        lines = []
        for app in self.plan.apps:
            opened = [change for change in app.changes if change.way == TICKET and not change.blocked]
            if opened:
                lines.append(Line(self._opened(app, opened), Rank.TICKET))
            for one in app.cancellations:
                told = f"- cancel {self.code(one.address)} ({self.code(one.change_id)}): {self.sentence(one.reason)}"
                lines.append(Line(told, Rank.TICKET))
        if lines:
            yield Section("### Tickets\n", tuple(lines), "line about tickets")

    def _opened(self, app: AppPlan, opened: list[Change]) -> str:
        shown = opened[:_MOST_TASKS] if self.longest else opened
        tasks = [f"{self._task(change)} for {self.code(change.holder or change.entitlement)}" for change in shown]
        if len(opened) > len(shown):
            tasks.append(f"and {len(opened) - len(shown):,} more")
        owner = f" to {self.code(app.owner)}" if app.owner else ""
        return f"- {self.code(app.app)}: {number(len(opened), 'change')} by ticket{owner}: {'; '.join(tasks)}"

    def _task(self, change: Change) -> str:
        return " ".join([change.operation.value, *(self.code(text) for text in objects(change)[:1] if text)])

    def _guards(self, *, refused: bool) -> Iterator[Section]:
        lines = []
        for verdict in self.plan.verdicts:
            if verdict.refused is refused:
                word = "ok"
                if refused:
                    word = "**refused**" if verdict.overridable else "**refused**, cannot be overridden"
                where = f"| {self.code(verdict.guard)} | {self.code(verdict.app)} | {word} |"
                rank = Rank.REFUSAL if refused else Rank.NOTICED
                lines.append(Line(f"{where} {self.sentence(verdict.text)} |", rank, f"{where} |"))
        head = "| guard | app | verdict | |\n|---|---|---|---|"
        if lines and refused:
            yield Section(f"### ⚠ Refused by guards\n\n{head}", tuple(lines), "refusal")
        elif lines:
            yield Section(head, tuple(lines), "guard", "Guards: ok" if not self.plan.refused else "Other guards: ok")

    def _warnings(self) -> Iterator[Section]:
        if found := self.plan.warnings:
            told = ("; ".join(line.strip() for line in text.splitlines()) for text in found)
            lines = tuple(Line(f"- {self.code(text)}", Rank.NOTICED) for text in told)
            yield Section("", lines, "warning", number(len(found), "warning"))

    def _compared(self) -> Iterator[Section]:
        if compared := self.plan.comparison:
            yield from self._left_out("There before this pull request", "change from before", compared.before)
            yield from self._left_out("Not wanted any more", "change that is not wanted any more", compared.dropped)

    def _left_out(self, title: str, noun: str, apps: Iterable[AppPlan]) -> Iterator[Section]:
        rows = [Line(self._row(one, with_app=True).text, Rank.BEFORE) for app in apps for one in app.changes]
        found = [Line(self._finding_line(one).text, Rank.BEFORE) for app in apps for one in app.findings]
        if rows:
            yield Section(_HEAD, tuple(rows), noun, f"{title}: {number(len(rows), 'change')}, not part of this plan")
        if found:
            yield Section("", tuple(found), "finding", f"{title}: {number(len(found), 'finding')}")

    def _origins(self) -> Iterator[Section]:
        lines = tuple(Line(text, Rank.ORIGIN) for text in origin_lines(self.plan, self.code))
        if lines:
            head = "| commit | author, as git has it | when | pull request | lines |\n|---|---|---|---|---|"
            yield Section(head, lines, "commit", f"Where it comes from: {number(len(lines), 'commit')}")


def _rank(change: Change) -> Rank:
    if change.blocked:
        return Rank.REFUSAL
    if change.privileged:
        return Rank.PRIVILEGED
    if change.cause is Cause.LEAVER:
        return Rank.LEAVER
    return Rank.BEFORE if change.cause in DRIFT else Rank.CHANGE


def _is_folded(change: Change) -> bool:
    """Say whether a change is drift that needs nobody's special attention."""
    return change.cause in DRIFT and not (change.privileged or change.blocked)


def _is_urgent(finding: Finding, *, held: bool = False) -> bool:
    """Say whether a finding is not folded; in an app that waits for the merge, what it will grant is the news."""
    if held and finding.fact is Fact.WAITING:
        return True
    return finding.fact in _URGENT or finding.refuses or finding.fails_drift or finding.privileged
