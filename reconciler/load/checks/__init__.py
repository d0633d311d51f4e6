"""What only the whole company shows to be wrong: names that nobody has, cycles, dates that have passed."""
