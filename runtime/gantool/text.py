"""Words of a text and their numbers: the same ones in training and at run time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

END = ""
"""Word number 0, which follows the last one."""


@dataclass(frozen=True)
class Read:
    """What is made of a text."""

    tokens: npt.NDArray[np.int64]
    """(length,): numbers of the words that are known."""
    unknown: tuple[str, ...]
    surplus: tuple[str, ...]
    """Known words for which there is no more room."""


def words(text: str) -> list[str]:
    """Lower-case words of letters and digits, in order; whatever stands between them is passed over."""
    return re.findall(r"[^\W_]+", text.lower())


def read(vocabulary: Sequence[str], text: str, length: int) -> Read:
    """The first ``length`` words of a text that the vocabulary has, by their places in it."""
    places = {word: number for number, word in enumerate(vocabulary) if word != END}
    known = [word for word in words(text) if word in places]
    tokens = np.zeros(length, np.int64)
    kept = known[:length]
    tokens[: len(kept)] = [places[word] for word in kept]
    unknown = dict.fromkeys(word for word in words(text) if word not in places)
    return Read(tokens, tuple(unknown), tuple(known[length:]))
