"""What Caffe's Python layers use of the module `caffe`, for layers that Mokapot runs: blobs, the base class, the phases.

A layer's file says `import caffe` and finds this module in the process that Mokapot started for it, with `caffe.io`
beside it. Nothing else of pycaffe is here: networks and solvers are Mokapot's own.
"""

import operator

import numpy

from . import io  # noqa: F401


class Phase(int):
    """A phase: a number, as in BVLC Caffe, whose text is its name, as in the forks of R-CNN."""

    def __str__(self):
        return "TEST" if self else "TRAIN"

    __repr__ = __str__


TRAIN = Phase(0)
TEST = Phase(1)


class Blob(object):
    """Numbers of a shape, with their gradient. `data` and `diff` are views: write into them, as in `data[...] = x`."""

    def __init__(self, *shape):
        self._shape = ()
        self._data = numpy.zeros(1, numpy.float32)
        self._diff = None
        self.reshape(*shape)

    def reshape(self, *shape):
        """Gives the blob another shape. What it held stays where there is room for it, as in Caffe."""
        dims = tuple(_axis(d, shape) for d in shape)
        if dims == self._shape:
            return
        self._shape = dims
        if self.count > self._data.size:
            self._data = numpy.zeros(self.count, numpy.float32)
            self._diff = None

    @property
    def data(self):
        return self._data[: self.count].reshape(self._shape)

    @data.setter
    def data(self, _):
        raise AttributeError("a blob's data is written into, not replaced: blob.data[...] = x")

    @property
    def diff(self):
        if self._diff is None:
            self._diff = numpy.zeros(self._data.size, numpy.float32)
        return self._diff[: self.count].reshape(self._shape)

    @diff.setter
    def diff(self, _):
        raise AttributeError("a blob's diff is written into, not replaced: blob.diff[...] = x")

    @property
    def shape(self):
        return self._shape

    @property
    def count(self):
        count = 1
        for d in self._shape:
            count *= d
        return count

    @property
    def num_axes(self):
        return len(self._shape)

    @property
    def num(self):
        return self._legacy(0)

    @property
    def channels(self):
        return self._legacy(1)

    @property
    def height(self):
        return self._legacy(2)

    @property
    def width(self):
        return self._legacy(3)

    def _legacy(self, axis):
        if len(self._shape) > 4:
            raise AttributeError("num, channels, height and width are of blobs with at most 4 axes; shape is %r" % (self._shape,))
        return self._shape[axis] if axis < len(self._shape) else 1


def _axis(d, shape):
    try:
        axis = operator.index(d)
    except TypeError:
        shown = ", ".join(repr(s) for s in shape)
        if isinstance(d, (tuple, list)):
            raise TypeError("reshape(%s): each axis is an argument of its own; write reshape(*shape)" % shown)
        if isinstance(d, (float, numpy.floating)):
            raise TypeError("reshape(%s): %r is a float; in Python 3 / gives a float, // a whole number" % (shown, d))
        raise TypeError("reshape(%s): axes are whole numbers" % shown)
    if axis < 0:
        raise ValueError("reshape(%s): axes are whole numbers from 0 on" % ", ".join(repr(s) for s in shape))
    return axis


class BlobVec(list):
    """A layer's own parameters."""

    def add_blob(self, *shape):
        """One more, of zeros; `setup` may fill its data."""
        self.append(Blob(*shape))


class LayerParameter(object):
    """What a layer's constructor is given. `param_str` and `phase` are the layer's own attributes."""

    def __init__(self, name):
        self.name = name
        self.type = "Python"


class Layer(object):
    """What a layer extends: setup, reshape, forward and backward are its own."""

    type = "Python"

    def __init__(self, param=None):
        pass

    @property
    def param_str_(self):
        """What param_str was called until 2015."""
        return self.param_str

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        raise NotImplementedError("the class has no method reshape(self, bottom, top)")

    def forward(self, bottom, top):
        raise NotImplementedError("the class has no method forward(self, bottom, top)")


def set_mode_cpu():
    """Where a layer's process computes is numpy's affair."""


def set_mode_gpu():
    """The same."""


def set_device(_):
    """The same."""


def __getattr__(name):
    raise AttributeError(
        "Mokapot's module caffe has what layers use (Layer, io, TRAIN, TEST), and no %s: "
        "networks and solvers run in Mokapot itself" % name
    )
