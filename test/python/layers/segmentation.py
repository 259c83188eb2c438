"""Layers for segmentation, as people write them. segmentation.ts beside it has the same in TypeScript."""

import caffe
import numpy as np


class DiceLoss(caffe.Layer):
    """1 - 2 sum(pg) / (sum(p) + sum(g)) of the second class's softmax share, over the whole batch."""

    def setup(self, bottom, top):
        self.epsilon = float(self.param_str or 1)

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        scores = bottom[0].data
        self.p = 1 / (1 + np.exp(scores[:, 0] - scores[:, 1]))
        self.g = bottom[1].data[:, 0] == 1
        self.above = 2 * np.sum(self.p * self.g) + self.epsilon
        self.below = np.sum(self.p) + np.sum(self.g) + self.epsilon
        top[0].data[...] = 1 - self.above / self.below

    def backward(self, top, propagate_down, bottom):
        if not propagate_down[0]:
            return
        slope = -(2 * self.g * self.below - self.above) / self.below ** 2
        towards = top[0].diff[0] * slope * self.p * (1 - self.p)
        bottom[0].diff[:, 0] = -towards
        bottom[0].diff[:, 1] = towards


class MultiClassDice(caffe.Layer):
    """Dice of each class over the batch, 1 where it is in neither."""

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].channels)

    def forward(self, bottom, top):
        predicted = bottom[0].data.argmax(axis=1)
        label = bottom[1].data[:, 0]
        for c in range(bottom[0].channels):
            p, l = predicted == c, label == c
            area = p.sum() + l.sum()
            top[0].data[c] = 2.0 * (p & l).sum() / area if area else 1


class IoU(caffe.Layer):
    """Mean and each class's intersection over union; a class in neither is 1 and not in the mean."""

    def reshape(self, bottom, top):
        top[0].reshape(1)
        top[1].reshape(bottom[0].channels)

    def forward(self, bottom, top):
        predicted = bottom[0].data.argmax(axis=1)
        label = bottom[1].data[:, 0]
        found = []
        for c in range(bottom[0].channels):
            p, l = predicted == c, label == c
            union = (p | l).sum()
            top[1].data[c] = (p & l).sum() / float(union) if union else 1
            if union:
                found.append(top[1].data[c])
        top[0].data[0] = np.mean(found)


class Counting(caffe.Layer):
    """A data layer: whole numbers in rows of growing length, as layers that read one picture after the other make them."""

    def setup(self, bottom, top):
        self.next = 0
        self.rows = 0
        top[0].reshape(1, 2)

    def reshape(self, bottom, top):
        self.rows = self.rows % 3 + 1
        top[0].reshape(self.rows, 2)

    def forward(self, bottom, top):
        n = top[0].count
        top[0].data[...] = np.arange(self.next, self.next + n).reshape(top[0].shape)
        self.next += n


class Affine(caffe.Layer):
    """y = a x + b with two learnt numbers, and a third that counts the forwards (param lr_mult 0)."""

    def setup(self, bottom, top):
        self.blobs.add_blob(1)
        self.blobs.add_blob(1)
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = float(self.param_str or 0.5)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.blobs[0].data[0] * bottom[0].data + self.blobs[1].data[0]
        if self.phase == caffe.TRAIN:
            self.blobs[2].data[...] += 1

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += np.sum(top[0].diff * bottom[0].data)
        self.blobs[1].diff[...] += np.sum(top[0].diff)
        if propagate_down[0]:
            bottom[0].diff[...] = self.blobs[0].data[0] * top[0].diff
