"""caffe.io for Python layers: pictures read, resized, and brought to the form of a network's input and back.

Pictures are arrays [height, width, channels] of float32; those that load_image reads are RGB with numbers from 0 to 1.
"""

import numpy as np


def load_image(filename, color=True):
    """A picture as [H, W, 3] (RGB), or [H, W, 1] with color=False, float32 from 0 to 1. An alpha channel is left out."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("caffe.io.load_image reads pictures by Pillow: pip install Pillow, in the Python that runs the layers")
    with Image.open(filename) as picture:
        if picture.mode.startswith("I") or picture.mode == "F":
            image = np.asarray(picture, np.float32)
            image = image / np.float32(65535) if picture.mode.startswith("I") else image
            image = image[:, :, np.newaxis]
            return np.tile(image, (1, 1, 3)) if color else image
        array = np.asarray(picture.convert("RGB" if color else "L"), np.float32) / np.float32(255)
    return array if color else array[:, :, np.newaxis]


def resize_image(im, new_dims, interp_order=1):
    """A picture [H, W, K] in the size new_dims = (height, width): interp_order 0 takes the nearest place, 1 is bilinear.

    Places are laid as scikit-image's resize lays them, centre on centre, with the edge repeated outside.
    """
    if interp_order not in (0, 1):
        raise ValueError("resize_image: interp_order is 0 (nearest) or 1 (bilinear), not %r" % (interp_order,))
    out = np.asarray(im, np.float32)
    for axis in (0, 1):
        size = int(new_dims[axis])
        old = out.shape[axis]
        if size == old:
            continue
        at = (np.arange(size) + 0.5) * old / size - 0.5
        if interp_order == 0:
            out = out.take(np.clip(np.floor(at + 0.5).astype(int), 0, old - 1), axis)
            continue
        at = np.clip(at, 0, old - 1)
        low = np.floor(at).astype(int)
        part = (at - low).astype(np.float32)
        part = part.reshape([-1 if i == axis else 1 for i in range(out.ndim)])
        out = out.take(low, axis) * (1 - part) + out.take(np.minimum(low + 1, old - 1), axis) * part
    return out.astype(np.float32)


class Transformer(object):
    """Brings pictures to the form of a network's inputs, and back.

    `inputs` gives the shape [N, C, H, W] of each input by name. The steps of preprocess, each only where it is set:
    resize to H x W, transpose, swap channels, multiply by the raw scale, subtract the mean, multiply by the input scale.
    """

    def __init__(self, inputs):
        self.inputs = inputs
        self.transpose = {}
        self.channel_swap = {}
        self.raw_scale = {}
        self.mean = {}
        self.input_scale = {}

    def __check_input(self, in_):
        if in_ not in self.inputs:
            raise Exception("{} is not one of the net inputs: {}".format(in_, self.inputs))

    def preprocess(self, in_, data):
        """A picture [H, W, K] as [K, H, W], float32, for the input in_."""
        self.__check_input(in_)
        caffe_in = np.asarray(data).astype(np.float32, copy=False)
        in_dims = tuple(self.inputs[in_][2:])
        if caffe_in.shape[:2] != in_dims:
            caffe_in = resize_image(caffe_in, in_dims)
        if in_ in self.transpose:
            caffe_in = caffe_in.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            caffe_in = caffe_in[self.channel_swap[in_], :, :]
        if in_ in self.raw_scale:
            caffe_in = caffe_in * self.raw_scale[in_]
        if in_ in self.mean:
            caffe_in = caffe_in - self.mean[in_]
        if in_ in self.input_scale:
            caffe_in = caffe_in * self.input_scale[in_]
        return np.asarray(caffe_in, np.float32)

    def deprocess(self, in_, data):
        """What preprocess did, backwards; the size stays that of the input."""
        self.__check_input(in_)
        out = np.array(data, np.float32).squeeze()
        if in_ in self.input_scale:
            out = out / self.input_scale[in_]
        if in_ in self.mean:
            out = out + self.mean[in_]
        if in_ in self.raw_scale:
            out = out / self.raw_scale[in_]
        if in_ in self.channel_swap:
            out = out[np.argsort(self.channel_swap[in_]), :, :]
        if in_ in self.transpose:
            out = out.transpose(np.argsort(self.transpose[in_]))
        return out

    def set_transpose(self, in_, order):
        """The order of axes, e.g. (2, 0, 1) for [H, W, K] to [K, H, W]."""
        self.__check_input(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise Exception("Transpose order needs to have the same number of dimensions as the input.")
        self.transpose[in_] = order

    def set_channel_swap(self, in_, order):
        """The order of channels, e.g. (2, 1, 0) for RGB to BGR."""
        self.__check_input(in_)
        if len(order) != self.inputs[in_][1]:
            raise Exception("Channel swap needs to have the same number of dimensions as the input channels.")
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_, scale):
        """Multiplies before the mean is taken off: 255 for pictures from 0 to 1."""
        self.__check_input(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_, mean):
        """The mean to subtract: one number a channel, or an array [K, H, W] of the input's size."""
        self.__check_input(in_)
        mean = np.asarray(mean)
        ms = mean.shape
        if mean.ndim == 1:
            if ms[0] != self.inputs[in_][1]:
                raise ValueError("Mean channels incompatible with input.")
            mean = mean[:, np.newaxis, np.newaxis]
        else:
            if len(ms) == 2:
                ms = (1,) + ms
            if len(ms) != 3:
                raise ValueError("Mean shape invalid")
            if ms != tuple(self.inputs[in_][1:]):
                if tuple(self.inputs[in_][2:]) == ms[1:]:
                    raise ValueError("Mean channels incompatible with input.")
                low, high = mean.min(), mean.max()
                span = (high - low) or 1
                resized = resize_image(((mean - low) / span).reshape(ms).transpose(1, 2, 0), self.inputs[in_][2:])
                mean = resized.transpose(2, 0, 1) * span + low
        self.mean[in_] = mean

    def set_input_scale(self, in_, scale):
        """Multiplies after the mean is taken off."""
        self.__check_input(in_)
        self.input_scale[in_] = scale
