"""YAML files become the model, each value with its file:line:column; every problem is found in one run."""
