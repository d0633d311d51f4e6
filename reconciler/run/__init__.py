"""One run: providers are opened and read, and the pure parts are called in order."""
