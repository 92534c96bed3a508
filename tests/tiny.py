"""Every family made small: overrides that change nothing else, data to train on, and a run through the CLI."""

from pathlib import Path

from gantool_trainer import recipe

COMMON = ("data.holdout=1", "data.workers=0", "train.steps=2")
TINY = (
    *COMMON,
    "model.channels=8",
    "model.blocks=2",
    "model.discriminator_channels=4",
    "model.features=discriminator",
    "data.crop=32",
    "train.batch=2",
)
"""For super-resolution, the family that most tests use."""


TRANSLATION = (
    *COMMON,
    "model.channels=4",
    "model.discriminator_channels=4",
    "data.crop=64",
    "data.side=[64, 72]",
)


SQUARE = (*COMMON, "train.batch=4", "data.side=16", "optimisers.generator.lr=0.1")
"""For what makes pictures from noise: with a rate at which two steps make more than flat gray."""
CONVOLUTIONAL = (*SQUARE, "model.channels=4", "model.discriminator_channels=4")


SMALL = {
    "srgan": TINY,
    "cyclegan": (*TRANSLATION, "model.blocks=1", "model.discriminator_strides=2", "data.balance="),
    "discogan": (*TRANSLATION, "train.batch=2", "model.code=4", "model.interval=2"),
    "pix2pix": (*TRANSLATION, 'data.names=["A", "B"]', "model.levels=4", "train.batch=1"),
    "pan": (*TRANSLATION, "model.levels=4", "train.batch=1"),
    "gan": (*SQUARE, "model.hidden=[8]", "model.discriminator_hidden=[8]"),
    "dcgan": (*CONVOLUTIONAL, "model.hidden=8", "model.discriminator_hidden=8", "data.side=32"),
    "cgan": (*CONVOLUTIONAL, "model.hidden=[8]", "model.discriminator_hidden=[8]"),
    "infogan": (*CONVOLUTIONAL, "model.hidden=8", "model.discriminator_hidden=8", "data.gray=true"),
    "anime": (*CONVOLUTIONAL, "model.blocks=1", "data.side=32", 'data.columns=["hair", "eyes"]'),
    "stackgan": (
        *(*CONVOLUTIONAL, "model.second_channels=4", "model.second_blocks=1", "model.second_from=1"),
        *("model.first_side=16", "data.side=32", 'data.columns=["caption"]', "model.condition=4"),
        *("optimisers.second_generator.lr=0.1",),
    ),
    "stargan": (*TRANSLATION, "data.column=", "model.blocks=1", "model.discriminator_steps=1", "train.batch=2"),
    "inpaint": (*TRANSLATION, "model.adversarial_from=1", "train.batch=2"),
    "pose": (
        *(*COMMON, "data.side=32", "model.channels=4", "model.second_channels=4", "model.discriminator_channels=4"),
        *("model.second_from=1", "train.batch=2"),
    ),
    "style": (
        *(*COMMON, "data.crop=32", "data.side=[32, 40]", "model.channels=4", "model.blocks=1", "train.batch=2"),
        *("model.feature_channels=4", "model.style_from=1", "model.style_side=32"),
        f"model.style={Path(__file__).parent / 'pictures' / 'flowers.jpg'}",
    ),
}
"""What makes each family small."""


def lay_out(name: str, pictures: Path, folder: Path) -> Path:
    """A data folder of the kind that the recipe takes, made of eight photographs."""
    settings = recipe.load(name)
    family = settings.family
    photographs = sorted(path for path in pictures.iterdir() if path.suffix == ".jpg")
    if family in ("srgan", "gan", "dcgan", "infogan", "inpaint", "style") or getattr(settings.data, "corruption", ""):
        return pictures
    if family in ("anime", "stackgan"):
        return described(photographs, folder)
    if family == "pose":
        return posed(photographs, folder)
    if family in ("pix2pix", "pan"):
        places = [(path, (folder / name / path.name)) for path in photographs for name in ("A", "B")]
    else:
        names = ("land", "sea") if family in ("stargan", "cgan") else ("trainA", "trainB")
        places = [(path, folder / names[number % 2] / path.name) for number, path in enumerate(photographs)]
    for path, target in places:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    return folder


def described(photographs: list[Path], folder: Path) -> Path:
    """A folder with a CSV of tags and captions."""
    folder.mkdir(parents=True)
    lines = ["file,hair,eyes,caption"]
    for number, path in enumerate(photographs):
        (folder / path.name).symlink_to(path)
        lines.append(f"{path.name},{('red', 'blue')[number % 2]},{('blue', 'green')[number % 3 % 2]},a {path.stem}")
    (folder / "pictures.csv").write_text("\n".join(lines) + "\n")
    return folder


def posed(photographs: list[Path], folder: Path) -> Path:
    """Four people, each in two poses."""
    folder.mkdir(parents=True)
    lines = ["file,character,pose"]
    for number, path in enumerate(photographs):
        (folder / path.name).symlink_to(path)
        lines.append(f"{path.name},who{number // 2},{('stand', 'sit')[number % 2]}")
    (folder / "pictures.csv").write_text("\n".join(lines) + "\n")
    points = "pose,head_x,head_y,foot_x,foot_y\nstand,60,20,60,100\nsit,50,60,-1,-1\n"
    (folder / "keypoints.csv").write_text(points)
    return folder
