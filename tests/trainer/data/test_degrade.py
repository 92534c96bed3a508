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
