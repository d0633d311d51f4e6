"""What an entry of the audit trail can tell."""

from enum import StrEnum


class Kind(StrEnum):
    """What happened; the value is what entries, tables and exports call it."""

    STARTED = "run started"
    REFUSED = "guard refused"
    LIFTED = "guard lifted"
    ADOPTED = "items adopted"
    FORGOTTEN = "items forgotten"
    SETTLED = "interruption settled"
    ASKED = "change asked"
    ANSWERED = "change answered"
    TICKET = "ticket opened"
    NOT_ATTEMPTED = "change not attempted"
    READ_BACK = "change read back"
    CANCELLED = "ticket cancelled"
    ENDED = "run ended"
    BY_HAND = "state changed by hand"
    ACCEPTED = "trail accepted"
    SNAPSHOT = "snapshot kept"
