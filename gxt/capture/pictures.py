"""Pictures that scripts have, as PNG: arrays, images of PIL, figures of matplotlib."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any, Final

from gxt.errors import UsageError
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple

_COLOUR_TYPES: Final = {1: 0, 2: 4, 3: 2, 4: 6}  # by the number of channels; PNG, section 11.2.1
_PNG_MODES: Final = frozenset(("1", "L", "LA", "P", "RGB", "RGBA"))
_CHANNELS_FIRST: Final = (1, 3, 4)
_NAME_FIRST: Final = 'the name comes first: gxt.log_{what}("name", {what})'


class Picture(NamedTuple):
    """A PNG file, and what is to be known of it."""

    content: bytes
    meta: JsonObject


def picture_of(image: Any) -> Picture:  # noqa: ANN401 whatever a script has
    """An image of PIL, or an array of numbers, as a picture.

    Args:
        image: of shape [height, width], [height, width, channels] or [channels, height, width]; 1, 3 or 4
            channels, and 2 (grey and alpha) when they come last. Booleans; integers from 0 to 255; floats
            from 0 to 1. What lies outside is scaled from its least to its greatest value, which `black` and
            `white` then tell.

    Raises:
        UsageError: it is no picture.
    """
    if hasattr(image, "save") and hasattr(image, "mode"):
        made = BytesIO()
        plain = image if image.mode in _PNG_MODES else image.convert("RGB")
        plain.save(made, "PNG")
        return Picture(made.getvalue(), {"width": int(image.width), "height": int(image.height)})
    array = _array(image)
    levels, meta = _levels(array)
    height, width, channels = levels.shape
    rows = b"".join(b"\0" + levels[row].tobytes() for row in range(height))
    return Picture(_png(rows, width, height, channels), {"width": int(width), "height": int(height), **meta})


def picture_of_figure(figure: Any) -> Picture:  # noqa: ANN401 as above
    """A figure of matplotlib, or `matplotlib.pyplot` itself for the present one, as a picture.

    Raises:
        UsageError: it is none.
    """
    drawn = figure.gcf() if hasattr(figure, "gcf") else figure
    drawn = getattr(drawn, "figure", drawn)  # of axes, or of what draws into a figure
    if not hasattr(drawn, "savefig"):
        raise UsageError(f"a {type(figure).__name__} is no figure", hint=_NAME_FIRST.format(what="figure"))
    made = BytesIO()
    drawn.savefig(made, format="png", bbox_inches="tight")
    content = made.getvalue()
    width, height = struct.unpack(">II", content[16:24])
    return Picture(content, {"width": width, "height": height})


def _array(image: Any) -> Any:  # noqa: ANN401 nobody may load numpy to write its types
    """The image as an array of numpy's, [height, width, channels]."""
    if isinstance(image, (str, bytes)) or not hasattr(image, "__len__"):
        raise UsageError(f"a {type(image).__name__} is no image", hint=_NAME_FIRST.format(what="image"))
    try:
        import numpy
    except ImportError as error:
        raise UsageError("an image from numbers needs numpy", hint="pip install numpy") from error

    is_tensor = hasattr(image, "detach")
    if is_tensor:
        image = image.detach().cpu()
        image = (image.float() if image.is_floating_point() else image).numpy()
    array = numpy.asarray(image)
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3) or not array.size:
        raise UsageError(
            f"an array of {array.dtype} with the shape {list(array.shape)} is no image",
            hint="log one image: [height, width], [height, width, channels] or [channels, height, width]",
        )
    if array.ndim == 2:
        return array[:, :, None]
    is_first, is_last = array.shape[0] in _CHANNELS_FIRST, array.shape[2] in _COLOUR_TYPES
    if is_first and (is_tensor or not is_last):
        return array.transpose(1, 2, 0)
    if not is_last:
        raise UsageError(
            f"an image has 1 to 4 channels, none of {list(array.shape)} is",
            hint="log [height, width], [height, width, channels] or [channels, height, width]",
        )
    return array


def _levels(array: Any) -> tuple[Any, JsonObject]:  # noqa: ANN401 as above
    """The array with levels from 0 to 255, and what was black and white where it had to be scaled."""
    import numpy

    if array.dtype.kind == "b":
        return (array * 255).astype("uint8"), {}
    finite = array[numpy.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if array.dtype.kind != "f" and low >= 0 and high <= 255:
        return array.astype("uint8"), {}
    black, white = (0.0, 1.0) if array.dtype.kind == "f" and low >= 0 and high <= 1 else (low, high)
    plain = numpy.nan_to_num(array.astype("float64"), nan=black, posinf=white, neginf=black)
    levels = numpy.rint((plain - black) / ((white - black) or 1.0) * 255).astype("uint8")
    return levels, {} if (black, white) == (0.0, 1.0) else {"black": black, "white": white}


def _png(rows: bytes, width: int, height: int, channels: int) -> bytes:
    """A PNG file with 8 bits a channel; each row begins with the filter 0. https://www.w3.org/TR/png-3/"""
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
