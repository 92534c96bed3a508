"""Make the low-resolution picture that a super-resolution network learns to undo.

Both processes are pure functions of the picture and a random generator, so a sample can be drawn again
from its seed alone.
"""

import io
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter
from pydantic import AfterValidator, Field

from gantool_trainer.data.pictures import Picture
from gantool_trainer.settings import Settings, Share

Floats = npt.NDArray[np.float32]


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the first of the two is larger than the second")
    return bounds


Range = tuple[float, float]
Positive = Annotated[tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]], AfterValidator(_rising)]
Level = Annotated[tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]], AfterValidator(_rising)]
Quality = Annotated[
    tuple[Annotated[float, Field(ge=1, le=100)], Annotated[float, Field(ge=1, le=100)]], AfterValidator(_rising)
]

_FILTERS = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


class DegradeConfig(Settings):
    """How pictures are made worse. Sigmas of blur are in pixels, of noise in 8-bit levels."""

    process: Literal["bicubic", "second-order", "single"] = "bicubic"
    """Shrunk alone; damaged twice on the way, as photographs on the net are; or, for repairs, damaged once."""
    clean: Share = 0.1
    """Share of samples that are left at plain bicubic, so that clean pictures stay clean."""
    blur: Share = 0.8
    """Probability of blur in the first round; half of it in the second."""
    blur_sigma: Positive = (0.2, 3.0)
    resize: Positive = (0.25, 1.3)
    """Factor of the intermediate resize of the first round."""
    noise: Level = (1.0, 30.0)
    """Standard deviation of Gaussian noise; Poisson noise is drawn at the same strength at mid-gray."""
    noise_probability: Share = 1.0
    """Share of samples that the single process adds noise to."""
    jpeg_probability: Share = 1.0
    """Share of samples that the single process stores as JPEG."""
    jpeg: Quality = (30.0, 95.0)
    sinc: Share = 0.5
    """Probability of the final ringing (sinc) filter."""
    sharpen: Annotated[float, Field(ge=0)] = 0.0
    """Strength of the unsharp mask on what the network is to reach, so that its results are crisp."""

    def weaker(self, strength: float) -> Self:
        """With noise of this share of its deviation."""
        low, high = self.noise
        return self.model_copy(update={"noise": (strength * low, strength * high)})


def sharpened(picture: Picture, strength: float) -> Picture:
    """An unsharp mask over (H, W, 3) uint8, as Real-ESRGAN (arXiv 2107.10833, section 4.1) puts on its targets."""
    if strength == 0:
        return picture
    mask = ImageFilter.UnsharpMask(radius=1.5, percent=round(100 * strength), threshold=3)
    return np.asarray(Image.fromarray(picture).filter(mask))


def bicubic(picture: Picture, scale: int) -> Picture:
    """Shrink by a whole factor with the antialiased bicubic filter (a = -0.5) that published test sets use.

    ``picture`` is (H, W, 3) uint8 with H and W multiples of ``scale``; the result is (H/scale, W/scale, 3).
    """
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width // scale, height // scale), Image.Resampling.BICUBIC))


def enlarge(picture: Picture, scale: int) -> Picture:
    """The reverse, by Pillow's bicubic filter."""
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width * scale, height * scale), Image.Resampling.BICUBIC))


def degrade(picture: Picture, scale: int, config: DegradeConfig, rng: np.random.Generator) -> Picture:
    """The low-resolution counterpart of ``picture`` under the configured process; shapes as in `bicubic`."""
    if config.process == "bicubic":
        return bicubic(picture, scale)
    process = second_order if config.process == "second-order" else single
    return process(picture, scale, config, rng)


def single(picture: Picture, scale: int, config: DegradeConfig, rng: np.random.Generator) -> Picture:
    """Blur, then noise and JPEG in either order, each of them or not, after shrinking; shapes as in `bicubic`."""
    x = bicubic(picture, scale).astype(np.float32)
    if rng.random() < config.clean:
        return to_uint8(x)
    if rng.random() < config.blur:
        x = convolve(x, gaussian_kernel(rng, config.blur_sigma))
    noisy, packed = rng.random() < config.noise_probability, rng.random() < config.jpeg_probability
    scanned = rng.random() < 0.5  # noise over the artefacts of a file, and not from the camera
    if packed and scanned:
        x = jpeg(x, rng.uniform(*config.jpeg))
    if noisy:
        x = add_noise(x, config.noise, rng)
    if packed and not scanned:
        x = jpeg(x, rng.uniform(*config.jpeg))
    return to_uint8(x)


def second_order(picture: Picture, scale: int, config: DegradeConfig, rng: np.random.Generator) -> Picture:
    """Blur, resize, noise and JPEG, twice, with a final sinc filter (after Real-ESRGAN, arXiv 2107.10833, section 3).

    Simpler than the paper in its blur kernels, which are Gaussian alone, and in its sinc filter, which is separable.

    ``picture`` is (H, W, 3) uint8 with H and W multiples of ``scale``; the result is (H/scale, W/scale, 3) uint8.
    """
    if rng.random() < config.clean:
        return bicubic(picture, scale)
    height, width = picture.shape[0] // scale, picture.shape[1] // scale
    x = picture.astype(np.float32)
    if rng.random() < config.blur:
        x = convolve(x, gaussian_kernel(rng, config.blur_sigma))
    factor = rng.uniform(*config.resize)
    x = _resize(x, max(height, round(picture.shape[0] * factor)), max(width, round(picture.shape[1] * factor)), rng)
    x = add_noise(x, config.noise, rng)
    x = jpeg(x, rng.uniform(*config.jpeg))

    if rng.random() < config.blur / 2:
        x = convolve(x, gaussian_kernel(rng, (config.blur_sigma[0], config.blur_sigma[1] / 2)))
    factor = rng.uniform(0.8, 1.2)
    x = _resize(x, max(1, round(height * factor)), max(1, round(width * factor)), rng)
    x = add_noise(x, (config.noise[0], config.noise[1] * 0.8), rng)
    ringing = rng.random() < config.sinc
    quality = rng.uniform(*config.jpeg)
    # The order of the last two steps is drawn too (section 3.3), so that neither artefact is always on top.
    stored_last = rng.random() < 0.5
    x = x if stored_last else jpeg(x, quality)
    x = _resize(x, height, width, rng)
    x = convolve(x, sinc_kernel(rng)) if ringing else x
    return to_uint8(jpeg(x, quality) if stored_last else x)


def gaussian_kernel(rng: np.random.Generator, sigma: Range) -> Floats:
    """An odd, square Gaussian kernel that sums to 1: round in half of the draws, else stretched and turned."""
    major = rng.uniform(*sigma)
    minor = major if rng.random() < 0.5 else rng.uniform(*sigma)
    angle = rng.uniform(0, np.pi)
    size = 2 * int(np.ceil(3 * max(major, minor))) + 1
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    precision = turn @ np.diag([1 / major**2, 1 / minor**2]) @ turn.T
    grid = np.stack(np.meshgrid(*(np.arange(size) - size // 2,) * 2), axis=-1).astype(np.float64)
    kernel = np.exp(-0.5 * np.einsum("hwi,ij,hwj->hw", grid, precision, grid))
    return (kernel / kernel.sum()).astype(np.float32)


def sinc_kernel(rng: np.random.Generator, size: int = 21) -> Floats:
    """A separable, Hann-windowed ideal low-pass that rings at edges as over-sharpened pictures do."""
    cutoff = rng.uniform(0.5, 1.0)
    taps = np.arange(size) - size // 2
    line = cutoff * np.sinc(cutoff * taps) * np.hanning(size + 2)[1:-1]
    kernel = np.outer(line, line)
    return (kernel / kernel.sum()).astype(np.float32)


def convolve(x: Floats, kernel: Floats) -> Floats:
    """Filter each channel of (H, W, C) with an odd (K, K) kernel; borders are reflected."""
    pad = kernel.shape[0] // 2
    padded = np.pad(x, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
    planes = torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1))).unsqueeze(1)
    with torch.inference_mode():
        filtered = F.conv2d(planes, torch.from_numpy(kernel)[None, None])
    return np.ascontiguousarray(filtered.squeeze(1).numpy().transpose(1, 2, 0))


def add_noise(x: Floats, sigma: Range, rng: np.random.Generator) -> Floats:
    """Gaussian or Poisson noise, coloured or gray, at a drawn strength (8-bit levels)."""
    strength = rng.uniform(*sigma)
    channels = 1 if rng.random() < 0.4 else x.shape[2]
    noise = rng.standard_normal((*x.shape[:2], channels), dtype=np.float32) * np.float32(strength)
    if rng.random() < 0.5:
        # Shot noise: its variance grows with the light; equal to the Gaussian's at level 128.
        noise = noise * np.sqrt(np.clip(x, 0, 255) / 128)
    return x + noise


def jpeg(x: Floats, quality: float) -> Floats:
    """Through a JPEG file and back."""
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(x)).save(buffer, "JPEG", quality=round(quality))
    return np.asarray(Image.open(buffer), dtype=np.float32)


def to_uint8(x: Floats) -> Picture:
    """Round and clip to 8 bits."""
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def _resize(x: Floats, height: int, width: int, rng: np.random.Generator) -> Floats:
    # Pillow resizes float pictures one channel at a time; float keeps overshoot from being clipped twice.
    resample = _FILTERS[int(rng.integers(len(_FILTERS)))]
    planes = [Image.fromarray(x[..., c]).resize((width, height), resample) for c in range(x.shape[2])]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)
