"""spandrel where it is installed, also without torchvision, which fits one torch alone and of which it needs little."""

import importlib
import sys
from typing import Any
from unittest.mock import MagicMock, patch

import pytest

_ASKED_FOR = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")


def imported() -> Any:
    """The package. Skips the test where it is not there."""
    if "spandrel" not in sys.modules:
        try:
            importlib.import_module("torchvision")
        except Exception:  # missing, or made for another torch
            with patch.dict(sys.modules, {name: MagicMock() for name in _ASKED_FOR}):
                kept = _spandrel()
            sys.modules.update(kept)
    return pytest.importorskip("spandrel", exc_type=ImportError)


def _spandrel() -> dict[str, Any]:
    pytest.importorskip("spandrel", exc_type=ImportError)
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "spandrel"}
