"""What only one person administers, so that somebody sees it before that person is gone. Pure."""

from providers.github.harvest import Harvest, Team

_MOST = 20


def administered_alone(harvest: Harvest, person: int) -> list[str]:
    """Return repositories of which somebody is the only administrator, and teams of which the only maintainer.

    Owners of the organization administer everything, and do not count; a team that administers a repository does.

    Args:
        harvest: what was read.
        person: GitHub's number of the person.
    """
    by_teams = {
        repository
        for team in harvest.teams.values()
        for repository, level in team.repositories.items()
        if level == "admin" and set(team.members) - {person}
    }
    found = []
    for number, repository in sorted(harvest.repositories.items(), key=lambda pair: pair[1].name):
        admins = {one for one, level in repository.direct.items() if level == "admin"}
        if admins == {person} and number not in by_teams:
            found.append(f"repo:{repository.name}")
    teams = sorted(harvest.teams.values(), key=lambda team: team.slug)
    found += [f"team:{team.slug}" for team in teams if _maintainers(team) == {person}]
    more = len(found) - _MOST
    return [*found[:_MOST], f"{more} more"] if more > 0 else found


def _maintainers(team: Team) -> set[int]:
    return {one for one, role in team.members.items() if role == "maintainer"}
