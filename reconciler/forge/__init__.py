"""The forge that pull requests live on: its comments, issues, checks, reviews and pull requests."""
