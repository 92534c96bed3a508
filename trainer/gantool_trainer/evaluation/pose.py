"""People in other poses, beside the true pictures."""

from pathlib import Path

import numpy as np

import gantool
from gantool import poses
from gantool.arrays import Pixels
from gantool_trainer.data import posed
from gantool_trainer.data.pictures import read_picture
from gantool_trainer.evaluation.measure import Figures, Measure, each
from gantool_trainer.metrics import luma_ssim, mean_of, psnr
from gantool_trainer.seeds import rng

_PAIRS = 960


def in_poses(model: gantool.Model, sets: Path) -> Figures:
    """SSIM (Y) and PSNR (RGB) of the held-out people in each other pose, beside the picture that was given."""
    people = posed.index(sets / "lpc_pose", posed.PosedConfig(holdout=1000), 0).holdout
    pairs = [(a, b) for person in people for a in person for b in person if a is not b]
    pairs = [pairs[i] for i in rng(0).permutation(len(pairs))[:_PAIRS]]
    read = {item.path: read_picture(item.path) for person in people for item in person}
    sources, targets = [read[a.path] for a, _ in pairs], [read[b.path] for _, b in pairs]
    joints = model.card.taking("pose")[0].labels
    made = []
    for (_, b), source, target in zip(pairs, sources, targets, strict=True):
        size = float(target.shape[1]), float(target.shape[0])
        made.append(model(source, pose=poses.Pose(size, dict(zip(joints, b.points, strict=True)))))
    return {
        "SSIM": mean_of(luma_ssim, made, targets),
        "copied SSIM": mean_of(luma_ssim, sources, targets),
        "PSNR": mean_of(psnr, made, targets),
        "copied PSNR": mean_of(_psnr_of_copies, sources, targets),
    }


def _psnr_of_copies(source: Pixels, target: Pixels) -> float:
    return 60.0 if np.array_equal(source, target) else psnr(source, target)


MEASURES = {
    "pose-people": Measure(
        ("pose-people",),
        "SSIM (Y) and PSNR (RGB) beside the true picture, and of the picture given; 960 random pairs of 20 people not "
        "trained on",
        each(in_poses),
    ),
}
