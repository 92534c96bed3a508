TINY = (
    "model.channels=8",
    "model.blocks=2",
    "model.discriminator_channels=4",
    "model.features=discriminator",
    "data.crop=32",
    "data.holdout=1",
    "data.workers=0",
    "train.batch=2",
    "train.steps=2",
    "train.precision=32-true",
)
"""Overrides that make a recipe small enough to test, and change nothing else."""
