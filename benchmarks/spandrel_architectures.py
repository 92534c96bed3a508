"""Which of spandrel's architectures become models of gantool: `python benchmarks/spandrel_architectures.py [NAME ...]`.

Each is made small, with weights at random, saved as a file of weights, converted, loaded, and compared with torch and
in tiles. Needs gantool[import]; all of them take half an hour of a CPU core.
"""

import importlib
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

import gantool
from gantool.card import Tiles
from gantool.errors import GantoolError
from gantool.picture import Picture
from gantool_export.foreign import convert
from gantool_export.sources.published import published
from gantool_trainer.foreign import files

_SIDES = 192, 256
_WINDOWS = {"embed_dim": 24, "num_heads": [2, 2], "upscale": 2}
_RRDB = {"num_filters": 16, "num_blocks": 2, "scale": 4}
_DRUNET: dict[str, Any] = {"in_nc": 4, "out_nc": 3, "nc": [8, 16, 32, 64], "nb": 2}
_PLKSR = {"dim": 16, "n_blocks": 2, "upscaling_factor": 2}
_LAYERED: dict[str, Any] = {"middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]}
_ONCE = {"depths": [2, 2], "mlp_ratio": 2.0, "upsampler": "pixelshuffle"}
NETWORKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ATD": ("ATD", "ATD", _WINDOWS | _ONCE | {"num_tokens": 16}),
    "CRAFT": ("CRAFT", "CRAFT", {"embed_dim": 48, "depths": [1, 1], "num_heads": [6, 6], "upscale": 2}),
    "Compact": ("Compact", "Compact", {"num_feat": 16, "num_conv": 4, "upscale": 2}),
    "DAT": (
        "DAT",
        "DAT",
        _WINDOWS | {"embed_dim": 64, "split_size": [8, 16], "depth": [2, 2], "expansion_factor": 2.0},
    ),
    "DCTLSA": ("DCTLSA", "DCTLSA", {"nf": 20, "upscale": 2, "num_head": 5}),
    "DITN": ("DITN", "DITN", {"dim": 24, "ITL_blocks": 1, "SAL_blocks": 1, "upscale": 2}),
    "DRCT": ("DRCT", "DRCT", _WINDOWS | _ONCE | {"img_size": 32, "depths": [6], "num_heads": [2], "gc": 8}),
    "DRUNet": ("DRUNet", "DRUNet", _DRUNET),
    "DnCNN": ("DnCNN", "DnCNN", {"in_nc": 3, "out_nc": 3, "nc": 16, "nb": 8, "act_mode": "R"}),
    "ESRGAN": ("ESRGAN", "ESRGAN", _RRDB),
    "ESRGAN, folded": ("ESRGAN", "ESRGAN", _RRDB | {"in_nc": 12, "shuffle_factor": 2}),
    "ESRGAN+": ("ESRGAN", "ESRGAN", _RRDB | {"plus": True}),
    "FBCNN": ("FBCNN", "FBCNN", {"nc": [8, 16, 32, 512], "nb": 2}),
    "FDAT": ("FDAT", "FDAT", {"scale": 2, "embed_dim": 24, "num_groups": 2, "depth_per_group": 1, "num_heads": 2}),
    "FFTformer": ("FFTformer", "FFTformer", {"dim": 16, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1}),
    "GFPGAN": ("GFPGAN", "GFPGAN", {}),
    "GRL": (
        "GRL",
        "GRL",
        _ONCE
        | {"embed_dim": 24, "upscale": 2, "num_heads_window": [2, 2], "num_heads_stripe": [2, 2]}
        | {"stripe_size": [16, 16], "local_connection": True},
    ),
    "HAT": ("HAT", "HAT", _WINDOWS | _ONCE | {"img_size": 32, "window_size": 16, "squeeze_factor": 8}),
    "HVICIDNet": ("HVICIDNet", "HVICIDNet", {"channels": [12, 12, 24, 48]}),
    "IPT": ("IPT", "IPT", {"patch_size": 24, "n_feats": 16, "scale": [2], "num_layers": 1}),
    "KBNet": ("KBNet", "KBNet_s", {"width": 16, **_LAYERED}),
    "MMRealSR": (
        "MMRealSR",
        "MMRealSR",
        {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 16, "num_block": 1, "num_grow_ch": 8}
        | {"num_feats": [16, 16, 16, 16], "num_blocks": [1, 1, 1, 1]},
    ),
    "MixDehazeNet": ("MixDehazeNet", "MixDehazeNet", {}),
    "MoESR": ("MoESR", "MoESR", {"scale": 2, "dim": 16, "n_blocks": 2, "n_block": 2}),
    "MoSR": ("MoSR", "MoSR", {"upscale": 2, "n_block": 2, "dim": 16}),
    "NAFNet": ("NAFNet", "NAFNet", {"width": 8, **_LAYERED}),
    "OmniSR": ("OmniSR", "OmniSR", {"num_feat": 16, "up_scale": 2}),
    "PLKSR": ("PLKSR", "PLKSR", _PLKSR),
    "RealPLKSR": ("PLKSR", "RealPLKSR", _PLKSR),
    "RealPLKSR, DySample": ("PLKSR", "RealPLKSR", _PLKSR | {"dysample": True}),
    "RealPLKSR, layer norm": ("PLKSR", "RealPLKSR", _PLKSR | {"layer_norm": True}),
    "RCAN": ("RCAN", "RCAN", {"scale": 2, "n_resgroups": 2, "n_resblocks": 2, "n_feats": 16, "reduction": 4}),
    "RGT": ("RGT", "RGT", _WINDOWS | {"embed_dim": 64, "depth": [2, 2], "mlp_ratio": 2.0}),
    "RealCUGAN x2": ("RealCUGAN", "UpCunet2x", {}),
    "RealCUGAN x2, fast": ("RealCUGAN", "UpCunet2x_fast", {}),
    "RealCUGAN x3": ("RealCUGAN", "UpCunet3x", {}),
    "RealCUGAN x4": ("RealCUGAN", "UpCunet4x", {}),
    "RestoreFormer": ("RestoreFormer", "RestoreFormer", {}),
    "RetinexFormer": ("RetinexFormer", "RetinexFormer", {"n_feat": 8, "stage": 1}),
    "SAFMN": ("SAFMN", "SAFMN", {"dim": 16, "n_blocks": 2, "upscaling_factor": 2}),
    "SAFMNBCIE": ("SAFMNBCIE", "SAFMNBCIE", {"dim": 16, "n_blocks": 2, "num_layers": 2}),
    "SCUNet": ("SCUNet", "SCUNet", {"config": [2] * 7}),
    "SPAN": ("SPAN", "SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 16, "upscale": 2}),
    "SeemoRe": ("SeemoRe", "SeemoRe", {"scale": 2, "num_experts": 3, "num_layers": 2, "embedding_dim": 36}),
    "SwiftSRGAN": ("SwiftSRGAN", "SwiftSRGAN", {"num_channels": 16, "num_blocks": 2, "upscale_factor": 2}),
    "Swin2SR": ("Swin2SR", "Swin2SR", _WINDOWS | _ONCE | {"img_size": 32, "window_size": 8}),
    "SwinIR": ("SwinIR", "SwinIR", _WINDOWS | _ONCE | {"img_size": 32, "window_size": 8}),
    "Uformer": ("Uformer", "Uformer", {"img_size": 128, "embed_dim": 8, "depths": [1] * 9}),
}


def main() -> None:
    warnings.simplefilter("ignore")
    for name in sys.argv[1:] or NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            try:
                told = " | ".join(tried(name, Path(folder)))
            except GantoolError as error:
                told = f"no | {error}"
        print(f"| {name} | {told} | {time.monotonic() - started:.0f} s |", flush=True)


def tried(name: str, folder: Path) -> Iterator[str]:
    """How it is cut, and how far results are from torch's, in levels of 255, whole and in tiles."""
    file, target = folder / "theirs.safetensors", folder / "theirs.onnx"
    save_file({key: value.contiguous().clone() for key, value in weights(name).items()}, file)
    found = convert(file, target)
    assert found is not None
    card = found.card
    sees = f"tiles, {card.tiling.halo} px" if isinstance(card.tiling, Tiles) else "whole"
    yield f"{card.identity.architecture}, x{card.scale}, step {card.geometry.multiple}, {sees}"
    height, width = (card.geometry.minimum,) * 2 if isinstance(card.image.shape[2], int) else _SIDES
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    model = gantool.load(target, device="cpu")
    whole = model.run(Picture(pixels)).colour.astype(int)
    network = published(files.read(file)).network
    x = torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]
    with torch.no_grad():
        made: Tensor = network(x)[0].clamp(0, 1).mul(255).round()
    yield f"from torch {np.abs(made.permute(1, 2, 0).numpy().astype(int) - whole).max()}"
    tiled = model.run(Picture(pixels), tile=64).colour.astype(int) if isinstance(card.tiling, Tiles) else whole
    yield f"in tiles {np.abs(tiled - whole).max()}"


@torch.no_grad()
def weights(name: str) -> dict[str, Tensor]:
    """At random, also where a network begins with nothing."""
    architecture, kind, settings = NETWORKS[name]
    torch.manual_seed(0)
    network = getattr(importlib.import_module(f"spandrel.architectures.{architecture}"), kind)(**settings)
    for parameter in network.parameters():
        if parameter.numel() > 1 and (parameter == parameter.flatten()[0]).all():
            parameter.add_(0.05 * torch.randn_like(parameter))
    state: dict[str, Tensor] = network.state_dict()
    return state


if __name__ == "__main__":
    main()
