"""YAML files into the model, each value with its file, line and column."""
