"""The twin of bench/augment.ts: torchvision's transforms v2 and albumentations on the same pictures, on one thread.

    python augment.py FOLDER COUNT SECONDS

FOLDER has data.f32 and label.f32, COUNT pictures of 256x256. Prints pictures a second as JSON, by library and change. A
library that is not installed is left out. What a library does not have is left out too.
"""

import json
import sys
import time

# torchvision looks for a module `pytorch` and must not find bench/pytorch.py.
sys.path.pop(0)

import numpy as np  # noqa: E402

folder, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
pictures = np.fromfile(f"{folder}/data.f32", dtype=np.float32).reshape(count, 256, 256)
labels = np.fromfile(f"{folder}/label.f32", dtype=np.float32).reshape(count, 256, 256)


def rate(one, pairs):
    """By the processor's time: others on the machine do not count."""
    one(*pairs[0])
    done, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        one(*pairs[done % len(pairs)])
        done += 1
    return done / (time.process_time() - began)


def torchvision_rates():
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import InterpolationMode, v2
    from torchvision.transforms.v2 import functional as F

    torch.set_num_threads(1)
    top = float(pictures.max())
    # Float pictures are expected in 0 to 1.
    pairs = [
        (tv_tensors.Image(torch.from_numpy(p[None] / top)), tv_tensors.Mask(torch.from_numpy(m.astype(np.uint8)[None])))
        for p, m in zip(pictures, labels)
    ]

    class Gamma(torch.nn.Module):
        def forward(self, picture, label):
            return F.adjust_gamma(picture, 1 + 0.4 * (2 * torch.rand(()).item() - 1)), label

    bilinear = InterpolationMode.BILINEAR
    affine = v2.RandomAffine(180, (0.12, 0.12), (0.75, 1.25), interpolation=bilinear)
    # Displacements of 3 % of the side at knots a quarter of it apart: as smooth a field.
    elastic = v2.ElasticTransform(alpha=60.0, sigma=20.0, interpolation=bilinear)
    whole = [
        *(v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(), affine, elastic, Gamma()),
        v2.GaussianNoise(sigma=0.02, clip=False),
    ]
    changes = {
        "flip left and right": v2.RandomHorizontalFlip(1.0),
        "rotation": v2.RandomRotation(180, interpolation=bilinear),
        "affine (rotation, scale, shift, shear)": v2.RandomAffine(
            180, (0.12, 0.12), (0.75, 1.25), (-10, 10, -10, 10), interpolation=bilinear
        ),
        "elastic": elastic,
        "blur": v2.GaussianBlur(13, (0.1, 2.0)),
        "contrast and brightness": v2.ColorJitter(brightness=0.3, contrast=0.3),
        "gamma": Gamma(),
        "noise": v2.GaussianNoise(sigma=0.02, clip=False),
        "random crop of 144": v2.RandomCrop(144),
        "the whole recipe": v2.Compose(whole),
        "the whole recipe, cut to 144": v2.Compose([*whole[:4], v2.CenterCrop(144), *whole[4:]]),
    }
    return {name: rate(change, pairs) for name, change in changes.items()}


def albumentations_rates():
    import albumentations as A
    import cv2

    cv2.setNumThreads(1)
    top = float(pictures.max())
    pairs = [(np.ascontiguousarray(p[..., None] / top), m.astype(np.uint8)) for p, m in zip(pictures, labels)]
    lin = cv2.INTER_LINEAR
    affine = dict(rotate=(-180, 180), scale=(0.75, 1.25), translate_percent=(-0.12, 0.12), interpolation=lin, p=1)
    elastic = A.ElasticTransform(alpha=60, sigma=20, interpolation=lin, p=1)
    gamma = A.RandomGamma((60, 140), p=1)
    noise = A.GaussNoise(std_range=(0.0, 0.02), p=1)
    whole = [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5), A.Affine(**affine), elastic, gamma, noise]
    changes = {
        "flip left and right": [A.HorizontalFlip(p=1)],
        "rotation": [A.Rotate(180, interpolation=lin, p=1)],
        "affine (rotation, scale, shift, shear)": [A.Affine(**affine, shear=(-10, 10))],
        "elastic": [elastic],
        "blur": [A.GaussianBlur(blur_limit=0, sigma_limit=(0.1, 2.0), p=1)],
        "contrast and brightness": [A.RandomBrightnessContrast(0.3, 0.3, p=1)],
        "gamma": [gamma],
        "noise": [noise],
        "random crop of 144": [A.RandomCrop(144, 144)],
        "the whole recipe": whole,
        "the whole recipe, cut to 144": [*whole[:4], A.CenterCrop(144, 144), *whole[4:]],
    }

    def calling(steps):
        compose = A.Compose(steps)
        return lambda picture, label: compose(image=picture, mask=label)

    return {name: rate(calling(steps), pairs) for name, steps in changes.items()}


found = {}
for library, measured in (("torchvision v2", torchvision_rates), ("albumentations", albumentations_rates)):
    try:
        found[library] = measured()
    except ImportError:
        pass
print(json.dumps(found))
