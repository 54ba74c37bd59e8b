"""Takes memory until there is no more, within the real one's limits."""

from fullhouse.media import pictures

pictures._limit()
taken = []
while True:
    taken.append(bytearray(64 * 1_024 * 1_024))
