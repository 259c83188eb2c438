/** The metrics and losses of digits_python_layers, against their formulas written down anew, and their gradients. */

import { describe, expect, it } from 'vitest';
import { runPythonLayer } from '../../src/index.js';
import { Random } from '../../src/random/index.js';

interface Case {
  readonly n: number;
  readonly classes: number;
  readonly positions: number;
  readonly ignore?: number;
}

/** Scores and labels in nested lists: scores[n][c][i], labels[n][i]. */
interface Drawn extends Case {
  readonly scores: number[][][];
  readonly labels: number[][];
}

function draw(c: Case, seed: number): Drawn {
  const random = new Random(seed);
  const list = <T>(length: number, make: () => T) => Array.from({ length }, make);
  const label = () =>
    c.ignore !== undefined && random.next() < 0.3 ? c.ignore : random.integer(Math.max(2, c.classes));
  return {
    ...c,
    scores: list(c.n, () => list(c.classes, () => list(c.positions, () => random.uniform(-2, 2)))),
    labels: list(c.n, () => list(c.positions, label)),
  };
}

const sum = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0);
const mean = (xs: readonly number[]) => sum(xs) / xs.length;

/** Shares of the classes at a position; of one score those of no and yes. */
function shares(scores: readonly number[]): number[] {
  if (scores.length === 1) return [1 / (1 + Math.exp(scores[0]!)), 1 / (1 + Math.exp(-scores[0]!))];
  const total = sum(scores.map(Math.exp));
  return scores.map(s => Math.exp(s) / total);
}

/** Of every sample: its positions that count, with their shares and label. */
function samples({ scores, labels, positions, ignore }: Drawn) {
  return scores.map((classes, n) =>
    Array.from({ length: positions }, (_, i) => ({
      shares: shares(classes.map(s => s[i]!)),
      label: labels[n]![i]!,
    })).filter(p => p.label !== ignore),
  );
}

/** The classes that losses sum over: of one score only yes. */
const classesOf = ({ classes }: Case) => (classes === 1 ? [1] : Array.from({ length: classes }, (_, c) => c));

type Positions = ReturnType<typeof samples>[number];
const best = (s: readonly number[]) => s.indexOf(Math.max(...s));
const masks = (positions: Positions, c: number) =>
  positions.map(p => [Number(best(p.shares) === c), Number(p.label === c)] as const);

const rules = {
  Dice: (d: Drawn) =>
    mean(
      samples(d).map(positions => {
        const scored = classesOf(d)
          .filter(c => c > 0)
          .flatMap(c => {
            const m = masks(positions, c);
            const areas = sum(m.map(([p, l]) => p + l));
            return areas === 0 ? [] : [(2 * sum(m.map(([p, l]) => p * l))) / areas];
          });
        return scored.length === 0 ? 1 : mean(scored);
      }),
    ),
  IoU: (d: Drawn) => {
    const m = (c: number) => masks(samples(d).flat(), c);
    const scored = classesOf(d).flatMap(c => {
      const union = sum(m(c).map(([p, l]) => Math.max(p, l)));
      return union === 0 ? [] : [sum(m(c).map(([p, l]) => p * l)) / union];
    });
    return mean(scored);
  },
  DiceLoss: (d: Drawn, o: { denominator?: string; smooth?: number; weights?: number[] }) => {
    const { denominator = 'squared', smooth = 1, weights } = o;
    const k = denominator === 'squared' ? 2 : 1;
    return mean(
      samples(d).map(positions => {
        const each = classesOf(d).map(c => {
          const p = positions.map(x => x.shares[c]!);
          const g = positions.map(x => Number(x.label === c));
          return (2 * sum(p.map((v, i) => v * g[i]!)) + smooth) / (sum(p.map(v => v ** k)) + sum(g) + smooth);
        });
        const w = weights ?? each.map(() => 1);
        return 1 - sum(each.map((v, i) => v * w[i]!)) / sum(w);
      }),
    );
  },
  GeneralizedDice: (d: Drawn) =>
    mean(
      samples(d).map(positions => {
        const volumes = classesOf(d).map(c => positions.filter(p => p.label === c).length);
        const greatest = Math.max(...volumes.map(v => (v > 0 ? v ** -2 : 0)));
        const w = volumes.map(v => (v > 0 ? v ** -2 : greatest));
        const of = (f: (p: number, g: number) => number) =>
          sum(classesOf(d).map((c, i) => w[i]! * sum(positions.map(p => f(p.shares[c]!, Number(p.label === c))))));
        return 1 - (2 * of((p, g) => p * g) + 1e-5) / (of((p, g) => p + g) + 1e-5);
      }),
    ),
  FocalLoss: (d: Drawn, { gamma = 2, alpha }: { gamma?: number; alpha?: number[] }) =>
    mean(
      samples(d)
        .flat()
        .map(({ shares, label }) => -(alpha?.[label] ?? 1) * (1 - shares[label]!) ** gamma * Math.log(shares[label]!)),
    ),
};

function bottoms({ scores, labels, n, classes, positions }: Drawn) {
  return [
    { data: scores.flat(2), shape: [n, classes, 1, positions] },
    { data: labels.flat(), shape: [n, 1, 1, positions] },
  ];
}

const CASES: Case[] = [
  { n: 1, classes: 2, positions: 7 },
  { n: 3, classes: 4, positions: 11 },
  { n: 2, classes: 3, positions: 12, ignore: 255 },
  { n: 2, classes: 3, positions: 12, ignore: 1 },
  { n: 2, classes: 1, positions: 9, ignore: 255 },
];

const OPTIONS: Readonly<Record<string, readonly ((classes: number) => object)[]>> = {
  Dice: [() => ({})],
  IoU: [() => ({})],
  DiceLoss: [
    () => ({}),
    () => ({ denominator: 'plain', smooth: 0.5 }),
    classes => ({ weights: Array.from({ length: classes }, (_, i) => i + 1) }),
  ],
  GeneralizedDice: [() => ({})],
  FocalLoss: [
    () => ({}),
    () => ({ gamma: 0 }),
    classes => ({ gamma: 1.5, alpha: Array.from({ length: Math.max(2, classes) }, (_, i) => 0.5 + i) }),
  ],
};

const all = Object.entries(OPTIONS).flatMap(([layer, options]) =>
  CASES.flatMap(c => options.map(make => [layer, { ...c, ...make(c.classes) }, make(c.classes), c] as const)),
);

describe('against the formula', () => {
  it.each(all)('%s %j', async (layer, _, options, c) => {
    for (const seed of [1, 2, 3]) {
      const drawn = draw(c, seed);
      const param_str = JSON.stringify({ ...options, ignore_label: c.ignore ?? null });
      const { tops } = await runPythonLayer('digits_python_layers', layer, bottoms(drawn), { param_str });
      const rule = rules[layer as keyof typeof rules] as (d: Drawn, o: object) => number;
      expect(tops[0]!.data[0]).toBeCloseTo(rule(drawn, options), 5);
    }
  });
});

describe('gradients against differences', () => {
  it.each(all.filter(([layer]) => /Loss|Generalized/.test(layer)))('%s %j', async (layer, _, options, c) => {
    const drawn = draw(c, 5);
    const param_str = JSON.stringify({ ...options, ignore_label: c.ignore ?? null });
    const [scores, label] = bottoms(drawn);
    const value = async (data: readonly number[]) =>
      (await runPythonLayer('digits_python_layers', layer, [{ ...scores!, data }, label!], { param_str })).tops[0]!
        .data[0]!;
    const { bottomDiffs } = await runPythonLayer('digits_python_layers', layer, [scores!, label!], {
      param_str,
      topDiffs: [[1]],
    });
    for (const at of [0, 3, scores!.data.length - 1]) {
      const moved = (by: number) => scores!.data.map((v, i) => (i === at ? v + by : v));
      const numeric = ((await value(moved(1 / 64))) - (await value(moved(-1 / 64)))) * 32;
      expect(bottomDiffs[0]![at]).toBeCloseTo(numeric, 3);
    }
    expect(bottomDiffs[0]!.some(v => v !== 0)).toBe(true);
  });
});

describe('IoU', () => {
  it('tells each class in its second top; a class in neither is 1 and left out of the mean', async () => {
    // Predicted 0 0 1 1, labelled 0 1 1 1; class 2 occurs nowhere.
    const scores = { data: [1, 1, 0, 0, 0, 0, 1, 1, -1, -1, -1, -1], shape: [1, 3, 4] };
    const label = { data: [0, 1, 1, 1], shape: [1, 4] };
    const { tops } = await runPythonLayer('digits_python_layers', 'IoU', [scores, label], { tops: 2 });
    const [mean, each] = tops.map(t => [...t.data]);
    expect(each!.map(v => Number(v.toFixed(5)))).toEqual([0.5, 0.66667, 1]);
    expect(mean![0]).toBeCloseTo((1 / 2 + 2 / 3) / 2, 6);
  });
});

describe('what empty masks give', () => {
  const nothing = { data: [1, 1, 0, 0], shape: [1, 2, 2] };
  it.each([
    ['DiceLoss', '{"weights": [0, 1]}', [0, 0]],
    ['GeneralizedDice', '', [0, 0]],
    ['FocalLoss', '{"ignore_label": 255}', [255, 255]],
    ['DiceLoss', '{"ignore_label": 255}', [255, 255]],
    ['GeneralizedDice', '{"ignore_label": 255}', [255, 255]],
    ['IoU', '{"ignore_label": 255}', [255, 255]],
  ])('%s %s is a number', async (layer, param_str, data) => {
    const { tops } = await runPythonLayer('digits_python_layers', layer, [nothing, { data, shape: [1, 2] }], {
      param_str,
    });
    expect(tops[0]!.data[0]).toSatisfy(Number.isFinite);
  });
});

describe('options', () => {
  const two = [
    { data: [1, 0], shape: [1, 2, 1] },
    { data: [1], shape: [1, 1] },
  ];
  const failing = (layer: string, param_str: string) =>
    runPythonLayer('digits_python_layers', layer, two, { param_str }).then(
      () => 'no error',
      (e: Error) => e.message,
    );

  it('may be written as a Python dictionary', async () => {
    const loss = (param_str: string) => runPythonLayer('digits_python_layers', 'DiceLoss', two, { param_str });
    const [json, python] = [
      await loss('{"batch": true, "weights": [0, 1]}'),
      await loss("{'batch': True, 'weights': [0, 1],}"),
    ];
    expect(python.tops[0]!.data).toEqual(json.tops[0]!.data);
  });

  it.each([
    ['DiceLoss', '{"denominater": "plain"}', /no option "denominater".*Did you mean "denominator"/],
    ['DiceLoss', '{"denominator": "cubed"}', /denominator is "cubed".*"squared", "plain"/],
    ['DiceLoss', '{"weights": [1, 2, 3]}', /weights is \[1,2,3\].*list of 2/],
    ['DiceLoss', '{"smooth": -1}', /smooth is -1.*at least 0/],
    ['FocalLoss', '{"gamma": "x"}', /gamma is "x"/],
    ['FocalLoss', '{"alpha": [0, 0]}', /not all 0/],
    ['GeneralizedDice', 'smooth=1', /no dictionary: smooth=1/],
    ['IoU', '{"ignore_label": 0.5}', /ignore_label is 0.5/],
  ])('%s %s', async (layer, text, message) => {
    expect(await failing(layer, text)).toMatch(message);
  });
});
