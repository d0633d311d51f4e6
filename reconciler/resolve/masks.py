"""Sets of identities as bit masks: identity `n` is in a set if bit `n` of one int is 1.

Thousands of groups over ten thousand people are 1.25 KB each, and a union is one operation.
"""

from collections.abc import Iterable
from itertools import compress

_BITS = bytes.maketrans(b"01", b"\x00\x01")
_FEW = 8


def mask_of(numbers: Iterable[int], size: int) -> int:
    """Return the mask of some numbers below `size`."""
    buffer = bytearray(size // 8 + 1)
    for number in numbers:
        buffer[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(buffer, "little")


def numbers_of(mask: int) -> tuple[int, ...]:
    """Return the numbers in a mask, ascending."""
    if mask.bit_count() <= _FEW:
        return _few(mask)
    bits = bin(mask)[:1:-1].encode().translate(_BITS)
    return tuple(compress(range(len(bits)), bits))


def _few(mask: int) -> tuple[int, ...]:
    numbers: list[int] = []
    while mask:
        lowest = mask & -mask
        numbers.append(lowest.bit_length() - 1)
        mask ^= lowest
    return tuple(numbers)
