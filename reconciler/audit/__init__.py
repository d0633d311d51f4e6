"""What was asked, done and seen, as a chain of entries that cannot be changed unnoticed."""
