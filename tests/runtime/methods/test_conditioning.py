"""What goes into a generator: the same for the same seed, and what was wished for in its place."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gantool
from cards import card
from gantool import Conditions, ModelCard, ModelError, Port
from gantool.graph import check_graph
from gantool.methods import conditioning
from gantool.methods.conditioning import draw_inputs
from gantool.tasks import generate

SHAPE = ("batch", 3, 8, 8)
CARD = card(
    "generate",
    inputs=(
        Port("latent", "latent", ("batch", 6)),
        Port("even", "latent", ("batch", 4), range=(-1.0, 1.0), noise="uniform"),
        Port("hair", "label", ("batch", 3), labels=("red", "blue", "gray")),
        Port("eyes", "label", ("batch", 2), labels=("blue", "green")),
        Port("codes", "code", ("batch", 2), range=(-1.0, 1.0), labels=("c1", "c2")),
        Port("text", "text", ("batch", 4), labels=("", "a", "rose"), dtype="int64"),
    ),
    outputs=(Port("result", "image", SHAPE), Port("first", "image", SHAPE)),
    name="all",
)
PLAIN = replace(CARD, inputs=CARD.inputs[:1], outputs=CARD.outputs[:1])
ROSE = Conditions(text="a rose")
EXPECTED = [-0.0916797, 0.3861492, -1.7073278, -0.5526778, -0.6542911]


def test_noise_is_the_same_on_every_machine() -> None:
    # Written down once; numpy keeps this stream for ever.
    drawn = draw_inputs(CARD, 1, 2, ROSE)
    assert drawn["latent"][0, :3].tolist() == pytest.approx(EXPECTED[:3], abs=1e-7)
    assert drawn["even"][0, :2].tolist() == pytest.approx(EXPECTED[3:], abs=1e-7)
    assert drawn["latent"].dtype == np.float32 and drawn["text"].dtype == np.int64


def test_seeds_numbers_and_inputs_are_drawn_apart() -> None:
    drawn = [draw_inputs(CARD, seed, number, ROSE)["latent"] for seed, number in ((1, 0), (1, 1), (0, 1), (1, 0))]
    assert np.array_equal(drawn[0], drawn[3])
    assert all(not np.array_equal(drawn[i], drawn[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def test_a_wish_changes_nothing_else() -> None:
    free, wished = (
        draw_inputs(CARD, 3, 0, ROSE),
        draw_inputs(CARD, 3, 0, replace(ROSE, label="gray", codes={"c2": -2.0})),
    )
    assert wished["hair"].tolist() == [[0, 0, 1]] and wished["codes"][0, 1] == -2
    assert wished["codes"][0, 0] == free["codes"][0, 0]
    assert all(np.array_equal(free[name], wished[name]) for name in ("latent", "even", "eyes", "text"))
    assert free["hair"].sum() == 1 and np.abs(free["codes"]).max() <= 1


def test_labels_left_open_are_drawn() -> None:
    assert {int(draw_inputs(CARD, 0, number, ROSE)["hair"].argmax()) for number in range(30)} == {0, 1, 2}


def test_tags_name_their_group_where_they_must() -> None:
    drawn = draw_inputs(CARD, 0, 0, replace(ROSE, label="Blue Hair, blue eyes"))
    assert drawn["hair"].tolist() == [[0, 1, 0]] and drawn["eyes"].tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("asked", "wishes", "message"),
    [
        (CARD, replace(ROSE, label="blue"), "cannot tell what is meant by 'blue'; it knows: red hair, blue hair"),
        (CARD, replace(ROSE, label="bald"), "does not know 'bald'"),
        (CARD, replace(ROSE, label="red, gray"), "two kinds of hair"),
        (PLAIN, Conditions(label="red"), "no classes or tags; it takes: a seed alone"),
        (CARD, replace(ROSE, codes={"c3": 0.0}), "no code 'c3'; it has: c1, c2"),
        (CARD, replace(ROSE, codes={"c1": float("nan")}), "the code c1 is nan"),
        (CARD, Conditions(), "say with text= .* a, rose"),
        (CARD, Conditions(text=" "), "say with text="),
        (CARD, Conditions(text="xyzzy"), "knows no word of 'xyzzy'"),
        (PLAIN, Conditions(text="a rose"), "does not read texts"),
        (CARD, replace(ROSE, truncate=0.0), "above 0"),
        (CARD, replace(ROSE, stage=3), "2 stages, no stage 3"),
        (PLAIN, Conditions(stage=1), "in one stage; leave out stage="),
    ],
)
def test_what_a_model_does_not_know(asked: ModelCard, wishes: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        draw_inputs(asked, 0, 0, wishes)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range(seed: int) -> None:
    with pytest.raises(ModelError, match="seed is a whole number"):
        draw_inputs(PLAIN, seed, 0, Conditions())


def test_truncated_noise_stays_within() -> None:
    limits = {limit: draw_inputs(CARD, 5, 0, replace(ROSE, truncate=limit)) for limit in (0.001, 0.5, 100.0)}
    for limit, drawn in limits.items():
        assert np.abs(drawn["latent"]).max() <= limit and np.abs(drawn["even"]).max() <= min(limit, 1)
        assert drawn["latent"].std() > 0
    assert np.array_equal(limits[100.0]["latent"], draw_inputs(CARD, 5, 0, ROSE)["latent"])


def test_words_that_are_passed_over_are_named() -> None:
    assert list(conditioning.notices(CARD, "a blue rose")) == ["passed over what it does not know: blue"]
    assert list(conditioning.notices(CARD, "a a rose rose a")) == ["passed over what is too much for it: a"]
    assert not [*conditioning.notices(CARD, None), *conditioning.notices(PLAIN, "a rose")]


def test_a_label_is_told_with_its_kind_where_there_are_several() -> None:
    assert conditioning.of_label(CARD, "blue", "Hair") == Conditions("blue Hair")
    assert (
        conditioning.of_label(CARD, "blue", "colour") == conditioning.of_label(CARD, "blue", "") == Conditions("blue")
    )


def test_labels_are_meant_by_their_very_letters_first() -> None:
    ports = (Port("letter", "label", ("batch", 3), labels=("A", "a", "a, b")),)
    letters = replace(PLAIN, inputs=(*PLAIN.inputs, *ports))
    for place, wish in enumerate(("A", "a", "a, b")):
        assert draw_inputs(letters, 0, 0, Conditions(label=wish))["letter"].argmax() == place


def test_the_last_stage_comes_first() -> None:
    assert [generate.output(CARD, stage).name for stage in (None, 1, 2)] == ["result", "first", "result"]


def test_a_walk_keeps_to_the_sphere() -> None:
    first, *between, last = conditioning.walk(CARD, (1, 2), 5, ROSE)
    ends = [draw_inputs(CARD, seed, 0, ROSE) for seed in (1, 2)]
    assert np.allclose(first["latent"], ends[0]["latent"]) and np.allclose(last["latent"], ends[1]["latent"], atol=1e-6)
    one, other = ({**ends[0], "latent": np.eye(1, 6, k, np.float32) * 3} for k in range(2))
    assert np.allclose(conditioning.between(CARD, one, other, 1 / 3)["latent"][0, :2], [3 * 3**0.5 / 2, 1.5])
    halves = (ends[0]["even"] + ends[1]["even"]) / 2
    assert np.allclose(between[1]["even"], halves, atol=1e-6)
    assert all(np.array_equal(x["hair"], first["hair"]) for x in between)


def test_a_walk_from_a_seed_to_itself_stands_still() -> None:
    assert all(
        np.allclose(x["latent"], draw_inputs(PLAIN, 1, 0, Conditions())["latent"])
        for x in conditioning.walk(PLAIN, (1, 1), 3, Conditions())
    )


@pytest.fixture(scope="module")
def model(small_files: Callable[[str], Path]) -> gantool.Model:
    return gantool.load(small_files("cgan"), device="cpu", threads=1)


def test_the_same_seed_gives_the_same_pictures_however_many(model: gantool.Model) -> None:
    one, many = model.generate(1, seed=7), model.generate(5, seed=7)
    assert one[0].tobytes() == many[0].tobytes()
    assert len({picture.tobytes() for picture in many}) == 5
    assert model.generate(2, seed=8)[0].tobytes() != one[0].tobytes()
    assert model.generate(1, seed=7, label="sea")[0].size == (16, 16)


@pytest.mark.parametrize("n", [0, -1, 10**7, "x", 1.5])
def test_counts_that_make_no_sense(model: gantool.Model, n: Any) -> None:
    with pytest.raises(ModelError, match="between 1 and 2,604,166"):
        model.generate(n)


def test_models_of_noise_and_of_pictures_are_told_apart(
    model: gantool.Model, tiny_model: gantool.Model, photo: Any
) -> None:
    with pytest.raises(ModelError, match="takes no picture; use it with `gantool generate`"):
        model(photo)
    with pytest.raises(ModelError, match="makes no pictures of noise; use it with `gantool upscale`"):
        tiny_model.generate()


def test_a_graph_that_is_not_of_fixed_size_is_refused(model: gantool.Model) -> None:
    (result,) = model.card.outputs
    for wrong in (replace(result, shape=("batch", 1, "height", 28)), replace(result, channels="RGB")):
        with pytest.raises(ModelError, match="fixed size"):
            generate.accepts(replace(model.card, outputs=(wrong,)))


def test_a_card_that_says_another_size_is_refused(model: gantool.Model) -> None:
    latent, label = model.card.inputs
    huge = replace(model.card, inputs=(replace(latent, shape=("batch", 10**12)), label))
    with pytest.raises(ModelError, match="does not describe the sizes"):
        check_graph(huge, model._session)
    with pytest.raises(ModelError, match="not a name for each place"):
        replace(model.card, inputs=(latent, replace(label, labels=("one",)))).to_json()


def test_what_is_no_wish_is_an_error(model: gantool.Model) -> None:
    with pytest.raises(TypeError, match="lable"):
        model.generate(1, lable="sea")  # type: ignore[call-arg]
    with pytest.raises(ModelError, match="does not know '8'"):
        model.generate(1, label=8)
