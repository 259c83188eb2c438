/** SSD's layers against its rules written down anew in numpy (test/goldens/ssd/make.py), at random boxes. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compiled, runLayer, type Shapes } from './net_of.js';

interface Case {
  readonly body: string;
  readonly shapes: Shapes;
}

interface Cases {
  readonly multibox: readonly (Case &
    Record<'loc' | 'conf' | 'prior' | 'gt' | 'dloc' | 'dconf', number[]> & { loss: number })[];
  readonly detection: readonly (Case & Record<'loc' | 'conf' | 'prior', number[]> & { rows: number[][] })[];
  readonly prior: readonly (Case & Record<'corners' | 'variances', number[]>)[];
}

const cases = JSON.parse(readFileSync(new URL('../goldens/ssd/cases.json', import.meta.url), 'utf8')) as Cases;
const f = (values: readonly number[]) => Float32Array.from(values);

function close(ours: ArrayLike<number>, theirs: readonly number[]): void {
  expect(ours.length).toBe(theirs.length);
  const wrong = theirs.flatMap((t, i) =>
    Math.abs(ours[i]! - t) <= 1e-5 + 1e-4 * Math.abs(t) ? [] : [[i, ours[i], t]],
  );
  expect(wrong).toEqual([]);
}

function layer(type: string, shapes: Shapes, body: string): string {
  const bottoms = Object.keys(shapes).map(name => `bottom: "${name}"`);
  return `layer { name: "l" type: "${type}" ${bottoms.join(' ')} top: "y" ${body} }`;
}

describe('MultiBoxLoss', () => {
  it.each(cases.multibox.map(c => [c.body, c] as const))('%s', async (_, c) => {
    const feeds = { loc: f(c.loc), conf: f(c.conf), prior: f(c.prior), gt: f(c.gt) };
    const out = await runLayer(layer('MultiBoxLoss', c.shapes, c.body), c.shapes, feeds, {
      diffs: { y: f([2]) },
      blobDiffs: ['loc', 'conf'],
    });
    close(out['y']!, [c.loss]);
    close(
      out['grad/blob/loc']!,
      c.dloc.map(v => 2 * v),
    );
    close(
      out['grad/blob/conf']!,
      c.dconf.map(v => 2 * v),
    );
  });

  const [first] = cases.multibox;
  const shapes = first!.shapes;
  const feeds = { loc: f(first!.loc), conf: f(first!.conf), prior: f(first!.prior), gt: f(first!.gt) };
  const run = async (body: string, more = {}) =>
    (await runLayer(layer('MultiBoxLoss', shapes, body), shapes, { ...feeds, ...more }))['y']![0]!;

  it('leaves out the loss of a bottom without propagate_down', async () => {
    const body = 'multibox_loss_param { num_classes: 4 }';
    const down = (loc: boolean, conf: boolean) =>
      run(`${body} propagate_down: ${loc} propagate_down: ${conf} propagate_down: false propagate_down: false`);
    expect((await down(true, false)) + (await down(false, true))).toBeCloseTo(first!.loss, 4);
    expect(await down(false, false)).toBe(0);
  });

  it('of pictures without boxes is 0, all priors being background without mining', async () => {
    const gt = new Float32Array(feeds.gt.length).fill(-1);
    expect(await run('multibox_loss_param { num_classes: 4 }', { gt })).toBe(0);
    const conf = new Float32Array(feeds.conf.length);
    const all = await run('multibox_loss_param { num_classes: 4 mining_type: NONE }', { gt, conf });
    expect(all).toBeCloseTo((conf.length / 4) * Math.log(4), 3);
  });

  it('says what does not fit', async () => {
    const made =
      (body: string, more: Shapes = {}) =>
      () =>
        compiled(layer('MultiBoxLoss', shapes, `multibox_loss_param { ${body} }`), { ...shapes, ...more });
    expect(made('')).toThrow(/num_classes is missing/);
    expect(made('num_classes: 5')).toThrow(/must hold 60 numbers/);
    expect(made('num_classes: 4 background_label_id: 4')).toThrow(/none of 4 classes/);
    expect(made('num_classes: 4 share_location: false')).toThrow(/share_location is false/);
    expect(made('num_classes: 4 do_neg_mining: false')).toThrow(/mining_type says otherwise/);
    expect(made('num_classes: 4 map_object_to_agnostic: true')).toThrow(/num_classes is 4/);
    expect(made('num_classes: 4', { gt: [1, 1, 6, 7] })).toThrow(/true boxes/);
    expect(made('num_classes: 4', { prior: [1, 3, 48] })).toThrow(/must be priors/);
    await expect(run('multibox_loss_param { num_classes: 4 background_label_id: 1 }')).rejects.toThrow(
      /row \d of "gt".*has label 1/,
    );
  });
});

describe('DetectionOutput', () => {
  it.each(cases.detection.map(c => [c.body, c] as const))('%s', async (_, c) => {
    const feeds = { loc: f(c.loc), conf: f(c.conf), prior: f(c.prior) };
    const out = (await runLayer(layer('DetectionOutput', c.shapes, c.body), c.shapes, feeds))['y']!;
    const none = Array.from({ length: c.shapes['loc']![0]! }, (_, n) => [n, -1, -1, -1, -1, -1, -1]);
    close(out, (c.rows.length > 0 ? c.rows : none).flat());
  });
});

describe('PriorBox', () => {
  it.each(cases.prior.map(c => [c.body, c] as const))('%s', async (_, c) => {
    const feeds = Object.fromEntries(
      Object.entries(c.shapes).map(([name, s]) => [name, new Float32Array(s.reduce((a, b) => a * b))]),
    );
    const out = (await runLayer(layer('PriorBox', c.shapes, c.body), c.shapes, feeds))['y']!;
    close(out.subarray(0, out.length / 2), c.corners);
    close(out.subarray(out.length / 2), c.variances);
  });
});
