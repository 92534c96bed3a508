"""Which models a verb can be done with."""

import pytest

from cards import card
from gantool import ModelCard, ModelError, Port, tasks
from gantool.tasks import upscale

SHAPE = ("batch", 3, "height", "width")
SMALL = ("batch", 3, 8, 8)
IMAGE, RESULT = Port("image", "image", SHAPE), Port("result", "image", SHAPE)
LABEL = Port("to", "label", ("batch", 2), labels=("day", "night"))
MASK = Port("mask", "mask", ("batch", 1, "height", "width"))
STRENGTH = Port("grain", "strength", ("batch", 1), default=0.7)
LATENT = Port("z", "latent", ("batch", 8))
SEARCHED = (RESULT, Port("gradient", "gradient", (1, 8)), Port("loss", "loss", (1, 1)))
POSED = (Port("image", "image", SMALL), Port("pose", "pose", ("batch", 1, 8, 8), labels=("head",)))
DRAWN = (Port("result", "image", SMALL),)


@pytest.mark.parametrize(
    "usable",
    [
        card("upscale", [IMAGE], [RESULT]),
        card("upscale", [IMAGE, STRENGTH], [RESULT]),
        card("translate", [IMAGE, LABEL], [RESULT]),
        card("inpaint", [IMAGE, MASK], [RESULT]),
        card("inpaint", [IMAGE, MASK, LATENT], SEARCHED, program="latent-search"),
        card("pose", POSED, DRAWN, training_size=8),
        card("generate", [LATENT, LABEL], DRAWN),
    ],
)
def test_models_with_which_a_verb_can_be_done(usable: ModelCard) -> None:
    assert tasks.of(usable).name == usable.task


@pytest.mark.parametrize(
    ("useless", "says"),
    [
        (card("fly", [IMAGE], [RESULT]), "test is a model to fly, which this gantool cannot do; upgrade it"),
        (card("inpaint", [IMAGE, LABEL], [RESULT]), "a model to inpaint cannot take image, label and give image"),
        (card("inpaint", [IMAGE, MASK], [RESULT], program="latent-search"), "a model to inpaint cannot take"),
        (card("inpaint", [IMAGE, MASK, LATENT], SEARCHED), "a model to inpaint cannot take"),
        (card("upscale", [IMAGE, LABEL], [RESULT]), "a model to upscale cannot take image, label"),
        (card("generate", [IMAGE], [RESULT]), "does not make pictures"),
        (card("pose", [IMAGE], [RESULT]), "a model to pose"),
        (card("pose", POSED, DRAWN, training_size=9), "picture and pose of test are not both of its training size"),
    ],
)
def test_models_with_which_it_cannot(useless: ModelCard, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        tasks.of(useless)


@pytest.mark.parametrize(("said", "given"), [(None, 0.7), (0, 0.0), (0.25, 0.25)])
def test_a_strength_is_what_is_said_or_what_the_card_says(said: float | None, given: float) -> None:
    bound = upscale.bind(card("upscale", [IMAGE, STRENGTH], [RESULT]), upscale.Options(denoise=said))
    assert {name: value.tolist() for name, value in bound.items()} == {"grain": [[pytest.approx(given)]]}


def test_a_strength_that_a_model_has_no_use_for_is_refused() -> None:
    plain = card("upscale", [IMAGE], [RESULT])
    assert upscale.bind(plain, upscale.Options()) == {}
    with pytest.raises(ModelError, match="no use for denoise; leave it out") as caught:
        upscale.bind(plain, upscale.Options(denoise=0.5))
    assert caught.value.option == "denoise"


@pytest.mark.parametrize("default", [None, 1.5])
def test_a_strength_has_a_default_from_0_to_1(default: float | None) -> None:
    wrong = card("upscale", [IMAGE, Port("grain", "strength", ("batch", 1), default=default)], [RESULT])
    with pytest.raises(ModelError, match="is no strength with a default of 0 to 1"):
        ModelCard.from_json(wrong.to_json())
