"""What whoever runs a server decides."""

from dataclasses import dataclass

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that only this machine reaches."""


@dataclass(frozen=True)
class Settings:
    """Everything is bounded: what comes in, what is computed, and what is kept."""

    device: str = "auto"
    threads: int = 0
    """CPU threads of each worker; 0 takes all cores."""
    workers: int = 1
    """Jobs that run at once."""
    models: tuple[str, ...] | None = None
    """Names of those that may be run; None allows every one that has a name when the server starts."""
    token: str | None = None
    """What each call has to bring, in the header ``Authorization: Bearer TOKEN``."""
    hosts: frozenset[str] = LOOPBACK
    """Names that the server answers to."""
    queue: int = 32
    """Jobs that may wait."""
    body: int = 32 * 2**20
    """Bytes of a request."""
    pixels: int = 40_000_000
    """Of a picture that is sent, all frames together."""
    result_pixels: int = 400_000_000
    """Of a result, alike."""
    seconds: float = 600
    """For which a job may run."""
    keep: float = 600
    """Seconds after which a result is dropped."""
    kept: int = 512 * 2**20
    """Bytes of results, of which the oldest are dropped for new ones."""
    closing: float = 20
    """Seconds for which a job may go on when the server ends."""
    patience: float = 30
    """Seconds for which nothing may come of a request that is not whole yet."""
