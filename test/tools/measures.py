"""
Makes the numbers in measures.test.ts by MONAI, scipy, scikit-image and shapely. The masks are made by the formulas there.

    pip install monai scikit-image shapely && python test/tools/measures.py
"""

import numpy as np
import shapely
import torch
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance, compute_iou
from scipy.ndimage import distance_transform_edt
from skimage.measure import find_contours, label

HEIGHT, WIDTH = 40, 48


def ellipse(cy, cx, ry, rx):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1).astype(np.uint8)


def box(top, left, bottom, right):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


PAIRS = {
    "two ellipses": (ellipse(19, 22, 9, 7), ellipse(20, 23.5, 10, 8)),
    "a part too many": (ellipse(19, 22, 9, 7) | ellipse(35, 43, 2, 2), ellipse(20, 23.5, 10, 8)),
    "a ring and a disc": (ellipse(20, 24, 12, 14) & (1 - ellipse(20, 24, 6, 8)), ellipse(18, 22, 11, 12)),
    "at the picture's border": (box(0, 0, 10, 12), box(0, 3, 14, 9)),
    "one pixel": (box(5, 5, 6, 6), box(30, 40, 31, 41)),
    "boxes that touch by a corner": (box(5, 5, 10, 10) | box(10, 10, 14, 14), box(6, 6, 13, 12)),
}


def tensor(mask):
    return torch.from_numpy(mask.astype(np.float32))[None, None]


def perpendicular(a, b, spacing):
    lines = lambda m: [(c - 1) * spacing for c in find_contours(np.pad(m, 1).astype(float), 0.5)]
    target = shapely.MultiLineString([shapely.LineString(c) for c in lines(b)])
    points = np.concatenate([c[:-1] for c in lines(a)])
    return np.mean([target.distance(shapely.Point(p)) for p in points]), len(points)


for name, (p, t) in PAIRS.items():
    for spacing in ([1.0, 1.0], [1.25, 0.8]):
        given = dict(include_background=True, spacing=spacing)
        values = [
            compute_dice(tensor(p), tensor(t), include_background=True).item(),
            compute_iou(tensor(p), tensor(t), include_background=True).item(),
            compute_hausdorff_distance(tensor(p), tensor(t), **given).item(),
            compute_hausdorff_distance(tensor(p), tensor(t), percentile=95, **given).item(),
            compute_average_surface_distance(tensor(p), tensor(t), symmetric=True, **given).item(),
            *perpendicular(p, t, spacing),
        ]
        print(f"  [{name!r}, {spacing}, {[round(float(v), 5) for v in values]}],")

empty = np.zeros((HEIGHT, WIDTH), np.uint8)
for name, (p, t) in {"truth empty": (box(1, 1, 4, 4), empty), "nothing found": (empty, box(1, 1, 4, 4)), "both": (empty, empty)}.items():
    print(name, compute_hausdorff_distance(tensor(p), tensor(t), include_background=True).item(),
          compute_average_surface_distance(tensor(p), tensor(t), symmetric=True, include_background=True).item(),
          compute_dice(tensor(p), tensor(t), include_background=True, ignore_empty=True).item(),
          compute_dice(tensor(p), tensor(t), include_background=True, ignore_empty=False).item())

marks = ellipse(19, 22, 9, 7) ^ ellipse(20, 23.5, 10, 8)
print("scipy", distance_transform_edt(1 - marks, sampling=[1.25, 0.8]).sum(), distance_transform_edt(1 - marks, sampling=[1.25, 0.8]).max())
parts = label(PAIRS["a part too many"][0], connectivity=2)
print("parts", np.bincount(parts.ravel()).tolist(), "touching", np.bincount(label(PAIRS["boxes that touch by a corner"][0], connectivity=2).ravel()).tolist())
