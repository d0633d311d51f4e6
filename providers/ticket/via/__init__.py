"""Where tickets live: a module for each tracker, with its configuration, and how tickets are listed, opened, closed."""
