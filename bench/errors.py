"""What ends a bench early."""


class BenchError(Exception):
    """The figures would mean nothing, or cannot be had; the message is one line that says why."""


class ToolMissing(BenchError):
    """A program that the bench needs is not installed; the message says how to get it."""
