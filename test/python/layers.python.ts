/** Layers in Python files: the tutorial's own, those that people write, Caffe's losses; against TypeScript, goldens, differences. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type HostLayerClass, type LayerRunOptions, Net, runPythonLayer } from '../../src/index.js';
import { Random } from '../../src/random/index.js';
import { readGolden } from '../../src/tools/golden_files.js';
import { greatestError, TOLERANCE } from '../../src/tools/verify.js';
import { folderWith, hasPython, LAYERS, python } from './interpreter.js';
import { DiceLoss, IoU, MultiClassDice } from './layers/segmentation.js';

const GOLDENS = fileURLToPath(new URL('../goldens/layers', import.meta.url));
const classes: Readonly<Record<string, HostLayerClass>> = { DiceLoss, IoU, MultiClassDice };
const inPython = { pythonLayers: [LAYERS, join(LAYERS, 'segmentation.py')], python };

function drawn(seed: number, shape: readonly number[], of: (r: Random) => number) {
  const random = new Random(seed);
  return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => of(random)) };
}

const scores = (seed: number, ...shape: number[]) => drawn(seed, shape, r => r.uniform(-2, 2));
const labels = (seed: number, classes: number, ...shape: number[]) => drawn(seed, shape, r => r.integer(classes));

describe.skipIf(!hasPython)('the tutorial’s dice.py', () => {
  it('runs as it stands, as DIGITS’ upload, and gives the numbers of the Dice that ships with Mokapot', async () => {
    for (const seed of [1, 2, 3]) {
      const bottoms = [scores(seed, 3, 2, 9, 7), labels(seed, 2, 3, 1, 9, 7)];
      const theirs = await runPythonLayer('digits_python_layers', 'Dice', bottoms, {
        python,
        pythonLayers: [join(LAYERS, 'dice.py')],
      });
      const ours = await runPythonLayer('digits_python_layers', 'Dice', bottoms);
      expect(theirs.tops[0]!.data[0]).toBeGreaterThan(0.3);
      expect(theirs.tops[0]!.data[0]).toBeCloseTo(ours.tops[0]!.data[0]!, 6);
    }
  });

  it('says why where it does not take its bottoms', async () => {
    const bottoms = [scores(1, 3, 3, 4, 4), labels(1, 2, 3, 1, 4, 4)];
    await expect(runPythonLayer('dice', 'Dice', bottoms, { python, pythonLayers: [LAYERS] })).rejects.toThrow(
      /Layer "Dice" \(Python\): dice\.Dice\.reshape failed: Exception: Prediction must have twice/,
    );
  });
});

describe.skipIf(!hasPython)('a layer in Python and the same in TypeScript', () => {
  const both = async (name: string, bottoms: Parameters<typeof runPythonLayer>[2], options: LayerRunOptions) => {
    const layerClass = classes[name]!;
    return [
      await runPythonLayer('segmentation', name, bottoms, {
        ...options,
        ...{ pythonLayers: [join(LAYERS, 'segmentation.py')], python },
      }),
      await runPythonLayer('segmentation', name, bottoms, { ...options, layerClass }),
    ] as const;
  };

  it.each([
    ['DiceLoss', 2, { topDiffs: [[0.7]], param_str: '2' }],
    ['MultiClassDice', 4, {}],
    ['IoU', 5, { tops: 2 }],
  ] as const)('%s', async (name, classes, options) => {
    const bottoms = [scores(4, 2, classes, 5, 6), labels(5, classes, 2, 1, 5, 6)];
    const [ours, theirs] = await both(name, bottoms, options);
    for (const [i, top] of ours.tops.entries())
      expect(greatestError(top.data, theirs.tops[i]!.data)).toBeLessThan(1e-5);
    for (const [i, diff] of ours.bottomDiffs.entries())
      expect(greatestError(diff, theirs.bottomDiffs[i]!)).toBeLessThan(1e-4);
  });

  it('DiceLoss is the one that ships with Mokapot, with the plain denominator of the foreground', async () => {
    const bottoms = [scores(4, 1, 2, 5, 6), labels(5, 2, 1, 1, 5, 6)];
    const [ours] = await both('DiceLoss', bottoms, { topDiffs: [[1]] });
    const param_str = '{"denominator": "plain", "weights": [0, 1], "smooth": 1}';
    const shipped = await runPythonLayer('digits_python_layers', 'DiceLoss', bottoms, { param_str, topDiffs: [[1]] });
    expect(ours.tops[0]!.data[0]).toBeCloseTo(shipped.tops[0]!.data[0]!, 5);
    expect(greatestError(ours.bottomDiffs[0]!, shipped.bottomDiffs[0]!)).toBeLessThan(1e-3);
  });

  it.each([
    ['segmentation.py', { python }],
    ['segmentation.ts', {}],
  ])(
    'a data layer changes its shape from run to run, and backward sees the batch of its forward: %s',
    async (file, more) => {
      const text = `force_backward: true
      layer { name: "d" type: "Python" top: "d" python_param { module: "segmentation" layer: "Counting" } }
      layer { name: "y" type: "Power" bottom: "d" top: "y" power_param { power: 2 } }`;
      const net = await Net.fromText(text, { backend: 'host', pythonLayers: [join(LAYERS, file)], ...more });
      expect(net.inputs).toEqual([]);
      const seen: number[][] = [];
      for (let i = 0; i < 4; i++) {
        const out = await net.forward({}, { keepBlobs: true });
        seen.push([...net.blobs.get('d')!.data]);
        expect(net.blobs.get('d')!.shape).toEqual([seen[i]!.length / 2, 2]);
        expect([...out.get('y')!.data]).toEqual(seen[i]!.map(v => v * v));
        await net.backward({ y: seen[i]!.map(() => 1) }, { diffs: ['d'] });
        expect([...net.blobs.get('d')!.diff]).toEqual(seen[i]!.map(v => 2 * v));
      }
      // The compiler's own reshape was the first: rows are 2, 3, 1, 2.
      expect(seen.map(s => s.length / 2)).toEqual([2, 3, 1, 2]);
      expect(seen.flat()).toEqual(Array.from({ length: 16 }, (_, i) => i));
      net.dispose();
    },
  );
});

describe.skipIf(!hasPython)('Caffe’s losses as Python layers give the goldens’ numbers', () => {
  const CASES: [string, string, string, string?][] = [
    ['euclidean', 'EuclideanLoss', 'EuclideanLossLayer'],
    ['softmaxloss', 'SoftmaxWithLoss', 'SoftmaxLoss'],
    ['softmaxloss_weight', 'SoftmaxWithLoss', 'SoftmaxLoss'],
    ['softmaxloss_seg_ignore', 'SoftmaxWithLoss', 'SoftmaxLoss', '{"ignore_label": 255}'],
    ['softmaxloss_norm_full', 'SoftmaxWithLoss', 'SoftmaxLoss', '{"normalization": "FULL", "ignore_label": 255}'],
    [
      'softmaxloss_norm_batch_size',
      'SoftmaxWithLoss',
      'SoftmaxLoss',
      '{"normalization": "BATCH_SIZE", "ignore_label": 255}',
    ],
    ['softmaxloss_norm_none', 'SoftmaxWithLoss', 'SoftmaxLoss', '{"normalization": "NONE", "ignore_label": 255}'],
    ['sigmoidce', 'SigmoidCrossEntropyLoss', 'SigmoidCrossEntropy'],
    ['hinge_l1', 'HingeLoss', 'Hinge', 'L1'],
    ['hinge_l2', 'HingeLoss', 'Hinge', 'L2'],
    ['contrastive', 'ContrastiveLoss', 'Contrastive', '{"margin": 2}'],
    ['contrastive_legacy', 'ContrastiveLoss', 'Contrastive', '{"margin": 2, "legacy": true}'],
    ['multinomial', 'MultinomialLogisticLoss', 'Multinomial'],
  ];

  it.each(CASES)('%s', async (golden, type, layer, param_str = '') => {
    const { prototxt, values } = await readGolden(GOLDENS, golden);
    const weight = prototxt.includes('loss_weight') ? '' : 'loss_weight: 1';
    const param = `python_param { module: "caffe_losses" layer: "${layer}" param_str: '${param_str}' }`;
    // The label has no gradient in Caffe's own layers; a Python layer is told so in the prototxt.
    const labelled = /bottom: "(label|sim)"/.test(prototxt);
    const down = type === 'ContrastiveLoss' ? [true, true, false] : labelled ? [true, false] : [];
    const propagate = down.map(d => `propagate_down: ${d}`).join(' ');
    const text = prototxt
      .replace('force_backward: true', '')
      .replace(`type: "${type}"`, `type: "Python" ${weight} ${propagate} ${param}`);
    const net = await Net.fromText(text, { phase: 'TRAIN', backend: 'host', ...inPython });
    const under = (prefix: string) =>
      [...values.tensors].flatMap(([key, { data }]): [string, Float32Array][] =>
        key.startsWith(`${prefix}/`) ? [[key.slice(prefix.length + 1), data]] : [],
      );
    await net.forward(Object.fromEntries(under('input')));
    expect(greatestError(net.blobs.get('loss')!.data, values.tensors.get('output/loss')!.data)).toBeLessThan(
      TOLERANCE.relative,
    );
    const wanted = under('input_diff');
    await net.backward({}, { diffs: wanted.map(([blob]) => blob) });
    for (const [blob, diff] of wanted)
      expect(greatestError(net.blobs.get(blob)!.diff, diff)).toBeLessThan(TOLERANCE.relative);
    net.dispose();
  });
});

describe.skipIf(!hasPython)('gradients through a Python layer', () => {
  it('agree with differences, below it and of its own blobs', async () => {
    const text = `
      layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 dim: 4 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
      layer { name: "a" type: "Python" bottom: "ip" top: "a" param {} param {} param { lr_mult: 0 }
        python_param { module: "segmentation" layer: "Affine" param_str: "0.7" } }
      layer { name: "loss" type: "Python" bottom: "a" bottom: "t" top: "loss" loss_weight: 1
        python_param { module: "caffe_losses" layer: "EuclideanLossLayer" } }`;
    const net = await Net.fromText(text, { phase: 'TRAIN', backend: 'host', seed: 3, ...inPython });
    const feeds = { x: scores(1, 2, 3).data, t: scores(2, 2, 4).data };
    const loss = async () => (await net.forward(feeds)).get('loss')!.data[0]!;
    expect([...net.params.get('a')!].map(p => p.data[0])).toEqual([Math.fround(0.7), 0, 0]);
    await loss();
    await net.backward();
    const learnt = [...net.params.get('ip')!, ...net.params.get('a')!.slice(0, 2)];
    const ours = learnt.map(p => p.diff.slice());
    for (const [k, param] of learnt.entries()) {
      for (let i = 0; i < param.data.length; i++) {
        const kept = param.data[i]!;
        const at = async (v: number) => {
          param.data[i] = v;
          return loss();
        };
        const numeric = ((await at(kept + 1 / 128)) - (await at(kept - 1 / 128))) * 64;
        param.data[i] = kept;
        expect(ours[k]![i]).toBeCloseTo(numeric, 2);
      }
    }
    net.dispose();
  });
});

const PROBE = `
import caffe
class Probe(caffe.Layer):
    def setup(self, bottom, top):
        print("setup", self.phase == caffe.TRAIN, self.param_str, [list(b.shape) for b in bottom])
    def reshape(self, bottom, top):
        print("reshape", bottom[0].data.sum())
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        b = bottom[0]
        print("forward", b.num, b.channels, b.height, b.width, b.count, b.num_axes)
        top[0].data[...] = b.data
        top[0].data[0] = 5
        top[0].data.flat[-1] = 7
    def backward(self, top, propagate_down, bottom):
        print("backward", propagate_down)
        for b, p in zip(bottom, propagate_down):
            if p: b.diff[...] = top[0].diff
class Doubled(caffe.Layer):
    def reshape(self, bottom, top): pass
    def forward(self, bottom, top): bottom[0].data[...] *= 2
    def backward(self, top, propagate_down, bottom): top[0].diff[...] *= 2
`;

describe.skipIf(!hasPython)('what a layer sees', () => {
  const dir = hasPython ? folderWith({ 'probe.py': PROBE }) : '';
  const net = async (body: string, options: object = {}) => {
    const said: string[] = [];
    const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } } ${body}`;
    const onPythonOutput = (line: string) => void said.push(...line.trimEnd().split('\n'));
    const made = await Net.fromText(text, { backend: 'host', python, dir, onPythonOutput, ...options });
    return { net: made, said };
  };
  const probe =
    'layer { name: "p" type: "Python" bottom: "x" top: "y" python_param { module: "probe" layer: "Probe" param_str: "hi" } }';

  it('is Caffe’s: setup once, reshape at set-up and before every forward, legacy axes, views to write into', async () => {
    const { net: made, said } = await net(probe, { phase: 'TRAIN' });
    const out = await made.forward({ x: [1, 2, 3, 4, 5, 6] });
    expect([...out.get('y')!.data]).toEqual([5, 5, 5, 4, 5, 7]);
    await made.forward({ x: { data: [1, 2, 3], shape: [1, 3] } });
    await made.forward({ x: { data: [1, 2, 3, 4, 5, 6], shape: [2, 3] } });
    expect(said).toEqual([
      'setup True hi [[2, 3]]',
      'reshape 0.0',
      'reshape 21.0',
      'forward 2 3 1 1 6 2',
      'reshape 0.0',
      'reshape 6.0',
      'forward 1 3 1 1 3 2',
      'reshape 21.0',
      'forward 2 3 1 1 6 2',
    ]);
    made.dispose();
  });

  it('propagate_down is true where something below learns, or the prototxt says so', async () => {
    const ip = (lr: number) =>
      `layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" param { lr_mult: ${lr} } param { lr_mult: ${lr} } inner_product_param { num_output: 3 } }`;
    const two = (more: string) =>
      `layer { name: "p" type: "Python" bottom: "ip" bottom: "x" top: "y" loss_weight: 1 ${more} python_param { module: "probe" layer: "Probe" } }`;
    const backwards = async (body: string) => {
      const { net: made, said } = await net(body, { phase: 'TRAIN' });
      await made.forward({ x: [1, 2, 3, 4, 5, 6] });
      await made.backward();
      made.dispose();
      return said.filter(line => line.startsWith('backward'));
    };
    expect(await backwards(ip(1) + two(''))).toEqual(['backward [True, False]']);
    expect(await backwards(ip(1) + two('propagate_down: true propagate_down: true'))).toEqual([
      'backward [True, True]',
    ]);
    expect(await backwards(ip(0) + two(''))).toEqual([]);
  });

  it('in place, top and bottom are one blob', async () => {
    const body = `layer { name: "h" type: "Power" bottom: "x" top: "h" power_param { scale: 3 } }
      layer { name: "d" type: "Python" bottom: "h" top: "h" python_param { module: "probe" layer: "Doubled" } }`;
    const { net: made } = await net(body);
    const out = await made.forward({ x: [1, 2, 3, 4, 5, 6] });
    expect([...out.get('h')!.data]).toEqual([6, 12, 18, 24, 30, 36]);
    await made.backward({ h: [1, 1, 1, 1, 1, 1] }, { diffs: ['x'] });
    expect([...made.blobs.get('x')!.diff]).toEqual([6, 6, 6, 6, 6, 6]);
    made.dispose();
  });

  it('several layers of one module have an object each and share the module', async () => {
    const shared = folderWith({
      'shared.py': `
import caffe
made = []
class Numbered(caffe.Layer):
    def setup(self, bottom, top):
        made.append(self)
        self.number = len(made)
    def reshape(self, bottom, top): top[0].reshape(2)
    def forward(self, bottom, top): top[0].data[...] = [self.number, len(made)]
`,
    });
    const one = (i: number) =>
      `layer { name: "n${i}" type: "Python" bottom: "x" top: "n${i}" python_param { module: "shared" layer: "Numbered" share_in_parallel: true } }`;
    const { net: made } = await net([1, 2, 3].map(one).join('\n'), { dir: shared });
    const out = await made.forward({ x: new Float32Array(6) });
    expect([1, 2, 3].map(i => [...out.get(`n${i}`)!.data])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    made.dispose();
  });

  it('a file imports what lies beside it; a dotted module is a file in a folder', async () => {
    const deep = folderWith({ 'helper.py': 'FACTOR = 4\n' });
    const { mkdirSync, writeFileSync } = await import('node:fs');
    mkdirSync(join(deep, 'pack'));
    writeFileSync(
      join(deep, 'pack', 'inner.py'),
      'import caffe, helper\nclass L(caffe.Layer):\n  def reshape(self, b, t): t[0].reshape(1)\n  def forward(self, b, t): t[0].data[0] = helper.FACTOR\n',
    );
    const body =
      'layer { name: "l" type: "Python" bottom: "x" top: "y" python_param { module: "pack.inner" layer: "L" } }';
    const { net: made } = await net(body, { dir: deep });
    expect((await made.forward({ x: new Float32Array(6) })).get('y')!.data[0]).toBe(4);
    made.dispose();
  });
});

describe.skipIf(!hasPython)(
  'a layer that reshapes its top in forward, as py-faster-rcnn’s proposal_layer.py does',
  () => {
    const FILE = `import caffe
import numpy as np


class Positive(caffe.Layer):
    def setup(self, bottom, top):
        top[0].reshape(1, 2)
        self.runs = 0

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        self.runs += 1
        rows = bottom[0].data[bottom[0].data > 0]
        top[0].reshape(len(rows), 2)
        top[0].data[:, 0] = rows
        top[0].data[:, 1] = self.runs

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 0
        bottom[0].diff[bottom[0].data > 0] = top[0].diff[:, 0]
`;

    it('is run once for each run, and the layers behind follow', async () => {
      const net = await Net.fromText(
        `force_backward: true
      layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 } } }
      layer { name: "p" type: "Python" bottom: "x" top: "p" python_param { module: "positive" layer: "Positive" } }
      layer { name: "y" type: "Power" bottom: "p" top: "y" power_param { scale: 2 } }`,
        { backend: 'host', dir: folderWith({ 'positive.py': FILE }), python },
      );
      const run = async (x: number[]) => {
        const { shape, data } = (await net.forward({ x })).get('y')!;
        return [shape, [...data]];
      };
      expect(await run([1, -1, 3, -1])).toEqual([
        [2, 2],
        [2, 2, 6, 2],
      ]);
      expect(await run([-1, -1, -1, 5])).toEqual([
        [1, 2],
        [10, 4],
      ]);
      await net.backward({ y: [1, 0] });
      expect([...net.blobs.get('x')!.diff]).toEqual([0, 0, 0, 2]);
      expect(await run([1, 2, 3, 4])).toEqual([
        [4, 2],
        [2, 6, 4, 6, 6, 6, 8, 6],
      ]);
      net.dispose();
    });
  },
);

describe.skipIf(!hasPython)('what layers use of caffe besides the class', () => {
  const FILE = `import caffe
import numpy as np


class Uses(caffe.Layer):
    def setup(self, bottom, top):
        assert self.param_str_ == self.param_str == "text"
        assert str(self.phase) == "TEST" and self.phase == caffe.TEST

    def reshape(self, bottom, top):
        top[0].reshape(3, 2, 2)

    def forward(self, bottom, top):
        transformer = caffe.io.Transformer({"x": (1, 3, 2, 2)})
        transformer.set_transpose("x", (2, 0, 1))
        transformer.set_channel_swap("x", (2, 1, 0))
        transformer.set_raw_scale("x", 255)
        transformer.set_mean("x", np.array([1.0, 2.0, 3.0]))
        picture = np.array([[[0, 0.2, 1]]], np.float32)
        made = transformer.preprocess("x", caffe.io.resize_image(picture, (4, 4)))
        assert made.dtype == np.float32 and np.allclose(transformer.deprocess("x", made), picture, atol=1e-6)
        top[0].data[...] = made
`;

  it('is there: param_str_, the name of the phase, caffe.io', async () => {
    const folder = folderWith({ 'uses.py': FILE });
    const options = { python, pythonLayers: [folder], param_str: 'text', phase: 'TEST' } as const;
    const { tops } = await runPythonLayer('uses', 'Uses', [{ shape: [1], data: [0] }], options);
    [254, 254, 254, 254, 49, 49, 49, 49, -3, -3, -3, -3].forEach((n, i) => {
      expect(tops[0]!.data[i]).toBeCloseTo(n, 4);
    });
  });
});
