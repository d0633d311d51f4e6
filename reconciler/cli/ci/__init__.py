"""The commands that the actions call, one file each."""
