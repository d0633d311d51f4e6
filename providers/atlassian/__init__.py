"""Atlassian Cloud: an organization's directory, its groups, and the project roles of a Jira site."""
