"""What families share."""

import numpy as np
import pytest

from gantool_trainer.errors import TrainingError
from gantool_trainer.family import SizeRule


def test_a_size_rule_refuses_crops_cuts_pictures_and_joins_another() -> None:
    rule = SizeRule(4, 16).and_also(SizeRule(6, 30))
    assert rule == SizeRule(12, 30)
    rule.check(36)
    for crop in (30, 24):
        with pytest.raises(TrainingError, match=f"data.crop is {crop}; give a multiple of 12, and at least 30"):
            rule.check(crop)
    assert rule.cut(np.zeros((50, 36, 3), np.uint8)).shape == (48, 36, 3)
