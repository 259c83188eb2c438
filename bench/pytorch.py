"""The twin of a network in PyTorch, measured as bench/measure.ts measures ours: `pytorch.py forward|step [DEVICE] < described.json`;
or of the whole loop for bench/loop.ts: `pytorch.py loop FOLDER EPOCHS`.

Layers are executed in the prototxt's order by torch's own functions; a step is forward, backward and torch.optim's SGD or Adam.
An LSTM is torch.nn.LSTM, which has no `cont`. Parameters are on DEVICE (`cpu`, or `cuda`); what is fed crosses to it in each run, as ours does.
"""

import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F

WARM_UP = 2


def pair(param, name, default):
    """kernel_size, stride, pad, dilation as repeated or single fields, or as _h and _w."""
    stem = name.replace("_size", "")
    if f"{stem}_h" in param or f"{stem}_w" in param:
        return (param.get(f"{stem}_h", default), param.get(f"{stem}_w", default))
    value = param.get(name, default)
    values = value if isinstance(value, list) else [value]
    return (values[0], values[-1]) if values else (default, default)


def fold_scales(layers):
    """BatchNorm with the Scale behind it is one op in PyTorch: the Scale's parameters go to the BatchNorm."""
    for before, after in zip(layers, layers[1:]):
        if before["type"] == "BatchNorm" and after["type"] == "Scale" and after["bottoms"] == before["tops"]:
            before["affine"] = after["name"]
            after["type"] = "Folded"


def build(layers):
    return {l["name"]: [torch.nn.Parameter(torch.empty(s).uniform_(-0.01, 0.01)) for s in l["shapes"]] for l in layers}


def pool(x, p, out):
    if p.get("global_pooling"):
        return F.adaptive_avg_pool2d(x, 1) if p.get("pool") == "AVE" else F.adaptive_max_pool2d(x, 1)
    args = dict(kernel_size=pair(p, "kernel_size", 1), stride=pair(p, "stride", 1), padding=pair(p, "pad", 0), ceil_mode=True)
    return F.avg_pool2d(x, **args) if p.get("pool") == "AVE" else F.max_pool2d(x, **args)


def eltwise(bottoms, p):
    if p.get("operation", "SUM") == "PROD":
        return torch.stack(bottoms).prod(0)
    if p.get("operation") == "MAX":
        return torch.stack(bottoms).amax(0)
    total = bottoms[0]
    for b in bottoms[1:]:
        total = total + b
    return total


def crop(x, p, shape):
    axis = p.get("axis", 2)
    offset = p.get("offset", [0])
    for i, size in enumerate(shape[axis:]):
        x = x.narrow(axis + i, offset[i] if len(offset) > 1 else (offset or [0])[0], size)
    return x


def run_layer(l, b, w, training):
    """The tops of one layer from its bottoms `b` and parameters `w`; None for what has no twin (it is left out)."""
    kind = l["type"]
    p = next(iter(l["param"].values()), {})
    bias = w[1] if len(w) > 1 else None
    if kind in ("Convolution", "Deconvolution"):
        args = dict(stride=pair(p, "stride", 1), padding=pair(p, "pad", 0), groups=p.get("group", 1), dilation=pair(p, "dilation", 1))
        return (F.conv2d if kind == "Convolution" else F.conv_transpose2d)(b[0], w[0], bias, **args)
    if kind == "InnerProduct":
        return F.linear(b[0] if p.get("axis", 1) == b[0].dim() - 1 else b[0].flatten(1), w[0], bias)
    if kind == "BatchNorm":
        mean, var = l.setdefault("state", [f(b[0].shape[1], device=b[0].device) for f in (torch.zeros, torch.ones)])
        return F.batch_norm(b[0], mean, var, *l.get("affine_weights", (None, None)), training, 0.05, 1e-5)
    if kind == "Folded":
        return b[0]
    if kind == "MVN":
        return F.layer_norm(b[0], b[0].shape[2:])
    if kind == "Flatten":
        return b[0].flatten(1)
    if kind == "Embed":
        return F.embedding(b[0].long(), w[0])
    if kind == "LSTM":
        return l["module"](b[0])[0]
    if kind == "ReLU":
        return F.relu(b[0])
    if kind == "Pooling":
        return pool(b[0], p, l["top_shapes"][0])
    if kind == "LRN":
        return F.local_response_norm(b[0], p.get("local_size", 5), p.get("alpha", 1.0), p.get("beta", 0.75), p.get("k", 1.0))
    if kind == "Dropout":
        return F.dropout(b[0], p.get("dropout_ratio", 0.5), training)
    if kind == "Power":
        return (b[0] * p.get("scale", 1.0) + p.get("shift", 0.0)) ** p.get("power", 1.0) if p.get("power", 1.0) != 1 else b[0] * p.get("scale", 1.0) + p.get("shift", 0.0)
    if kind == "Crop":
        return crop(b[0], p, l["top_shapes"][0])
    if kind == "Eltwise":
        return eltwise(b, p)
    if kind == "Concat":
        return torch.cat(b, p.get("axis", 1))
    if kind == "SoftmaxWithLoss":
        label = b[1].long()
        if p.get("axis") == 2:
            return F.cross_entropy(b[0].flatten(0, 1), label.flatten())
        return F.cross_entropy(b[0], label.flatten() if b[0].dim() == 2 else label.squeeze(1))
    if kind in ("Accuracy", "Python", "Softmax", "Silence"):
        return None
    raise SystemExit(f"no twin for layer type {kind}")


def forward(described, params, feeds, training):
    blobs = dict(feeds)
    loss = None
    for l in described["layers"]:
        if l["type"] in ("Data", "Input"):
            continue
        if l["type"] == "Split":
            for top in l["tops"]:
                blobs[top] = blobs[l["bottoms"][0]]
            continue
        if any(name not in blobs for name in l["bottoms"]):
            continue
        top = run_layer(l, [blobs[n] for n in l["bottoms"]], params[l["name"]], training)
        if top is None:
            continue
        blobs[l["tops"][0]] = top
        if l["type"] == "SoftmaxWithLoss":
            loss = top
    return loss


def loop(described, params, optimizer, folder, epochs):
    """What a training script does: shuffled batches of a DataLoader, a validation after each epoch (bench/loop.ts)."""
    batch, _, height, width = described["inputs"]["data"]

    def loader(part, shuffle):
        arrays = [torch.from_file(f"{folder}/{part}_{f}.f32", size=os.path.getsize(f"{folder}/{part}_{f}.f32") // 4) for f in ("data", "label")]
        pairs = torch.utils.data.TensorDataset(*(a.view(-1, 1, height, width).clone() for a in arrays))
        return torch.utils.data.DataLoader(pairs, batch_size=batch, shuffle=shuffle, drop_last=True)

    train, val = loader("train", True), loader("val", False)
    stamps, began = [], time.perf_counter()
    for _ in range(epochs):
        for data, label in train:
            optimizer.zero_grad(set_to_none=True)
            loss = forward(described, params, {"data": data, "label": label}, True)
            loss.backward()
            optimizer.step()
            loss.item()
            stamps.append(time.perf_counter())
        with torch.inference_mode():
            for data, label in val:
                forward(described, params, {"data": data, "label": label}, False).item()
    steps = [b - a for a, b in zip(stamps[2:], stamps[3:])]
    print(json.dumps({"steps": steps, "perSecond": len(stamps) * batch / (time.perf_counter() - began)}))


def main():
    started = time.perf_counter()
    described = json.load(sys.stdin)
    training = sys.argv[1] != "forward"
    device = sys.argv[2] if len(sys.argv) > 2 and sys.argv[1] != "loop" else "cpu"
    finish = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    if device != "cpu":
        torch.set_default_device(device)
    layers = described["layers"]
    fold_scales(layers)
    params = build(layers)
    flat = [w for ws in params.values() for w in ws]
    for l in layers:
        if "affine" in l:
            l["affine_weights"] = params[l["affine"]]
        if l["type"] == "BatchNorm":
            flat = [w for w in flat if all(w is not own for own in params[l["name"]])]
        if l["type"] == "LSTM":
            wide, narrow = l["shapes"][0][1], l["shapes"][0][0] // 4
            l["module"] = torch.nn.LSTM(wide, narrow)
            flat = [w for w in flat if all(w is not own for own in params[l["name"]])] + list(l["module"].parameters())
    if device != "cpu":
        torch.set_default_device(None)  # it costs time in every call
    feeds = {
        name: (torch.rand(shape) < 0.02).float() if name == "label" else torch.rand(shape) * (255 if name == "data" else 64)
        for name, shape in described["inputs"].items()
    }
    if described["solver"] == "Adam":
        optimizer = torch.optim.Adam(flat, lr=1e-6, weight_decay=5e-4)
    else:
        optimizer = torch.optim.SGD(flat, lr=1e-6, momentum=0.9, weight_decay=5e-4)
    finish()
    ready = time.perf_counter() - started

    def fed():
        return feeds if device == "cpu" else {name: value.to(device) for name, value in feeds.items()}

    def step():
        optimizer.zero_grad(set_to_none=True)
        forward(described, params, fed(), True).backward()
        optimizer.step()

    def infer():
        with torch.inference_mode():
            forward(described, params, fed(), False)

    if sys.argv[1] == "loop":
        loop(described, params, optimizer, sys.argv[2], int(sys.argv[3]))
        return

    times = []
    for i in range(WARM_UP + described["runs"]):
        start = time.perf_counter()
        step() if training else infer()
        finish()
        if i >= WARM_UP:
            times.append(time.perf_counter() - start)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    engine = f"PyTorch {torch.__version__.split('+')[0]}" + ("" if device == "cpu" else f", {device}")
    print(json.dumps({"engine": engine, "ready": ready, "times": times, "bytes": held}))


main()
