"""YAML files are changed as a person would: comments, order and quoting are kept, and only what is meant changes."""
