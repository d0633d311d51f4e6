"""The `github` way: one organization's people, teams and repositories, by GitHub's REST and GraphQL APIs."""
