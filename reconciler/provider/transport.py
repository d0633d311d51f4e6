"""The HTTP transport that every provider shares. (Signatures first; the helper who owns this folder writes the bodies.)

`Transport(base_url, headers, auth, limits, read_only, redact, name)` is one app's connection: a few httpx clients that
share an SSL context, bounded concurrency, a rate gate driven by quota headers, retries with jitter, timeouts, redacted
logs, request ids, a count of requests.
"""
