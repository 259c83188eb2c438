"""Caffe's losses as Python layers: what BVLC Caffe computes, by the formulas of its documentation."""

import json

import caffe
import numpy as np


class EuclideanLossLayer(caffe.Layer):
    """In the manner of Caffe's own example, examples/pycaffe/layers/pyloss.py: no heed of loss_weight."""

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("Two bottoms are needed for a distance.")

    def reshape(self, bottom, top):
        if bottom[0].count != bottom[1].count:
            raise Exception("Both bottoms must have the same size.")
        self.diff = np.zeros_like(bottom[0].data, dtype=np.float32)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.diff[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = np.sum(self.diff ** 2) / bottom[0].num / 2.

    def backward(self, top, propagate_down, bottom):
        for i in range(2):
            if not propagate_down[i]:
                continue
            sign = 1 if i == 0 else -1
            bottom[i].diff[...] = sign * self.diff / bottom[i].num


class SoftmaxLoss(caffe.Layer):
    def setup(self, bottom, top):
        self.params = json.loads(self.param_str or "{}")

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        x = bottom[0].data
        n, classes = x.shape[:2]
        flat = x.reshape(n, classes, -1)
        e = np.exp(flat - flat.max(axis=1, keepdims=True))
        self.share = e / e.sum(axis=1, keepdims=True)
        label = bottom[1].data.reshape(n, -1).astype(int)
        self.counts = label != self.params.get("ignore_label", -1)
        self.picked = np.eye(classes, dtype=np.float32)[np.where(self.counts, label, 0)].transpose(0, 2, 1)
        losses = -np.log(np.sum(self.share * self.picked, axis=1))
        self.norm = {"VALID": max(1, self.counts.sum()), "FULL": max(1, label.size), "BATCH_SIZE": n, "NONE": 1}[
            self.params.get("normalization", "VALID")
        ]
        top[0].data[0] = np.sum(losses * self.counts) / self.norm

    def backward(self, top, propagate_down, bottom):
        if propagate_down[1]:
            raise Exception("A label has no gradient.")
        if propagate_down[0]:
            gradient = (self.share - self.picked) * self.counts[:, np.newaxis]
            bottom[0].diff[...] = top[0].diff[0] * gradient.reshape(bottom[0].shape) / self.norm


class SigmoidCrossEntropy(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        x, t = bottom[0].data, bottom[1].data
        terms = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
        top[0].data[...] = terms.sum() / bottom[0].num

    def backward(self, top, propagate_down, bottom):
        x, t = bottom[0].data, bottom[1].data
        bottom[0].diff[...] = top[0].diff * (1 / (1 + np.exp(-x)) - t) / bottom[0].num


class Hinge(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        x = bottom[0].data
        self.sign = np.ones_like(x)
        self.sign[np.arange(len(x)), bottom[1].data.astype(int).ravel()] = -1
        self.margin = np.maximum(0, 1 + self.sign * x)
        top[0].data[...] = (self.margin ** 2 if self.param_str == "L2" else self.margin).sum() / len(x)

    def backward(self, top, propagate_down, bottom):
        slope = 2 * self.margin if self.param_str == "L2" else np.sign(self.margin)
        bottom[0].diff[...] = top[0].diff * self.sign * slope / bottom[0].num


class Contrastive(caffe.Layer):
    def setup(self, bottom, top):
        self.params = json.loads(self.param_str)

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.d = bottom[0].data - bottom[1].data
        self.squares = (self.d ** 2).sum(axis=1)
        self.similar = bottom[2].data.ravel() != 0
        margin = self.params["margin"]
        apart = np.maximum(margin - self.squares, 0) if self.params.get("legacy") else np.maximum(margin - np.sqrt(self.squares), 0) ** 2
        top[0].data[...] = np.where(self.similar, self.squares, apart).sum() / 2 / len(self.d)

    def backward(self, top, propagate_down, bottom):
        margin = self.params["margin"]
        if self.params.get("legacy"):
            slope = np.where(margin - self.squares > 0, -1.0, 0.0)
        else:
            distance = np.sqrt(self.squares)
            slope = np.where(margin > distance, -(margin - distance) / (distance + 1e-4), 0)
        gradient = np.where(self.similar, 1, slope)[:, np.newaxis] * self.d * top[0].diff / len(self.d)
        for i, sign in enumerate([1, -1]):
            if propagate_down[i]:
                bottom[i].diff[...] = sign * gradient


class Multinomial(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        label = bottom[1].data.astype(int).ravel()
        share = bottom[0].data[np.arange(bottom[0].num), label]
        top[0].data[...] = -np.log(np.maximum(share, 1e-20)).mean()

    def backward(self, top, propagate_down, bottom):
        label = bottom[1].data.astype(int).ravel()
        rows = np.arange(bottom[0].num)
        bottom[0].diff[...] = 0
        bottom[0].diff[rows, label] = -top[0].diff / np.maximum(bottom[0].data[rows, label], 1e-20) / bottom[0].num
