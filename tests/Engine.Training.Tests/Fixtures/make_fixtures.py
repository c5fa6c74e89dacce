#!/usr/bin/env python3
"""Makes the image fixtures beside this file with Pillow: python3 make_fixtures.py

files/NAME        image files in every pixel format that is read
pillow.bin        what Pillow makes of them, raw bytes one after the other
pillow.json       for each case its place in pillow.bin and how it was made

Needs Pillow and numpy (Debian: python3-pil, python3-numpy). Made with Pillow 9.4.0.
"""
import json, math, os, struct, zlib
import numpy as np
import PIL
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
os.makedirs(os.path.join(here, "files"), exist_ok=True)
blob, cases = bytearray(), []


def store(kind, array, **facts):
    data = np.ascontiguousarray(array).tobytes()
    cases.append(dict(kind=kind, offset=len(blob), length=len(data), **facts))
    blob.extend(data)


def picture(width, height, seed):
    """Gradients, hard edges to both extremes and noise: what makes filters with negative lobes clip."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([255 * x / (width - 1), 255 * y / (height - 1), 127 + 127 * np.sin(x * y / 9)], -1)
    image[height // 4:height // 2, width // 4:width // 2] = 255
    image[height // 2:3 * height // 4, width // 2:] = 0
    noisy = rng.random((height, width)) < 0.3
    image[noisy] = rng.integers(0, 256, (int(noisy.sum()), 3))
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8), "RGB")


def smooth(width, height):
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([255 * x / (width - 1), 255 * y / (height - 1), 127 + 100 * np.sin(x / 5 + y / 7)], -1)
    return Image.fromarray(image.astype(np.uint8), "RGB")


# Resizing
filters = dict(bilinear=Image.BILINEAR, bicubic=Image.BICUBIC, lanczos=Image.LANCZOS)
source = picture(29, 23, 1)
source.save(os.path.join(here, "files", "source.png"))
for name, code in filters.items():
    for size in [(11, 9), (40, 31), (29, 10), (12, 23), (50, 5), (3, 60), (1, 1), (29, 23)]:
        store("resize", source.resize(size, code), filter=name, width=size[0], height=size[1])
    store("resize_crop", source.crop((4, 3, 22, 20)).resize((13, 13), code), filter=name, width=13, height=13, box=[4, 3, 18, 17])


# Evaluation transforms: torchvision's Resize(int) and CenterCrop on PIL images, with timm's sizes
def center_crop(image, size):
    w, h = image.size
    if w < size or h < size:
        left, top = max((size - w) // 2, 0), max((size - h) // 2, 0)
        padded = Image.new("RGB", (max(w, size), max(h, size)))
        padded.paste(image, (left, top))
        image = padded
        w, h = image.size
    top, left = int(round((h - size) / 2.0)), int(round((w - size) / 2.0))
    return image.crop((left, top, left + size, top + size))


def evaluate(image, size, crop_pct, mode, code):
    side = math.floor(size / crop_pct)
    w, h = image.size
    if mode == "squash":
        shape = (side, side)
    elif w <= h:
        shape = (side, int(side * h / w))
    else:
        shape = (int(side * w / h), side)
    return center_crop(image.resize(shape, code), size)


for number, shape in enumerate([(29, 23), (23, 31), (40, 17)]):
    image = picture(*shape, 10 + number)
    file = f"eval{number}.png"
    image.save(os.path.join(here, "files", file))
    for size, crop_pct, mode, name in [(16, 0.875, "center", "bicubic"), (16, 0.9, "center", "bilinear"),
                                       (12, 1.0, "squash", "bilinear"), (15, 0.95, "squash", "bicubic"), (16, 1.15, "center", "bicubic")]:
        store("evaluate", evaluate(image, size, crop_pct, mode, filters[name]), file=file, filter=name,
              width=size, height=size, crop_pct=crop_pct, crop_mode=mode)

mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
pixels = np.asarray(evaluate(picture(29, 23, 10), 16, 0.875, "center", Image.BICUBIC)).transpose(2, 0, 1)
normal = (pixels.astype(np.float32) / np.float32(255) - mean[:, None, None]) / std[:, None, None]
store("normalize", normal.astype("<f4"), file="eval0.png", filter="bicubic", width=16, height=16, crop_pct=0.875, crop_mode="center")


# Decoding
def decoded(file, tolerance=0):
    image = Image.open(os.path.join(here, "files", file))
    image = image.convert("RGB")
    store("decode", image, file=file, width=image.size[0], height=image.size[1], tolerance=tolerance)


def save(image, file, tolerance=0, **options):
    image.save(os.path.join(here, "files", file), **options)
    decoded(file, tolerance)


def png(file, width, height, depth, colour, rows, interlace=0):
    """A PNG that Pillow cannot write."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(os.path.join(here, "files", file), "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
                  + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + chunk(b"IEND", b""))


colour = picture(21, 13, 3)
grey = colour.convert("L")
alpha = colour.copy()
alpha.putalpha(Image.fromarray((np.arange(21 * 13) % 256).astype(np.uint8).reshape(13, 21), "L"))
save(colour, "rgb8.png")
save(grey, "grey8.png")
save(grey.point(lambda v: 255 * (v > 127)).convert("1"), "grey1.png")
save(alpha, "rgba8.png")
save(alpha.convert("LA"), "greyalpha8.png")
save(colour.quantize(16), "palette4.png")
save(colour.quantize(200), "palette8.png")
save(colour.quantize(16), "palettealpha.png", transparency=3)
save(grey, "greytransparent.png", transparency=7)
wide = (np.asarray(colour).astype(">u2") * 256 + 200).astype(">u2")
png("rgb16.png", 21, 13, 16, 2, [row.tobytes() for row in wide])
decoded("rgb16.png")
passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
array = np.asarray(colour)
png("interlaced.png", 21, 13, 8, 2, [row.tobytes() for x, y, dx, dy in passes for row in array[y::dy, x::dx]], interlace=1)
decoded("interlaced.png")
# Grey of 16 bits: Pillow clips at 255; the high byte is what is wanted.
ramp = np.linspace(0, 65535, 21 * 13).astype(">u2").reshape(13, 21)
png("grey16.png", 21, 13, 16, 0, [row.tobytes() for row in ramp])
store("decode", np.repeat((ramp >> 8).astype(np.uint8)[..., None], 3, -1), file="grey16.png", width=21, height=13, tolerance=0)
save(colour, "rgb24.bmp")
save(grey, "grey8.bmp")
save(grey.convert("1"), "bits1.bmp")
save(alpha, "rgba32.bmp")

# JPEG: the inverse transform and the upsampling of chroma are the decoder's choice.
photo = smooth(37, 26)
save(photo, "photo444.jpg", 3, quality=90, subsampling=0)
save(photo, "photo420.jpg", 6, quality=90, subsampling=2)
# stb weighs the last two chroma samples of a row the wrong way round where only columns are halved.
save(photo, "photo422.JPEG", 16, quality=90, subsampling=1)
save(photo, "progressive.jpg", 6, quality=90, progressive=True)
save(photo.convert("L"), "grey.jpg", 3, quality=90)
save(photo.convert("CMYK"), "cmyk.jpg", 6, quality=90)
exif = Image.Exif()
exif[0x010E] = "an Exif segment"
save(photo, "exif.jpg", 6, quality=90, exif=exif)

with open(os.path.join(here, "pillow.bin"), "wb") as out:
    out.write(blob)
with open(os.path.join(here, "pillow.json"), "w") as out:
    json.dump(dict(pillow=PIL.__version__, cases=cases), out, indent=1)
    out.write("\n")
print(len(cases), "cases,", len(blob), "bytes")
