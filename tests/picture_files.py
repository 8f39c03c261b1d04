"""Files of pictures, byte by byte, of which Pillow writes few or none."""

import struct
import zlib

import numpy as np


def png(samples, *, transparent=()):
    """Returns a PNG file of samples `[height, width, bands]`, uint8 or uint16."""
    height, width, bands = samples.shape
    depth, colour_type = 8 * samples.dtype.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[bands]
    lines = samples.astype(samples.dtype.newbyteorder(">"))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))]
    if len(transparent):
        chunks.append((b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)))
    chunks += [(b"IDAT", zlib.compress(b"".join(b"\0" + line.tobytes() for line in lines))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def grey_png(levels, bits, *, transparent=()):
    """Returns a PNG file of grey levels `[height, width]` of fewer than 8 bits."""
    height, width = levels.shape
    unpacked = (levels[..., None] >> np.arange(bits)[::-1] & 1).reshape(height, -1).astype(np.uint8)
    lines = np.packbits(unpacked, axis=1)
    whole = png(lines[..., None], transparent=transparent)
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


def tiff(samples, photometric=1, *, order="<", planar=False, deflated=False, extra=(), **tags):
    """Returns a TIFF file of samples `[height, width, bands]` of any dtype.

    Args:
        samples: The samples.
        photometric: What they mean: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK, 6 YCbCr, 8 LAB.
        order: The order of bytes, "<" or ">".
        planar: Whether each band is stored by itself.
        deflated: Whether the samples are compressed.
        extra: What the last bands are: 0 anything, 1 alpha that the colours are multiplied with, 2 alpha.
        tags: Other tags by their number, as `t274=6`: one value or several.
    """
    height, width, bands = samples.shape
    stored = samples.astype(samples.dtype.newbyteorder(order))
    parts = [stored[..., band].tobytes() for band in range(bands)] if planar else [stored.tobytes()]
    parts = [zlib.compress(part) if deflated else part for part in parts]
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    entries = {
        256: [width],
        257: [height],
        258: [8 * samples.dtype.itemsize] * bands,
        259: [8 if deflated else 1],
        262: [photometric],
        273: [0] * len(parts),
        277: [bands],
        278: [height],
        279: [len(part) for part in parts],
        284: [2 if planar else 1],
        339: [kind] * bands,
        **({338: list(extra)} if extra else {}),
        **{int(name[1:]): np.ravel(value).tolist() for name, value in tags.items()},
    }
    start = 8 + 2 + 12 * len(entries) + 4
    sizes = [len(part) for part in parts]
    behind = start + sum(4 * len(values) for values in entries.values() if len(values) > 1)
    entries[273] = [behind + sum(sizes[:part]) for part in range(len(parts))]
    directory, values_behind = struct.pack(order + "H", len(entries)), b""
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        at = struct.pack(order + "I", start + len(values_behind))
        directory += struct.pack(order + "HHI", tag, 4, len(values)) + (packed if len(values) == 1 else at)
        values_behind += packed if len(values) > 1 else b""
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return header + directory + b"\0\0\0\0" + values_behind + b"".join(parts)


def upright(stored, orientation):
    """Returns what a file with an EXIF orientation shows, of the pixels `[height, width, ...]` that it stores."""
    swapped = stored.swapaxes(0, 1)
    return {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: swapped,
        6: swapped[:, ::-1],
        7: swapped[::-1, ::-1],
        8: swapped[::-1],
    }[orientation]
