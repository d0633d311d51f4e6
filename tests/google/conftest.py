"""The vendor's descriptions, and the token that the imitation takes."""

import pytest
from google_fake import TOKEN
from servers import google_documents


@pytest.fixture(autouse=True, scope="session")
def _descriptions() -> None:
    """Have the vendor's descriptions, or say what is missing."""
    reason = google_documents.install()
    if reason:
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_TOKEN", TOKEN)
