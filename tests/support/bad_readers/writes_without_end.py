"""Answers and never stops, within the real one's limits."""

import sys

from fullhouse.media import pictures

pictures._limit()
while True:
    sys.stdout.buffer.write(bytes(1_024 * 1_024))
