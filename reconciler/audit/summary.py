"""One entry in a few words, for a reader at a terminal."""

from typing import Any

from reconciler.audit.kinds import Kind
from reconciler.state.contract import AuditEntry


def summarize(entry: AuditEntry) -> tuple[str, str]:
    """Return what an entry is about, and what it says of that."""
    body = entry.body
    match entry.kind:
        case Kind.STARTED | Kind.ENDED:
            about, words = body.get("run"), body.get("detail") or _describe_start(body)
        case Kind.ASKED:
            about, words = body.get("change"), _describe_reasons(body)
        case Kind.ADOPTED | Kind.FORGOTTEN:
            about, words = body.get("app"), _describe_counts(body)
        case Kind.BY_HAND | Kind.ACCEPTED:
            about, words = body.get("command"), describe_deed(body)
        case Kind.SNAPSHOT:
            about, words = body.get("app"), f"{str(body.get('digest', ''))[:12]}, {body.get('detail', '')}"
        case Kind.REFUSED | Kind.LIFTED:
            about, words = body.get("app") or "all apps", f"{body.get('guard', '')}: {body.get('detail', '')}"
        case _:
            said = (body.get("outcome"), body.get("detail"), body.get("address"))
            about, words = body.get("change"), ": ".join(str(word) for word in said if word)
    return str(about or ""), str(words)


def describe_deed(body: Any) -> str:
    """Return what somebody did to a state by hand: `state unpin: wiki kim; by hand, ana at laptop; because …`."""
    what = [str(body[name]) for name in ("app", "identity", "item") if body.get(name)]
    more = [str(body["detail"])] if body.get("detail") else []
    more += [f"{body['count']} rows"] if "count" in body else []
    reason = [f"because: {body['reason']}"] if body.get("reason") else ["no reason was given"]
    parts = (" ".join(what), *more, describe_approval(body.get("approval")), *reason)
    return f"{body.get('command', '')}: " + "; ".join(part for part in parts if part)


def _describe_counts(body: Any) -> str:
    if "count" in body:
        return f"{body['count']} items, seen absent"
    return ", ".join(f"{body.get(name, 0)} {name}" for name in ("accounts", "entitlements", "grants"))


def describe_approval(approval: Any) -> str:
    """Return an approval in a few words: `by hand, ana at laptop`; `lee approved 3f2c1a9 in …/pull/7`."""
    said: dict[str, Any] = approval if isinstance(approval, dict) else {}
    if said.get("source") != "review":
        return f"by hand, {said.get('operator', '')} at {said.get('machine', '')}"
    who = ", ".join(map(str, said.get("approvers", ()))) or "nobody"
    past = ", past the branch's protection" if said.get("bypassed") else ""
    return f"{who} approved {str(said.get('commit', ''))[:12]} in {said.get('pull_request', '')}{past}"


def _describe_start(body: Any) -> str:
    reason = f"; reason: {body['reason']}" if body.get("reason") else ""
    return f"plan {str(body.get('plan', ''))[:12]}, {describe_approval(body.get('approval'))}{reason}"


def _describe_reasons(body: Any) -> str:
    whys = [f"{text} ({place})" if place else str(text) for text, place in body.get("why", ())]
    return "; ".join(whys) or str(body.get("cause", ""))
