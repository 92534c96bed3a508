from gantool_trainer.recipe import TrainConfig
from gantool_trainer.step import rate


def test_schedules() -> None:
    cosine = TrainConfig(steps=100, schedule="cosine", warmup=10)
    assert rate(cosine, 0) < 0.2 and rate(cosine, 10) > 0.95 and rate(cosine, 99) < 0.02
    linear = TrainConfig(steps=100, schedule="linear")
    assert [rate(linear, step) for step in (0, 50, 75, 100)] == [1, 1, 0.5, 0]
