"""The model at a moment becomes what is declared, each item with its reasons."""
