"""What is live becomes YAML: people, accounts and grants as a person would have written them. Pure."""
