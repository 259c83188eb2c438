"""Pictures and what OpenCV (Caffe's reader) makes of them: python make.py (needs opencv-python-headless, numpy, pillow).

expected.json: `pictures` by file: blue, green, red planes and the grey one; `resized`: 8-bit pictures by INTER_LINEAR;
`windows`: WindowData's rule (window_data_layer.cpp) written down again, around cv2.resize. Planes are base64.
"""
import base64, json, math, os
import cv2
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
cv2.setUseOptimized(False)
rng = np.random.default_rng(2)
f32 = np.float32


def b64(a):
    return base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()


def planes(a):
    return b64(a.transpose(2, 0, 1))


y, x = np.mgrid[0:25, 0:34]
a = np.stack([(x * 5) % 256, (y * 7) % 256, (x * y) % 256], -1).astype(np.uint8)
a[5:9] = rng.integers(0, 256, (4, 34, 3))
im = Image.fromarray(a)
im.save(f'{HERE}/color.png')
im.save(f'{HERE}/color420.jpg', quality=80)
im.save(f'{HERE}/color444.jpg', quality=95, subsampling=0)
im.save(f'{HERE}/progressive.jpg', quality=60, progressive=True)
im.convert('L').save(f'{HERE}/grey.jpg')
im.convert('L').save(f'{HERE}/grey.png')
im.convert('P').save(f'{HERE}/palette.png')
im.convert('RGBA').save(f'{HERE}/alpha.png')

pictures = {}
for f in sorted(f for f in os.listdir(HERE) if f.endswith(('.png', '.jpg'))):
    c, g = cv2.imread(f'{HERE}/{f}', cv2.IMREAD_COLOR), cv2.imread(f'{HERE}/{f}', cv2.IMREAD_GRAYSCALE)
    pictures[f] = dict(color=planes(c), grey=b64(g))

resized = []
for h, w, H, W in [(7, 5, 11, 13), (20, 30, 7, 9), (8, 8, 4, 4), (9, 9, 3, 3), (1, 1, 4, 4), (5, 1, 3, 7), (24, 18, 67, 67), (33, 17, 33, 40)]:
    s = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
    resized.append(dict(from_=[h, w], to=[H, W], source=planes(s), result=planes(cv2.resize(s, (W, H)))))


def c_round(v):
    return int(math.copysign(math.floor(abs(float(v)) + 0.5), v))


def window(img, box, crop, pad, mode, mirror, mean, scale):
    x1, y1, x2, y2 = box
    size_w, size_h, pad_w, pad_h = crop, crop, 0, 0
    if pad > 0 or mode == 'square':
        grow = f32(crop) / f32(crop - 2 * pad)
        hh, hw = f32((y2 - y1 + 1) / 2.0), f32((x2 - x1 + 1) / 2.0)
        cx, cy = f32(f32(x1) + hw), f32(f32(y1) + hh)
        if mode == 'square':
            hh = hw = max(hh, hw)
        x1, x2 = c_round(cx - hw * grow), c_round(cx + hw * grow)
        y1, y2 = c_round(cy - hh * grow), c_round(cy + hh * grow)
        uh, uw = y2 - y1 + 1, x2 - x1 + 1
        px1, py1 = max(0, -x1), max(0, -y1)
        px2, py2 = max(0, x2 - img.shape[1] + 1), max(0, y2 - img.shape[0] + 1)
        x1, x2, y1, y2 = x1 + px1, x2 - px2, y1 + py1, y2 - py2
        sx, sy = f32(crop) / f32(uw), f32(crop) / f32(uh)
        size_w, size_h = c_round(f32(x2 - x1 + 1) * sx), c_round(f32(y2 - y1 + 1) * sy)
        px1, px2, py1 = c_round(f32(px1) * sx), c_round(f32(px2) * sx), c_round(f32(py1) * sy)
        pad_h, pad_w = py1, px2 if mirror else px1
        size_h, size_w = min(size_h, crop - pad_h), min(size_w, crop - pad_w)
    cut = cv2.resize(img[y1:y2 + 1, x1:x2 + 1], (size_w, size_h), interpolation=cv2.INTER_LINEAR)
    if mirror:
        cut = cv2.flip(cut, 1)
    out = np.zeros((3, crop, crop), f32)
    for c in range(3):
        for h in range(size_h):
            for w in range(size_w):
                out[c, h + pad_h, w + pad_w] = (f32(cut[h, w, c]) - mean(c, h + pad_h, w + pad_w)) * f32(scale)
    return out


img = cv2.imread(f'{HERE}/color.png')
values = [f32(v) for v in (104, 117.5, 123)]
windows = []
for box, crop, pad, mode in [
    ([3, 2, 20, 15], 16, 0, 'warp'),
    ([3, 2, 20, 15], 16, 3, 'warp'),
    ([0, 0, 9, 23], 15, 2, 'square'),
    ([25, 10, 33, 24], 17, 4, 'warp'),
    ([12, 1, 30, 4], 12, 0, 'square'),
]:
    for mirror in (False, True):
        out = window(img, box, crop, pad, mode, mirror, lambda c, h, w: values[c], 0.5)
        windows.append(dict(box=box, crop=crop, pad=pad, mode=mode, mirror=mirror, result=b64(out)))

json.dump(dict(pictures=pictures, resized=resized, windows=windows), open(f'{HERE}/expected.json', 'w'), indent=0)
