"""GitLab: users of an instance or people of a top-level group, and who is what in its groups and projects."""
