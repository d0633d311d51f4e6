"""What is remembered between runs: applied items, pins, tickets, journal."""
