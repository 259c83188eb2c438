"""Writes cases.json: SSD's MultiBoxLoss, DetectionOutput and PriorBox written down in numpy, one number at a time, at random inputs.

A port by reading of weiliu89/caffe (branch ssd): multibox_loss_layer.cpp, detection_output_layer.cpp, prior_box_layer.cpp,
bbox_util.cpp. Run: python make.py (numpy).
"""
import json
import math
from pathlib import Path

import numpy as np

f32 = np.float32
FLT_MIN = np.finfo(f32).tiny


def box_size(b):
    return f32(0) if b[2] < b[0] or b[3] < b[1] else f32(f32(b[2] - b[0]) * f32(b[3] - b[1]))


def jaccard(a, b):
    if b[0] > a[2] or b[2] < a[0] or b[1] > a[3] or b[3] < a[1]:
        return f32(0)
    w, h = f32(min(a[2], b[2]) - max(a[0], b[0])), f32(min(a[3], b[3]) - max(a[1], b[1]))
    if not (w > 0 and h > 0):
        return f32(0)
    inter = f32(w * h)
    return f32(inter / f32(f32(box_size(a) + box_size(b)) - inter))


def encode(prior, var, code_type, in_target, box):
    v = np.ones(4) if in_target else np.asarray(var, float)
    p, g = np.asarray(prior, float), np.asarray(box, float)
    pw, ph = p[2] - p[0], p[3] - p[1]
    if code_type == "CORNER":
        return (g - p) / v
    if code_type == "CORNER_SIZE":
        return (g - p) / np.array([pw, ph, pw, ph]) / v
    gw, gh = g[2] - g[0], g[3] - g[1]
    return np.array([((g[0] + g[2]) / 2 - (p[0] + p[2]) / 2) / pw, ((g[1] + g[3]) / 2 - (p[1] + p[3]) / 2) / ph, math.log(gw / pw), math.log(gh / ph)]) / v


def decode(prior, var, code_type, in_target, code):
    v = np.ones(4) if in_target else np.asarray(var, float)
    p, c = np.asarray(prior, float), np.asarray(code, float) * v
    pw, ph = p[2] - p[0], p[3] - p[1]
    if code_type == "CORNER":
        return (p + c).astype(f32)
    if code_type == "CORNER_SIZE":
        return (p + c * np.array([pw, ph, pw, ph])).astype(f32)
    cx, cy = c[0] * pw + (p[0] + p[2]) / 2, c[1] * ph + (p[1] + p[3]) / 2
    w, h = math.exp(c[2]) * pw, math.exp(c[3]) * ph
    return np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], f32)


def match_bbox(gt, pred, label, P):
    n = len(pred)
    index, best = [-1] * n, [f32(0)] * n
    gts = [i for i, g in enumerate(gt) if label == -1 or g["label"] == label]
    if not gts:
        return index, best
    overlaps = {}
    for i in range(n):
        if P["ignore_cross_boundary_bbox"] and any(v < 0 or v > 1 for v in pred[i]):
            index[i] = -2
            continue
        for j in range(len(gts)):
            o = jaccard(pred[i], gt[gts[j]]["box"])
            if o > 1e-6:
                best[i] = max(best[i], o)
                overlaps.setdefault(i, {})[j] = o
    pool = list(range(len(gts)))
    while pool:
        mi, mj, mo = -1, -1, -1
        for i in sorted(overlaps):
            if index[i] != -1:
                continue
            for j in pool:
                if j in overlaps[i] and overlaps[i][j] > mo:
                    mi, mj, mo = i, j, overlaps[i][j]
        if mi == -1:
            break
        index[mi], best[mi] = gts[mj], mo
        pool.remove(mj)
    if P["match_type"] == "PER_PREDICTION":
        for i in sorted(overlaps):
            if index[i] != -1:
                continue
            mj, mo = -1, -1
            for j in range(len(gts)):
                if j in overlaps[i] and overlaps[i][j] >= f32(P["overlap_threshold"]) and overlaps[i][j] > mo:
                    mj, mo = j, overlaps[i][j]
            if mj != -1:
                index[i], best[i] = gts[mj], mo
    return index, best


def softmax_loss(x, label):
    e = np.exp(x - x.max())
    return -math.log(max(e[label] / e.sum(), FLT_MIN))


def sigmoid_ce(x, t):
    return -(x * (t - (x >= 0)) - math.log(1 + math.exp(x - 2 * x * (x >= 0))))


def smooth(d, kind):
    return 0.5 * d * d if kind == "L2" or abs(d) < 1 else abs(d) - 0.5


def slope(d, kind):
    return d if kind == "L2" or abs(d) < 1 else np.sign(d)


def apply_nms(boxes, scores, threshold, top_k):
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    if -1 < top_k < len(order):
        order = order[:top_k]
    kept = []
    while order:
        best = order.pop(0)
        if box_size(boxes[best]) < 1e-5:
            continue
        kept.append(best)
        if top_k > -1 and len(kept) >= top_k:
            break
        order = [i for i in order if box_size(boxes[i]) >= 1e-5 and not jaccard(boxes[best], boxes[i]) > f32(threshold)]
    return kept


DEFAULTS = dict(loc_loss_type="SMOOTH_L1", conf_loss_type="SOFTMAX", loc_weight=1.0, share_location=True, match_type="PER_PREDICTION", overlap_threshold=0.5, use_prior_for_matching=True, background_label_id=0, use_difficult_gt=True, neg_pos_ratio=3.0, neg_overlap=0.5, code_type="CORNER", encode_variance_in_target=False, map_object_to_agnostic=False, ignore_cross_boundary_bbox=False, bp_inside=False, mining_type="MAX_NEGATIVE", sample_size=64, use_prior_for_nms=False)


def multibox(given, loss_param, loc, conf, prior, gt_rows):
    P = {**DEFAULTS, **given}
    num, n_priors = loc.shape[0], prior.shape[2] // 4
    classes, bg = P["num_classes"], P["background_label_id"]
    loc_classes = 1 if P["share_location"] else classes
    boxes, variances = prior[0, 0].reshape(-1, 4), prior[0, 1].reshape(-1, 4)
    loc4, conf3 = loc.reshape(num, n_priors, loc_classes, 4), conf.reshape(num, n_priors, classes)
    code, in_target = P["code_type"], P["encode_variance_in_target"]
    gt = {}
    for r in gt_rows:
        if int(r[0]) == -1 or (not P["use_difficult_gt"] and r[7]):
            continue
        gt.setdefault(int(r[0]), []).append(dict(label=int(r[1]), box=r[3:7]))
    decoded = lambda i, label: [decode(boxes[p], variances[p], code, in_target, loc4[i, p, max(label, 0)]) for p in range(n_priors)]
    all_match, all_over = [], []
    for i in range(num):
        m, o = {}, {}
        if i in gt:
            labels = [-1] if P["share_location"] else [c for c in range(classes) if c != bg]
            if not P["use_prior_for_matching"]:
                for c in labels:
                    m[c], o[c] = match_bbox(gt[i], decoded(i, c), c, P)
            else:
                t, to = match_bbox(gt[i], list(boxes), -1, P)
                for c in labels:
                    m[c] = list(t) if c == -1 else [k if k > -1 and gt[i][k]["label"] == c else -1 for k in t]
                    o[c] = to
        all_match.append(m)
        all_over.append(o)

    def pairs(i, c):
        out = []
        for j, k in enumerate(all_match[i][c]):
            if k <= -1:
                continue
            g = encode(boxes[j], variances[j], code, in_target, gt[i][k]["box"])
            pred = loc4[i, j, max(c, 0)].astype(float)
            if P["bp_inside"]:
                mb = boxes[j] if P["use_prior_for_matching"] else decode(boxes[j], variances[j], code, in_target, pred)
                pred = np.array([g[q] if mb[q] < 0 or mb[q] > 1 else pred[q] for q in range(4)])
            if in_target:
                pred, g = pred / variances[j], g / variances[j]
            out.append((j, pred, g))
        return out

    negatives = [[] for _ in range(num)]
    mining = P["mining_type"]
    if mining != "NONE":
        for i in range(num):
            for c, m in all_match[i].items():
                loss = []
                for p in range(n_priors):
                    label = gt[i][m[p]]["label"] if m[p] > -1 else bg
                    x = conf3[i, p].astype(float)
                    loss.append(softmax_loss(x, label) if P["conf_loss_type"] == "SOFTMAX" else sum(sigmoid_ce(x[q], float(q == label)) for q in range(classes)))
                if mining == "HARD_EXAMPLE":
                    for j, pred, g in pairs(i, c):
                        loss[j] += sum(smooth(d, P["loc_loss_type"]) for d in pred - g)
                eligible = [q for q in range(n_priors) if mining == "HARD_EXAMPLE" or (m[q] == -1 and all_over[i][c][q] < f32(P["neg_overlap"]))]
                most = len(eligible)
                if mining == "MAX_NEGATIVE":
                    most = min(int(f32(sum(k > -1 for k in m) * f32(P["neg_pos_ratio"]))), most)
                else:
                    most = min(P["sample_size"], most)
                nms = P.get("nms_param")
                if nms is not None and nms.get("nms_threshold", 0.3) > 0:
                    where = list(boxes) if P["use_prior_for_nms"] else decoded(i, c)
                    kept = apply_nms([where[q] for q in eligible], [loss[q] for q in eligible], nms.get("nms_threshold", 0.3), nms.get("top_k", 0))
                    chosen = {eligible[q] for q in kept[:most]}
                else:
                    chosen = set(sorted(eligible, key=lambda q: -loss[q])[:most])
                for q in range(n_priors):
                    if m[q] > -1:
                        if mining == "HARD_EXAMPLE" and q not in chosen:
                            m[q] = -1
                    elif m[q] == -1 and q in chosen:
                        negatives[i].append(q)
    matches = sum(k > -1 for m in all_match for v in m.values() for k in v)
    loc_grad, conf_grad = np.zeros(loc4.shape), np.zeros(conf3.shape)
    loc_loss = conf_loss = 0.0
    for i in range(num):
        for c in all_match[i]:
            for j, pred, g in pairs(i, c):
                for q in range(4):
                    loc_loss += smooth(pred[q] - g[q], P["loc_loss_type"])
                    loc_grad[i, j, max(c, 0), q] = P["loc_weight"] * slope(pred[q] - g[q], P["loc_loss_type"])
    agnostic = lambda i, k: bg + 1 if P["map_object_to_agnostic"] else gt[i][k]["label"]
    rows, labels = [], []
    if mining == "NONE":
        flat_gt = np.full(num * n_priors * classes, float(bg))
        for i in range(num):
            for j in range(n_priors):
                label = bg
                for m in all_match[i].values():
                    if m[j] > -1:
                        label = agnostic(i, m[j])
                        flat_gt[i * n_priors + j * classes + label] = 1
                rows.append((i, j))
                labels.append(label)
        targets = flat_gt.reshape(-1, classes)
    else:
        targets = []
        for i in range(num):
            for m in all_match[i].values():
                for j in range(n_priors):
                    if m[j] > -1:
                        rows.append((i, j))
                        labels.append(agnostic(i, m[j]))
                        t = np.full(classes, float(bg))
                        t[labels[-1]] = 1
                        targets.append(t)
            for j in negatives[i]:
                rows.append((i, j))
                labels.append(bg)
                t = np.full(classes, float(bg))
                if 0 <= bg < classes:
                    t[bg] = 1
                targets.append(t)
    for r, (i, j) in enumerate(rows):
        x = conf3[i, j].astype(float)
        if P["conf_loss_type"] == "SOFTMAX":
            conf_loss += softmax_loss(x, labels[r])
            e = np.exp(x - x.max())
            conf_grad[i, j] = e / e.sum() - (np.arange(classes) == labels[r])
        else:
            conf_loss += sum(sigmoid_ce(x[q], targets[r][q]) for q in range(classes))
            conf_grad[i, j] = 1 / (1 + np.exp(-x)) - targets[r]
    mode = loss_param.get("normalization", "VALID")
    by = max(1, {"VALID": matches, "FULL": num * n_priors, "BATCH_SIZE": num, "NONE": 1}[mode])
    total = (P["loc_weight"] * loc_loss + conf_loss) / by
    return total, loc_grad / by, conf_grad / by, matches


def proto(fields):
    def value(v):
        return "{ " + proto(v) + " }" if isinstance(v, dict) else str(v).lower() if isinstance(v, bool) else str(v)

    return " ".join(f"{k} {value(v)}" if isinstance(v, dict) else f"{k}: {value(v)}" for k, v in fields.items())


def rounded(a):
    return [float(f"{v:.7g}") for v in np.asarray(a, f32).ravel().astype(float)]


def short(a):
    """Three digits, so that the file's decimals are the very floats."""
    return np.round(a, 3).astype(f32)


def random_boxes(rng, n):
    """Half of them anywhere, half of them near these."""
    c, s = rng.uniform(-0.05, 1.05, (n // 2, 2)), rng.uniform(0.15, 0.6, (n // 2, 2))
    boxes = np.concatenate([c - s / 2, c + s / 2], 1)
    return short(np.concatenate([boxes, boxes + rng.normal(0, 0.03, boxes.shape)]))


def multibox_case(rng, given, loss_param):
    P = {**DEFAULTS, **given}
    num, n_priors, classes = 3, 12, P["num_classes"]
    loc_classes = 1 if P["share_location"] else classes
    priors = random_boxes(rng, n_priors)
    variances = np.tile(f32([0.1, 0.1, 0.2, 0.2]), (n_priors, 1))
    prior = np.concatenate([priors.ravel(), variances.ravel()]).reshape(1, 2, -1)
    rows = []
    objects = [c for c in range(classes) if c != P["background_label_id"]]
    for picture in [0, 0, 0, 2, 2, -1]:  # picture 1 has none
        near = short(priors[rng.integers(n_priors)] + rng.normal(0, 0.04, 4))
        rows.append([picture, objects[rng.integers(len(objects))], 0, *near, int(rng.random() < 0.3)])
    gt = np.array(rows, f32)
    loc = short(rng.normal(0, 1.5, (num, n_priors * loc_classes * 4)))
    conf = short(rng.normal(0, 2, (num, n_priors * classes)))
    loss, dloc, dconf, matches = multibox(given, loss_param, loc, conf, prior, gt)
    body = f"multibox_loss_param {{ {proto(given)} }}" + (f" loss_param {{ {proto(loss_param)} }}" if loss_param else "")
    return dict(body=body, matches=int(matches), loc=rounded(loc), conf=rounded(conf), prior=rounded(prior), gt=rounded(gt), shapes=dict(loc=list(loc.shape), conf=list(conf.shape), prior=list(prior.shape), gt=[1, 1, len(gt), 8]), loss=float(f"{loss:.7g}"), dloc=rounded(dloc), dconf=rounded(dconf))


MULTIBOX = [
    ({}, {}),
    (dict(code_type="CENTER_SIZE", neg_pos_ratio=1.5, neg_overlap=0.3), {}),
    (dict(code_type="CORNER_SIZE", loc_loss_type="L2", loc_weight=0.5), {}),
    (dict(code_type="CENTER_SIZE", encode_variance_in_target=True), {}),
    (dict(code_type="CORNER_SIZE", encode_variance_in_target=True, match_type="BIPARTITE"), {}),
    (dict(match_type="BIPARTITE", use_difficult_gt=False), dict(normalization="FULL")),
    (dict(overlap_threshold=0.2, ignore_cross_boundary_bbox=True), dict(normalization="BATCH_SIZE")),
    (dict(use_prior_for_matching=False, code_type="CENTER_SIZE"), dict(normalization="NONE")),
    (dict(bp_inside=True, overlap_threshold=0.3), {}),
    (dict(bp_inside=True, use_prior_for_matching=False, overlap_threshold=0.3), {}),
    (dict(mining_type="NONE"), {}),
    (dict(mining_type="NONE", share_location=False, code_type="CENTER_SIZE"), {}),
    (dict(mining_type="NONE", share_location=False, use_prior_for_matching=False), {}),
    (dict(mining_type="HARD_EXAMPLE", sample_size=7), {}),
    (dict(mining_type="HARD_EXAMPLE", sample_size=9, code_type="CENTER_SIZE", nms_param=dict(nms_threshold=0.3, top_k=100)), {}),
    (dict(mining_type="HARD_EXAMPLE", sample_size=5, use_prior_for_nms=True, nms_param=dict(nms_threshold=0.2, top_k=8)), {}),
    (dict(nms_param=dict(nms_threshold=0.4)), {}),
    (dict(nms_param=dict(nms_threshold=0.1, top_k=20), use_prior_for_nms=True), {}),
    (dict(conf_loss_type="LOGISTIC"), {}),
    (dict(conf_loss_type="LOGISTIC", mining_type="NONE"), {}),
    (dict(conf_loss_type="LOGISTIC", mining_type="HARD_EXAMPLE", sample_size=6, ignore_cross_boundary_bbox=True), {}),
    (dict(conf_loss_type="LOGISTIC", background_label_id=2), {}),
    (dict(background_label_id=3, neg_pos_ratio=0.5), {}),
    (dict(num_classes=2, map_object_to_agnostic=True), {}),
    (dict(num_classes=2, map_object_to_agnostic=True, conf_loss_type="LOGISTIC", mining_type="NONE"), {}),
]


def apply_nms_fast(boxes, scores, least, threshold, eta, top_k):
    order = sorted((i for i in range(len(scores)) if scores[i] > least), key=lambda i: -scores[i])
    if -1 < top_k < len(order):
        order = order[:top_k]
    kept, adaptive = [], f32(threshold)
    for i in order:
        keep = all(jaccard(boxes[i], boxes[k]) <= adaptive for k in kept)
        if keep:
            kept.append(i)
            if eta < 1 and adaptive > 0.5:
                adaptive = f32(adaptive * f32(eta))
    return kept


def detections(given, loc, conf, prior):
    P = {**dict(share_location=True, background_label_id=0, code_type="CORNER", variance_encoded_in_target=False, keep_top_k=-1), **given}
    nms = {**dict(nms_threshold=0.3, eta=1.0, top_k=-1), **P.get("nms_param", {})}
    num, n_priors, classes = loc.shape[0], prior.shape[2] // 4, P["num_classes"]
    boxes, variances = prior[0, 0].reshape(-1, 4), prior[0, 1].reshape(-1, 4)
    loc4 = loc.reshape(num, n_priors, 1 if P["share_location"] else classes, 4)
    conf3 = conf.reshape(num, n_priors, classes)
    rows = []
    for i in range(num):
        found = []
        for c in range(classes):
            if c == P["background_label_id"]:
                continue
            where = [decode(boxes[p], variances[p], P["code_type"], P["variance_encoded_in_target"], loc4[i, p, 0 if P["share_location"] else c]) for p in range(n_priors)]
            kept = apply_nms_fast(where, conf3[i, :, c], P.get("confidence_threshold", -math.inf), nms["nms_threshold"], nms["eta"], nms["top_k"])
            found += [(c, conf3[i, k, c], where[k]) for k in kept]
        if P["keep_top_k"] > -1 and len(found) > P["keep_top_k"]:
            found = sorted(sorted(found, key=lambda r: -r[1])[: P["keep_top_k"]], key=lambda r: r[0])
        rows += [[i, c, s, *b] for c, s, b in found]
    return rows


def detection_case(rng, given):
    num, n_priors, classes = 2, 10, given["num_classes"]
    priors = random_boxes(rng, n_priors)
    prior = np.concatenate([priors.ravel(), np.tile(f32([0.1, 0.1, 0.2, 0.2]), (n_priors, 1)).ravel()]).reshape(1, 2, -1)
    loc = short(rng.normal(0, 0.4, (num, n_priors * (1 if given.get("share_location", True) else classes) * 4)))
    x = np.exp(rng.normal(0, 1.5, (num, n_priors, classes)))
    conf = short((x / x.sum(2, keepdims=True)).reshape(num, -1))
    rows = detections(given, loc, conf, prior)
    return dict(body=f"detection_output_param {{ {proto(given)} }}", loc=rounded(loc), conf=rounded(conf), prior=rounded(prior), shapes=dict(loc=list(loc.shape), conf=list(conf.shape), prior=list(prior.shape)), rows=[rounded(r) for r in rows])


DETECTION = [
    dict(num_classes=3, nms_param=dict(nms_threshold=0.45, top_k=400), keep_top_k=200, confidence_threshold=0.01, code_type="CENTER_SIZE"),
    dict(num_classes=3, nms_param=dict(nms_threshold=0.9, eta=0.8), code_type="CENTER_SIZE"),
    dict(num_classes=4, keep_top_k=4, code_type="CORNER_SIZE"),
    dict(num_classes=3, share_location=False, variance_encoded_in_target=True, nms_param=dict(top_k=3)),
    dict(num_classes=3, background_label_id=2, confidence_threshold=0.5),
    dict(num_classes=2, background_label_id=-1, nms_param=dict(top_k=0)),
]


def prior_boxes(given, layer, image):
    P = {**dict(max_size=[], aspect_ratio=[], flip=True, clip=False, variance=[0.1], offset=0.5), **given}
    ratios = [f32(1)]
    for r in map(f32, P["aspect_ratio"]):
        if all(abs(r - o) >= 1e-6 for o in ratios):
            ratios += [r, f32(1 / r)] if P["flip"] else [r]
    h, w = layer
    ih, iw = (P.get("img_h", P.get("img_size", image[0])), P.get("img_w", P.get("img_size", image[1])))
    sh, sw = (P.get("step_h", P.get("step", ih / h)), P.get("step_w", P.get("step", iw / w)))
    out = []
    for y in range(h):
        for x in range(w):
            cx, cy = (x + P["offset"]) * sw, (y + P["offset"]) * sh
            for s, size in enumerate(P["min_size"]):
                least = int(size)
                shapes = [(least, least)]
                if P["max_size"]:
                    between = math.sqrt(least * int(P["max_size"][s]))
                    shapes.append((between, between))
                shapes += [(least * math.sqrt(r), least / math.sqrt(r)) for r in ratios if abs(r - 1) >= 1e-6]
                for bw, bh in shapes:
                    out.append([(cx - bw / 2) / iw, (cy - bh / 2) / ih, (cx + bw / 2) / iw, (cy + bh / 2) / ih])
    out = np.clip(out, 0, 1) if P["clip"] else np.array(out)
    variance = P["variance"] * 4 if len(P["variance"]) == 1 else P["variance"]
    return out.ravel(), np.tile(variance, len(out))


def prior_case(given, layer, image):
    corners, variances = prior_boxes(given, layer, image)
    flat = " ".join(f"{k}: {str(v).lower() if isinstance(v, bool) else v}" for k, vs in given.items() for v in (vs if isinstance(vs, list) else [vs]))
    return dict(body=f"prior_box_param {{ {flat} }}", shapes=dict(x=[1, 2, *layer], image=[1, 3, *image]), corners=rounded(corners), variances=rounded(variances))


PRIORS = [
    (dict(min_size=[30.0], max_size=[60.0], aspect_ratio=[2.0], variance=[0.1, 0.1, 0.2, 0.2], step=8, flip=True, clip=False, offset=0.5), (3, 2), (30, 20)),
    (dict(min_size=[10.7, 20.2], max_size=[15.9, 33.3], aspect_ratio=[2.0, 3.0, 0.5, 1.0, 0.333333], clip=True), (2, 3), (40, 60)),
    (dict(min_size=[12], aspect_ratio=[2.0, 3.0], flip=False, img_h=50, img_w=40, step_h=10, step_w=20, offset=0.25), (2, 2), (99, 99)),
    (dict(min_size=[9.0, 5.0], img_size=64, variance=[0.3]), (1, 3), (7, 7)),
]

if __name__ == "__main__":
    rng = np.random.default_rng(11)
    multi = [multibox_case(rng, {"num_classes": 4, **given}, loss_param) for given, loss_param in MULTIBOX]
    cases = dict(multibox=multi, detection=[detection_case(rng, g) for g in DETECTION], prior=[prior_case(*c) for c in PRIORS])
    lines = [f'"{kind}": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in list_) + "\n]" for kind, list_ in cases.items()]
    Path(__file__).with_name("cases.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print([c["matches"] for c in multi])
