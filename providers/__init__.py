"""The plugins that come with the reconciler, each behind the entry-point group reconciler.providers."""
