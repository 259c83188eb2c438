import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { goldenNames, readGolden } from '../../src/tools/golden_files.js';
import { type GoldenCase, greatestError, verifyCase } from '../../src/tools/verify.js';

const DIR = fileURLToPath(new URL('../goldens/layers', import.meta.url));
const engine = createHostEngine();
afterAll(() => engine.dispose());

/** The golden with the entries of `change` in place of its own; undefined takes one away. */
function changed(
  golden: GoldenCase,
  change: Record<string, Float32Array | undefined>,
  prototxt = golden.prototxt,
): GoldenCase {
  const tensors = new Map(golden.values.tensors);
  for (const [key, data] of Object.entries(change)) {
    if (data) tensors.set(key, { shape: [data.length], data });
    else tensors.delete(key);
  }
  return { ...golden, prototxt, values: { ...golden.values, tensors } };
}

describe('greatestError', () => {
  const f = (...v: number[]) => Float32Array.from(v);
  it('is at most 1e-4 within 1e-4 relative and 1e-5 absolute', () => {
    expect(greatestError(f(100.009), f(100))).toBeLessThan(1e-4);
    expect(greatestError(f(100.03), f(100))).toBeGreaterThan(1e-4);
    expect(greatestError(f(0.000009), f(0))).toBeLessThan(1e-4);
    expect(greatestError(f(0.00002), f(0))).toBeGreaterThan(1e-4);
  });
  it('knows infinities, NaN and lengths', () => {
    expect(greatestError(f(Infinity, NaN), f(Infinity, NaN))).toBe(0);
    expect(greatestError(f(NaN), f(1))).toBe(Infinity);
    expect(greatestError(f(1), f(NaN))).toBe(Infinity);
    expect(greatestError(f(Infinity), f(-Infinity))).toBe(Infinity);
    expect(greatestError(f(1), f(1, 2))).toBe(Infinity);
  });
});

describe('verifyCase', () => {
  it('tells errors of outputs and of gradients apart', async () => {
    const golden = await readGolden(DIR, 'ip_transpose');
    const good = await verifyCase(golden, engine);
    expect(good).toMatchObject({ name: 'ip_transpose', passed: true });
    expect(good.comparisons.map(c => c.key).sort()).toEqual([
      'input_diff/x',
      'output/y',
      'param_diff/l/0',
      'param_diff/l/1',
    ]);
    const wrong = golden.values.tensors.get('param_diff/l/1')!.data.map(v => 1.01 * v);
    const bad = await verifyCase(changed(golden, { 'param_diff/l/1': wrong }), engine);
    expect(bad.passed).toBe(false);
    expect(bad.gradientError).toBeGreaterThan(1e-4);
    expect(bad.outputError).toBeLessThan(1e-4);
  });

  it('counts what is NaN in both, and lets none stand on one side', async () => {
    const { values, ...rest } = await readGolden(DIR, 'ip_transpose');
    const golden = { ...rest, values };
    const x = values.tensors.get('input/x')!.data.slice();
    x[0] = NaN;
    const y = values.tensors.get('output/y')!.data;
    // The first of three rows is NaN throughout.
    const theirs = y.map((v, i) => (i < 5 ? NaN : v));
    const only = { 'input_diff/x': undefined, 'param_diff/l/0': undefined, 'param_diff/l/1': undefined };
    const both = await verifyCase(changed(golden, { ...only, 'input/x': x, 'output/y': theirs }), engine);
    expect(both).toMatchObject({ passed: true, comparisons: [{ key: 'output/y', bothNaN: 5 }] });
    const ours = await verifyCase(changed(golden, { ...only, 'input/x': x }), engine);
    expect(ours).toMatchObject({ passed: false, outputError: Infinity, comparisons: [{ bothNaN: 0 }] });
    const caffes = await verifyCase(changed(golden, { ...only, 'output/y': theirs }), engine);
    expect(caffes).toMatchObject({ passed: false, outputError: Infinity, comparisons: [{ bothNaN: 0 }] });
  });

  it('reports what cannot be run as a failure', async () => {
    const golden = await readGolden(DIR, 'ip_transpose');
    const failure = async (c: GoldenCase) => {
      const result = await verifyCase(c, engine);
      expect(result.passed).toBe(false);
      return result.failure?.message;
    };
    expect(await failure(changed(golden, { 'param/l/0': undefined }))).toMatch(/has no param\/l\/0/);
    expect(await failure(changed(golden, { 'input/x': undefined }))).toMatch(/has no input\/x/);
    expect(await failure(changed(golden, { 'output/y': new Float32Array(3) }))).toMatch(
      /output\/y holds 3 numbers.*\[3, 5\]/,
    );
    expect(await failure(changed(golden, { 'output/z': new Float32Array(3) }))).toMatch(/output\/z is of nothing/);
    expect(await failure(changed(golden, {}, golden.prototxt.replace('InnerProduct', 'InerProduct')))).toMatch(
      /InnerProduct/,
    );
    expect(await failure(changed(golden, {}, 'layer {'))).toBeTruthy();
  });

  it('a folder without goldens is an error', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'mokapot-goldens-'));
    await expect(goldenNames(empty)).rejects.toThrow(/no goldens/);
    await rm(empty, { recursive: true });
    await expect(goldenNames(empty)).rejects.toThrow(/no goldens/);
  });
});
