"""Frames as a GIF (TensorBoard shows these) or, with ffmpeg, an MP4; one picture as a PNG or a JPEG."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

MAX_GIF_WIDTH = 640


def encode_gif(frames: Sequence[np.ndarray], fps: float) -> bytes:
    """Returns an endlessly repeating GIF of `frames`, each (H, W, 3) uint8, at most MAX_GIF_WIDTH wide."""
    images = [Image.fromarray(frame) for frame in frames]
    width, height = images[0].size
    if width > MAX_GIF_WIDTH:
        size = (MAX_GIF_WIDTH, round(height * MAX_GIF_WIDTH / width))
        images = [image.resize(size, Image.Resampling.LANCZOS) for image in images]
    # One palette for all frames, and no dithering: drawn worlds have few colours, and equal pixels compress.
    sample = Image.fromarray(np.concatenate([np.asarray(image) for image in _spread(images, 4)]))
    palette = sample.quantize(255, dither=Image.Dither.NONE)
    paletted = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    # GIF counts time in 1/100 s, and viewers slow down what is faster than 2/100 s.
    durations = [max(20, round(1000 / fps / 10) * 10)] * len(paletted)
    durations[-1] += 1000  # the end stays in view for a moment before the film begins again
    file = io.BytesIO()
    paletted[0].save(
        file, format="GIF", save_all=True, append_images=paletted[1:], duration=durations, loop=0, disposal=1
    )
    return file.getvalue()


def encode_png(picture: np.ndarray) -> bytes:
    """Returns a PNG of `picture`, (H, W, 3) uint8, with a palette of 256 colours."""
    file = io.BytesIO()
    image = Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE)
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def encode_jpeg(picture: np.ndarray) -> bytes:
    """Returns a JPEG of `picture`, (H, W, 3) uint8, whose colours are as sharp as its edges.

    Of what Pillow writes it is the quickest by an order of magnitude, and no larger than a PNG.
    """
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=88, subsampling=0)
    return file.getvalue()


def save_film(stem: Path, frames: Sequence[np.ndarray], fps: float) -> Path:
    """Writes `frames` as `stem`.mp4, or as `stem`.gif without ffmpeg (extra `video`); returns the path."""
    try:
        import imageio_ffmpeg
    except ImportError:
        path = stem.with_suffix(".gif")
        path.write_bytes(encode_gif(frames, fps))
        return path
    path = stem.with_suffix(".mp4")
    height, width = (side - side % 2 for side in frames[0].shape[:2])  # H.264 wants even sides
    writer = imageio_ffmpeg.write_frames(
        str(path), (width, height), fps=round(fps), quality=8, macro_block_size=2, ffmpeg_log_level="error"
    )
    writer.send(None)
    for frame in frames:
        writer.send(np.ascontiguousarray(frame[:height, :width]))
    writer.close()
    return path


def _spread(images: list[Image.Image], count: int) -> list[Image.Image]:
    """Returns at most `count` of `images`, evenly over the film."""
    return [images[i] for i in np.unique(np.linspace(0, len(images) - 1, count).round().astype(int))]
