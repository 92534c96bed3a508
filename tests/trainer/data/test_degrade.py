import numpy as np
import pytest

from gantool.arrays import Pixels
from gantool_trainer.data import degrade
from gantool_trainer.data.degrade import DegradeConfig
from gantool_trainer.metrics import luma, psnr
from gantool_trainer.seeds import rng

HARSH = DegradeConfig(process="second-order", clean=0, blur=1, noise=(20, 30), jpeg=(30, 40), sinc=1)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("process", ["bicubic", "second-order"])
def test_shape_and_reproducibility(process: str, scale: int, photo: Pixels) -> None:
    config = DegradeConfig.model_validate({"process": process})
    first, again = (degrade.degrade(photo, scale, config, rng(1, 2)) for _ in range(2))
    assert first.shape == (160 // scale, 160 // scale, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)


def test_other_seed_other_damage(photo: Pixels) -> None:
    assert not np.array_equal(*(degrade.second_order(photo, 4, HARSH, rng(seed)) for seed in (1, 2)))


def test_damage_is_real_but_the_scene_stays(photo: Pixels) -> None:
    clean = luma(degrade.bicubic(photo, 2))
    scores = [psnr(luma(degrade.second_order(photo, 2, HARSH, rng(seed))), clean) for seed in range(8)]
    assert all(14 < score < 30 for score in scores)


def test_clean_share_is_plain_bicubic(photo: Pixels) -> None:
    config = DegradeConfig(process="second-order", clean=1)
    assert np.array_equal(degrade.degrade(photo, 4, config, rng(0)), degrade.bicubic(photo, 4))


def test_kernels_sum_to_one() -> None:
    for seed in range(20):
        assert degrade.gaussian_kernel(rng(seed), (0.2, 3)).sum() == pytest.approx(1, abs=1e-5)
        assert degrade.sinc_kernel(rng(seed)).sum() == pytest.approx(1, abs=1e-5)


def test_noise_has_the_strength_asked_for() -> None:
    gray = np.full((200, 200, 3), 128, np.float32)
    for seed in range(6):
        assert degrade.add_noise(gray, (10, 10), rng(seed)).std() == pytest.approx(10, rel=0.05)


def test_convolution_keeps_a_flat_picture_to_its_border() -> None:
    flat = np.full((30, 40, 3), 77, np.float32)
    assert np.allclose(degrade.convolve(flat, degrade.gaussian_kernel(rng(0), (1, 3))), 77, atol=1e-3)


def test_sharpening_steepens_edges_and_leaves_flat_parts(photo: Pixels) -> None:
    step = np.full((20, 20, 3), 80, np.uint8)
    step[:, 10:] = 160
    crisp = degrade.sharpened(step, 0.5)
    assert crisp[10, 9, 0] < 80 and crisp[10, 10, 0] > 160
    assert (crisp[:, :4] == 80).all() and (crisp[:, -4:] == 160).all()
    assert degrade.sharpened(photo, 0) is photo


PLAIN = {"process": "single", "clean": 0.0, "blur": 0.0, "noise_probability": 0.0, "jpeg_probability": 0.0}


@pytest.mark.parametrize("values", [{"clean": 1.0, "blur": 1.0, "noise_probability": 1.0, "jpeg_probability": 1.0}, {}])
def test_what_is_left_clean_is_left_alone(values: dict[str, float], photo: Pixels) -> None:
    config = DegradeConfig.model_validate(PLAIN | values)
    assert np.array_equal(degrade.degrade(photo, 1, config, rng(0)), photo)
    assert np.array_equal(degrade.degrade(photo, 2, config, rng(0)), degrade.bicubic(photo, 2))


def test_the_clean_share_is_that_share() -> None:
    flat = np.full((16, 16, 3), 128, np.uint8)
    config = DegradeConfig.model_validate(PLAIN | {"clean": 0.3, "noise_probability": 1.0, "noise": (10, 20)})
    clean = [np.array_equal(degrade.single(flat, 1, config, rng(seed)), flat) for seed in range(300)]
    assert 0.2 < np.mean(clean) < 0.4


def test_each_kind_of_damage_can_be_had_alone(photo: Pixels) -> None:
    def deviation(picture: Pixels) -> float:
        """Of what is finer than a pixel's neighbours."""
        fine = picture[1:].astype(float) - picture[:-1]
        return float(fine.std())

    results = {
        name: degrade.single(photo, 1, DegradeConfig.model_validate(PLAIN | values), rng(5))
        for name, values in {
            "noise": {"noise_probability": 1.0, "noise": (15, 15)},
            "blur": {"blur": 1.0, "blur_sigma": (1.0, 1.5)},
            "jpeg": {"jpeg_probability": 1.0, "jpeg": (20, 20)},
        }.items()
    }
    assert deviation(results["noise"]) > 1.2 * deviation(photo)
    assert deviation(results["blur"]) < 0.8 * deviation(photo)
    assert not np.array_equal(results["jpeg"], photo)
    assert np.abs(results["jpeg"].astype(int) - photo).mean() < 10


def test_noise_is_as_strong_as_was_asked_for() -> None:
    flat = np.full((100, 100, 3), 128, np.uint8)
    for strength in (5, 15):
        config = DegradeConfig.model_validate(PLAIN | {"noise_probability": 1.0, "noise": (strength, strength)})
        for seed in range(4):
            assert degrade.single(flat, 1, config, rng(seed)).std() == pytest.approx(strength, rel=0.1)


def test_damage_is_a_function_of_its_draw(photo: Pixels) -> None:
    config = DegradeConfig.model_validate({"process": "single", "clean": 0.0})
    one, same, other = (degrade.single(photo, 1, config, rng(7, seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
