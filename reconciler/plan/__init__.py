"""Declared, applied and live become ordered changes, under guards, with a digest."""
