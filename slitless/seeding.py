"""Seeds for the simulated instrument: one number for a whole night, a stream of its own for every purpose."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

__all__ = ["derive_seed", "generator"]


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 64-bit seed that depends on `seed` and on every part of `purpose`.

    Two purposes never share a stream, and the same pair gives the same seed on every machine.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in (int(seed), *purpose))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a random generator of its own for one purpose."""
    return np.random.Generator(np.random.SFC64(derive_seed(seed, *purpose)))
