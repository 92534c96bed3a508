import numpy as np
import pytest

from gantool_trainer import metrics


def test_psnr_of_a_known_error() -> None:
    a = np.zeros((8, 8))
    assert metrics.psnr(a, a + 255 / 10) == pytest.approx(20)
    assert metrics.psnr(a, a) == 100


def test_luma_of_black_white_and_green() -> None:
    picture = np.array([[[0, 0, 0], [255, 255, 255], [0, 255, 0]]], np.uint8)
    assert metrics.luma(picture)[0] == pytest.approx([16, 235, 16 + 128.553], abs=1e-2)


def test_ssim_is_one_for_equals_and_symmetric() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 255, (2, 24, 24))
    assert metrics.ssim(a, a) == pytest.approx(1)
    assert metrics.ssim(a, b) == pytest.approx(metrics.ssim(b, a))
    assert metrics.ssim(a, b) < 0.5


def test_ssim_of_constants_has_its_closed_form() -> None:
    a, b, c1 = 100.0, 150.0, (0.01 * 255) ** 2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert metrics.ssim(np.full((16, 16), a), np.full((16, 16), b)) == pytest.approx(expected)


def test_border_does_not_count() -> None:
    truth = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    spoiled = truth.copy()
    spoiled[:4] = spoiled[-4:] = 0
    assert metrics.super_resolution(spoiled, truth, 4)[0] == 100
    assert metrics.super_resolution(spoiled, truth, 2)[0] < 40


def test_the_same_scene_is_told_by_its_edges() -> None:
    scene = np.zeros((64, 64, 3), np.uint8)
    scene[16:40, 20:50] = 200
    night, other = 60 - scene // 5, np.roll(scene, 24, axis=0)
    assert metrics.same_scene(scene, night) > 0.99 and metrics.same_scene(scene, other) < 0.5
    assert metrics.same_scene(scene, np.full_like(scene, 7)) == 0
