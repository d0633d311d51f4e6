"""What the company of the campaign declares: a first state, and a second one that takes every operation to reach."""

STAYING = ("ana", "ben", "cleo", "dan", "eva", "finn", "gil", "hal")
COMING = ("ida", "jon", "kim", "lou", "mia")

POLICIES = "policies:\n  limits: {leavers: 3, removals_per_app: 12, minimum_admins: 1}\n"
APP_FILES = """\
apps:
  hub:
    owner: ana
    route:
      - scim: {{url: "{url}", token: {{env: SCIM_TOKEN}}, timeout: {timeout}}}
    accounts: {{attributes: {{displayName: "{{{{ person.name }}}}", title: "{{{{ person.title }}}}"}}}}
    entitlements: {entitlements}
  wiki:
    owner: ben
    route:
      - file:
          path: wiki/accounts.csv
          writable: true
          complete: true
          columns: {{id: id, email: email, status: status, attributes: {{name: name}}}}
          grants: {{path: wiki/grants.csv, columns: {{level: level}}}}
          entitlements: {{path: wiki/entitlements.csv}}
          levels: {{space: [read, write, admin]}}
    accounts: {{attributes: {{name: "{{{{ person.name }}}}"}}}}
    entitlements: {spaces}
  desk: {{owner: cleo}}
"""
FIRST_ROLES = """\
roles:
  everybody:
    to: {groups: [all]}
    grants: {hub: [group:all], wiki: [{space:home: read}]}
  platform:
    to: {people: [ana, ben, cleo]}
    grants: {hub: [group:platform], wiki: [{space:ops: write}], desk: [key:front]}
  moving:
    to: {people: [dan, eva]}
    grants: {hub: [group:old], wiki: [{space:ops: read}], desk: [key:back]}
"""
SECOND_ROLES = """\
roles:
  everybody:
    to: {groups: [all]}
    grants: {hub: [group:all], wiki: [{space:home: read}]}
  platform:
    to: {people: [ana, ben, dan, ida, jon]}
    grants: {hub: [group:platform, group:data], wiki: [{space:ops: write}, {space:data: admin}], desk: [key:front]}
  moving:
    to: {people: [eva, kim]}
    grants: {hub: [group:renamed], wiki: [{space:ops: write}], desk: [key:back]}
"""
FOLDERS = {
    "wiki/accounts.csv": "id,email,status,name\n",
    "wiki/grants.csv": "holder,entitlement,level\n",
    "wiki/entitlements.csv": "entitlement\n",
}


def people_yaml(*, second: bool) -> str:
    """Return the people of the first or of the second state."""
    lines = ["people:"]
    for name in (*STAYING, *COMING) if second else STAYING:
        last = ", last_day: 2020-01-31" if name in ({"gil"} if second else {"finn"}) else ""
        title = "Lead" if second and name in {"ana", "ben"} else "Engineer"
        full = f"{name.title()} Oh" if second and name == "cleo" else f"{name.title()} Acme"
        lines.append(f"  {name}: {{name: {full}, email: {name}@acme.example, title: {title}{last}}}")
    outside = "hal" if second else "nobody"
    members = ", ".join(name for name in (*STAYING, *(COMING if second else ())) if name != outside)
    return "\n".join([*lines, "groups:", f"  all: {{people: [{members}]}}", ""])


def apps_yaml(*, second: bool, url: str, timeout: float) -> str:
    """Return the apps of the first or of the second state, the SCIM one at an address that has so many seconds."""
    groups = "{group:all: {}, group:platform: {}, group:old: {}}"
    spaces = "{space:home: {}, space:ops: {}}"
    if second:
        groups = "{group:all: {}, group:platform: {}, group:renamed: {formerly: [group:old]}, group:data: {}}"
        spaces = "{space:home: {}, space:ops: {}, space:data: {}}"
    return APP_FILES.format(url=url, timeout=timeout, entitlements=groups, spaces=spaces)
