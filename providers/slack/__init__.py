"""Slack: the people of a workspace, its user groups, its channels, and who is in them."""
