#!/usr/bin/env python3
"""Makes stdlib/data/ from the two source data sets. Python's standard library only; run once, its output is committed.

    python3 scripts/make_data.py SOURCE_FOLDER

SOURCE_FOLDER holds mnist5k-{images-idx3,labels-idx1}-ubyte.gz and orl-faces-{images-idx3,labels-idx1}-ubyte.gz
(see stdlib/data/README.md for where they come from). Digits are copied as they are. Faces are cropped to the middle
92 x 92 pixels of 112 x 92 (rows 10 to 101) and reduced to 64 x 64 by exact area averaging, rounded to bytes.
The output is the same, byte for byte, on every run.
"""
import gzip
import pathlib
import struct
import sys
import zlib


def read_idx(path):
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\x00\x00\x08":
        raise SystemExit(f"{path}: not an IDX file of bytes")
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return shape, raw[4 + 4 * rank :]


def write_idx(path, shape, body):
    header = b"\x00\x00\x08" + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    # gzip member without time stamp or name, so that the bytes depend on the content only
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(header + body) + packer.flush()
    tail = struct.pack("<II", zlib.crc32(header + body), (len(header) + len(body)) & 0xFFFFFFFF)
    path.write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + packed + tail)
    print(f"{path}: {shape}, {path.stat().st_size} bytes")


def area_weights(source, target):
    """For every target pixel, the source pixels it covers with their shares (which add up to 1)."""
    step = source / target
    rows = []
    for i in range(target):
        low, high = i * step, (i + 1) * step
        row = []
        for j in range(int(low), min(source, int(high) + 1)):
            share = min(high, j + 1) - max(low, j)
            if share > 1e-12:
                row.append((j, share / step))
        rows.append(row)
    return rows


def crop_and_reduce(image, width, top, side, target, weights):
    narrow = []
    for r in range(top, top + side):
        line = image[r * width : r * width + side]
        narrow.append([sum(line[j] * w for j, w in row) for row in weights])
    out = bytearray()
    for row in weights:
        for column in range(target):
            value = sum(narrow[j][column] * w for j, w in row)
            out.append(min(255, int(value + 0.5)))
    return bytes(out)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(__file__).resolve().parent.parent / "stdlib" / "data"
    target.mkdir(parents=True, exist_ok=True)

    for kind in ("images-idx3", "labels-idx1"):
        shape, body = read_idx(source / f"mnist5k-{kind}-ubyte.gz")
        write_idx(target / f"digits-{kind}-ubyte.gz", shape, body)

    (count, height, width), body = read_idx(source / "orl-faces-images-idx3-ubyte.gz")
    weights = area_weights(width, 64)
    faces = b"".join(
        crop_and_reduce(body[i * height * width : (i + 1) * height * width], width, (height - width) // 2, width, 64, weights)
        for i in range(count)
    )
    write_idx(target / "faces-images-idx3-ubyte.gz", (count, 64, 64), faces)
    shape, body = read_idx(source / "orl-faces-labels-idx1-ubyte.gz")
    write_idx(target / "faces-labels-idx1-ubyte.gz", shape, body)


main()
