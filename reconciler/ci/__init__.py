"""A change's way through CI: planned for its pull request, applied when it is merged, and drift told every night."""
