"""Words of a text and their numbers: the same ones in training and at run time."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

END = ""
"""Word number 0, which follows the last one."""


def words(text: str) -> list[str]:
    """Lower-case words of letters and digits, in order; whatever stands between them is passed over."""
    return re.findall(r"[^\W_]+", text.lower())


def tokens(vocabulary: Sequence[str], text: str, length: int) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Numbers of the words that the vocabulary has, (length,), and the words passed over: unknown, or beyond it."""
    places = {word: number for number, word in enumerate(vocabulary) if word != END}
    known = [word for word in words(text) if word in places]
    numbers = np.zeros(length, np.int64)
    kept = known[:length]
    numbers[: len(kept)] = [places[word] for word in kept]
    return numbers, [*dict.fromkeys(word for word in words(text) if word not in places), *known[length:]]
