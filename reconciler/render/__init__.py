"""A plan for its readers: terminal, Markdown, JSON."""
