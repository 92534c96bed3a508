"""Where exported files go, and what stops that."""

from pathlib import Path

import pytest

from gantool_export import ExportError
from gantool_export.files import write
from gantool_trainer import recipe
from gantool_trainer.families import srgan
from tiny import TINY


def test_a_file_that_exists_is_named_with_the_option_as_its_reader_spells_it(tmp_path: Path) -> None:
    settings = recipe.load("upscale-x4-fidelity", TINY)
    generators = srgan.exports(settings.model, srgan.networks(settings.model), settings.data)
    target = tmp_path / "mine.onnx"
    target.write_text("mine")
    with pytest.raises(ExportError, match="exists already") as caught:
        write({target: generators[""]})
    assert caught.value.option == "overwrite" and "add --overwrite to replace it" in caught.value.said("--overwrite")
    assert target.read_text() == "mine"
