import torch

from gantool_trainer.family import Update
from gantool_trainer.log import Window


def test_a_term_is_averaged_over_the_steps_that_had_it() -> None:
    window = Window()
    for step in range(4):
        window.add(Update("d", {"often": torch.tensor(2.0)}))
        if step == 3:
            window.add(Update("g", {"rarely": torch.tensor(8.0)}))
        window.steps += 1
    assert window.close()[0] == {"d/often": 2.0, "g/rarely": 8.0}
