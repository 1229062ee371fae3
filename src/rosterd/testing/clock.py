"""A clock that stands still until it is moved."""


class FakeClock:
    """Call it for the time, in milliseconds since the epoch."""

    def __init__(self, now: int = 1_795_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        """The time."""
        return self.now

    def advance(self, *, ms: int = 0, seconds: int = 0) -> int:
        """Move it forward; the new time."""
        self.now += ms + 1000 * seconds
        return self.now
