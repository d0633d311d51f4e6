"""An app's accounts and grants as a CSV or JSON file."""
