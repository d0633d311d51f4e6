"""What a plugin is written against: contract, snapshot, change, HTTP transport, conformance tests."""
