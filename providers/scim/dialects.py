"""The dialects that are known, each with the vendor's pages that it was written from."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from providers.scim.dialect import Dialect, ErrorAlias, RateRule

GENERIC = Dialect(other_form=True, check_members=8)
"""RFC 7643, 7644 and 9865, with checks where servers are known to differ."""

AWS = Dialect(
    name="aws",
    etag="never",
    pagination="cursor",
    page_size=100,
    members="by_group",
    member_chunk=100,
    member_replace=False,
    filters="eq",
    attributes_per_op=1,
    attributes=(
        *("userName", "externalId", "displayName", "nickName", "profileUrl", "title", "userType"),
        *("preferredLanguage", "locale", "timezone", "emails", "phoneNumbers", "addresses"),
        *("name.formatted", "name.givenName", "name.familyName", "name.middleName"),
        *("name.honorificPrefix", "name.honorificSuffix"),
        *("employeeNumber", "costCenter", "organization", "division", "department", "manager"),
    ),
    dropped=("ims", "photos", "x509Certificates", "entitlements", "roles"),
    required={"name.givenName": "", "name.familyName": "", "displayName": "{username}"},
    read_back="never",
    notes=("AWS shows no members of groups: they were asked for group by group",),
)
"""AWS IAM Identity Center.

docs.aws.amazon.com/singlesignon/latest/developerguide: limitations (only `eq`, joined with `and`; no bulk; one value of
each multi-valued attribute), listusers and listgroups (pages of 100 by `cursor`; `groups.value` and `members.value` as
filters; no members in groups; no `startIndex` and no `attributes`), patchgroup (100 member changes a request, no
replacing of all members), patchuser, createuser (required names).
"""

SLACK = Dialect(
    name="slack",
    unsupported={"delete account": "Slack only deactivates members, which is what suspending does"},
    page_size=1000,
    other_form=True,
    rates=(
        RateRule(("POST",), "Users", 180, 20),
        RateRule(("PUT", "PATCH"), "Users", 180, 20),
        RateRule(("DELETE",), "Users", 180, 20),
        RateRule(("POST",), "Groups", 180, 20),
        RateRule(("PUT", "PATCH"), "Groups", 180, 80),
        RateRule(("DELETE",), "Groups", 180, 20),
        RateRule(("GET",), "", 1000, 300),
    ),
    notes=("Slack's limits are shared by all SCIM clients of the organization",),
)
"""Slack. docs.slack.dev/reference/scim-api/rate-limits; api.slack.com/changelog/2019-06-have-scim-will-paginate (pages
of at most 1,000)."""

GITHUB_EMU = Dialect(
    name="github-emu",
    accept="application/scim+json",
    user_agent="identity-reconciler",
    headers={"X-GitHub-Api-Version": "2022-11-28"},
    page_size=100,
    filters="eq",
    projection=True,
    required={"externalId": "", "displayName": "{username}", "emails": ""},
    unsupported={"delete account": "GitHub cannot undo the deletion of a managed user: suspend it, or delete it there"},
    users_first=True,
    notes=("GitHub changes the login of a suspended managed user until it is reactivated",),
)
"""GitHub Enterprise Managed Users: `https://api.github.com/scim/v2/enterprises/ENTERPRISE`.

docs.github.com/enterprise-cloud@latest: rest/enterprise-admin/scim; admin/managing-iam/…/provisioning-users-and-groups-
with-scim-using-the-rest-api (soft and hard deprovisioning; users before groups; a user agent).
"""

GITHUB_ORGANIZATION = Dialect(
    name="github-organization",
    accept="application/scim+json",
    user_agent="identity-reconciler",
    headers={"X-GitHub-Api-Version": "2022-11-28"},
    groups=False,
    page_size=100,
    filters="eq",
    patch_paths=False,
    required={"name.givenName": "", "name.familyName": "", "emails": ""},
    hides_suspended=True,
    reactivate_by_create=True,
    notes=("a suspended identity leaves the organization and is deleted; the person's own GitHub account stays",),
)
"""A GitHub organization with SAML: `https://api.github.com/scim/v2/organizations/ORG`.

docs.github.com/enterprise-cloud@latest/rest/scim/scim (`active: false` removes the user and the identity; no path
filters; no groups).
"""

ATLASSIAN = Dialect(
    name="atlassian",
    suspend="delete",
    hides_suspended=True,
    reactivate_by_create=True,
    unsupported={"delete account": "Atlassian's DELETE only deactivates, which is what suspending does"},
    filters="eq",
    notes=("Atlassian accepts only addresses of verified domains, and hides deactivated users",),
)
"""Atlassian: `https://api.atlassian.com/scim/directory/DIRECTORY`.

developer.atlassian.com/cloud/admin/user-provisioning/rest/api-group-users (DELETE deactivates, then 404; 409 for one
who exists; filters `eq` on userName and externalId).
"""

GOOGLE = Dialect(name="google", pagination="none", etag="never", filters="eq", parallel=False)
"""Google Cloud Identity: `https://cloudidentityscim.googleapis.com/v1beta1/customers/CUSTOMER/v2`.

docs.cloud.google.com/identity/docs/scim/reference/rest (no sorting, pagination, bulk or ETags).
"""

SALESFORCE = Dialect(
    name="salesforce",
    discovery_path="ServiceProviderConfigs",
    page_size=200,
    unsupported={"delete account": "Salesforce deactivates users, it never deletes them"},
    member_add="nested",
    member_remove="nested",
    notes=("Salesforce lists at most 200 entitlements",),
)
"""Salesforce: `https://DOMAIN.my.salesforce.com/services/scim/v2`, with OAuth.

help.salesforce.com: identity_scim_rest_api (the reference sheet: `/ServiceProviderConfigs`, 200 of `/Entitlements`),
identity_scim_manage_groups (members inside an object at the path `members`), deactivation examples.
"""

SNOWFLAKE = Dialect(
    name="snowflake",
    samples=("synthesis_user", "synthetic_group"),
    filters="eq",
    dropped=("phoneNumbers", "addresses", "ims", "photos", "roles", "entitlements"),
)
"""Snowflake: `https://ACCOUNT.snowflakecomputing.com/scim/v2`.

docs.snowflake.com: user-guide/scim-user-api-reference (no multi-valued attributes), scim-group-api-reference,
release-notes/bcr-bundles/2026_03/bcr-2276 (before, unfiltered lists held one synthetic object, bad filters gave none).
"""

DATABRICKS = Dialect(
    name="databricks", page_size=100, filters="eq", filter_terms=50, lookup=("userName",), etag="never", projection=True
)
"""Databricks. docs.databricks.com: reference/scim-2-1 (filters of at most 200 nodes), dev-tools/api/latest/scim (`eq`
on userName, groups on displayName; `application/scim+json`)."""

MIRO = Dialect(
    name="miro",
    unsupported={"create entitlement": "Miro's teams are created in Miro"},
    member_chunk=1000,
    member_bytes=800_000,
    errors=(ErrorAlias(400, "conflict", "not unique"),),
    rates=(
        RateRule(("PATCH",), "Groups", 10, 5, over_bytes=500),
        RateRule(("PATCH",), "Groups", 200, 100),
        RateRule(("GET",), "Groups", 10, 5),
        RateRule(("DELETE",), "Users", 40, 20),
        RateRule(("PUT", "PATCH"), "Users", 200, 100),
        RateRule(("GET", "POST"), "Users", 400, 200),
    ),
    read_back="never",
    notes=("a user whom Miro removes from a team loses the boards there to its oldest admin",),
)
"""Miro: `https://miro.com/api/v1/scim`.

developers.miro.com: docs/scim-rate-limits (per 30 s; 413 above 8,000 members or 800,000 bytes), docs/errors,
reference/patchgroup.
"""

FIGMA = Dialect(
    name="figma",
    page_size=200,
    filters="eq",
    etag="never",
    dropped=("emails",),
    notes=("Figma lists only the users that SCIM made",),
)
"""Figma: `https://www.figma.com/scim/v2/TENANT`. Seats are `value_kinds: {seat: {attribute: roles, type: seatType,
single: true, values: [View, Collab, Dev, Full]}}`.

developers.figma.com/docs/rest-api: scim-supported-schemas (`roles` with the type `seatType`; userName is the address),
scim-endpoints (`maxResults` 200, no sort, no ETags; users that SCIM provisioned).
"""

GITLAB = Dialect(
    name="gitlab",
    groups=False,
    filters="eq",
    lookup=("id",),
    etag="never",
    unsupported={"delete account": "removing the identity is what suspending does; GitLab keeps the user"},
    attributes=("userName", "emails", "name.formatted", "externalId"),
    initial=("name", "email", "external_id"),
)
"""GitLab: `https://gitlab.com/api/scim/v2/groups/PATH`. Its ids are the external ids.

docs.gitlab.com: development/internal_api (group SCIM: filter `id eq`, updatable fields), api/scim.
"""

ZOOM = Dialect(
    name="zoom",
    accept="application/scim+json",
    patch=False,
    page_size=100,
    filters="eq",
    etag="never",
    notes=("Zoom patches only `active`, so users are read, changed and put",),
)
"""Zoom: `https://api.zoom.us/scim2`, with OAuth. developers.zoom.us/docs/api/scim2 (the `Accept` header; PUT updates a
user, PATCH activates or deactivates; filters `userName eq`, `externalId eq`)."""

NOTION = Dialect(
    name="notion",
    suspend="delete",
    hides_suspended=True,
    reactivate_by_create=True,
    unsupported={"delete account": "Notion's DELETE only removes a member from the workspace, as suspending does"},
    filters="eq",
    read_back="always",
    notes=("Notion changes names and addresses only in verified domains, and lists no guests",),
)
"""Notion: `https://api.notion.com/scim/v2`. notion.com/help/provision-users-and-groups-with-scim."""

OKTA = Dialect(name="okta", lookup=("userName",), patch=False, etag="never", filters="eq", check_members=8)
"""For servers that were built for Okta: looked up by `userName eq`, then put.

developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20.
"""

ENTRA = Dialect(
    name="entra",
    op_case="title",
    boolean="title",
    member_remove="array",
    etag="never",
    filters="eq",
    other_form=True,
    check_members=8,
)
"""For servers that were built for Microsoft Entra: `Replace`, `"False"`, members removed by a list of values.

learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility.
"""

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        *(GENERIC, AWS, SLACK, GITHUB_EMU, GITHUB_ORGANIZATION, ATLASSIAN, GOOGLE, SALESFORCE, SNOWFLAKE),
        *(DATABRICKS, MIRO, FIGMA, GITLAB, ZOOM, NOTION, OKTA, ENTRA),
    )
}


def choose_dialect(value: object) -> object:
    """Return what a `Dialect` is validated from: the one of a name, or a base with some fields of its own.

    Raises:
        ValueError: there is no dialect of that name.
    """
    if isinstance(value, str):
        return _named(value)
    if not isinstance(value, Mapping):
        return value
    base: dict[str, Any] = asdict(_named(str(value.get("base", "generic"))))
    return base | {key: each for key, each in value.items() if key != "base"}


def _named(name: str) -> Dialect:
    dialect = DIALECTS.get(name)
    if dialect is None:
        raise ValueError(f"there is no dialect {name!r}; there are {', '.join(sorted(DIALECTS))}")
    return dialect
