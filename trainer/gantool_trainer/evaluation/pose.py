"""People in other poses, beside the true pictures."""

from pathlib import Path

import numpy as np

from gantool import poses
from gantool_trainer import metrics
from gantool_trainer.data.pictures import read_picture
from gantool_trainer.data.posed import PosedConfig
from gantool_trainer.data.posed import index as index_people
from gantool_trainer.evaluation.measure import Figures, Measure, Models, psnr
from gantool_trainer.seeds import rng

_PAIRS = 960


def posed(models: Models, sets: Path) -> list[Figures]:
    """SSIM (Y) and PSNR (RGB) of the held-out people in each other pose, beside the picture that was given."""
    people = index_people(sets / "lpc_pose", PosedConfig(holdout=1000), 0).holdout
    pairs = [(a, b) for person in people for a in person for b in person if a is not b]
    pairs = [pairs[i] for i in rng(0).permutation(len(pairs))[:_PAIRS]]
    results: list[Figures] = []
    read = {item.path: read_picture(item.path) for person in people for item in person}
    for model in models:
        joints = model.card.taking("pose")[0].labels
        scores = []
        for a, b in pairs:
            source, target = read[a.path], read[b.path]
            size = float(target.shape[1]), float(target.shape[0])
            made = model(source, pose=poses.Pose(size, dict(zip(joints, b.points, strict=True))))
            truth = metrics.luma(target)
            scores.append(
                [
                    metrics.ssim(metrics.luma(made), truth),
                    metrics.ssim(metrics.luma(source), truth),
                    psnr(made, target),
                    psnr(source, target) if not np.array_equal(source, target) else 60.0,
                ]
            )
        names = ("SSIM", "copied SSIM", "PSNR", "copied PSNR")
        results.append(dict(zip(names, np.mean(scores, axis=0).tolist(), strict=True)))
    return results


MEASURES = {
    "pose-people": Measure(
        ("pose-people",),
        "SSIM (Y) and PSNR (RGB) beside the true picture, and of the picture given; 960 random pairs of 20 people not "
        "trained on",
        posed,
    ),
}
