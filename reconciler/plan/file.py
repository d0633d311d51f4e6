"""The plan file: versioned JSON with its JSON Schema, exact in both directions, and checked when it is read."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.errors import PlanError
from reconciler.plan.digest import digest_plan
from reconciler.plan.plan import AppPlan, Plan
from reconciler.state.contract import Adoption

FORMAT = "reconciler plan"
VERSION = 1
_AGAIN = "make a new plan: reconciler plan --out FILE"


def encode_plan(plan: Plan) -> str:
    """Return a plan as JSON text: `format`, `version`, `digest` and the plan itself, one line each part."""
    body = _adapter().dump_python(plan, mode="json")
    return json.dumps({"format": FORMAT, "version": VERSION, "digest": plan.digest, "plan": body}, indent=1) + "\n"


def decode_plan(text: str) -> Plan:
    """Return the plan that `encode_plan` wrote.

    Raises:
        PlanError: it is no plan, was written by a newer tool, or is not what its digest says.
    """
    envelope = _open(text)
    try:
        plan = _adapter().validate_python(envelope["plan"])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise PlanError(f"the plan cannot be read: {where}: {first['msg'].lower()}", hint=_AGAIN) from None
    plan = replace(plan, apps=tuple(map(_as_tuples, plan.apps)))
    if compared := plan.comparison:
        before, dropped = (tuple(map(_as_tuples, apps)) for apps in (compared.before, compared.dropped))
        plan = replace(plan, comparison=replace(compared, before=before, dropped=dropped))
    if not plan.digest == envelope.get("digest") == digest_plan(plan):
        raise PlanError("the plan is not the one that its digest was made of: it was changed or damaged", hint=_AGAIN)
    return plan


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of plan files."""
    body = _adapter().json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = body.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        "type": "object",
        "additionalProperties": False,
        "required": ["format", "version", "digest", "plan"],
        "properties": {
            "format": {"const": FORMAT},
            "version": {"const": VERSION},
            "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "plan": body,
        },
        "$defs": definitions,
    }


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


def _open(text: str) -> Mapping[str, Any]:
    """Return the envelope, if it is one that this tool can read."""
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        raise PlanError("the plan is no JSON: it was cut off, or is another file", hint=_AGAIN) from None
    if not isinstance(envelope, dict) or envelope.get("format") != FORMAT or "plan" not in envelope:
        raise PlanError("this is no plan file", hint=_AGAIN)
    version = envelope.get("version")
    if type(version) is int and version > VERSION:
        raise PlanError(
            f"the plan has version {version}, and this tool reads version {VERSION}",
            hint="use the version of the tool that made the plan, or make a new plan with this one",
        )
    if type(version) is not int or version != VERSION:
        raise PlanError(f"the plan has the unknown version {version!r}", hint=_AGAIN)
    return envelope


def _as_tuples(app: AppPlan) -> AppPlan:
    """Give sequences the type that a fresh plan has, so that a plan that was read equals the one that was written."""
    adoption = app.adoption
    grants, gone = tuple(adoption.grants), tuple(adoption.gone)
    return replace(app, adoption=Adoption(adoption.accounts, adoption.entitlements, grants, gone, adoption.counts))
