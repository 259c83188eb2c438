import { describe, expect, it } from 'vitest';
import {
  defaultCatalogue,
  type HostBlob,
  type HostLayer,
  hostLayerFor,
  registerPythonLayer,
} from '../../src/layers/index.js';
import { runLayer, topShapes } from './net_of.js';

const DICE = `layer { name: "dice" type: "Python" bottom: "score" bottom: "label" top: "dice"
  python_param { module: "digits_python_layers" layer: "Dice" } }`;

/** Scores whose argmax is the given mask. */
function scores(mask: readonly number[]): number[] {
  return [...mask.map(m => 1 - m), ...mask.map(m => m)];
}

async function dice(predicted: readonly (readonly number[])[], labels: readonly (readonly number[])[]) {
  const n = predicted.length;
  const shapes = { score: [n, 2, 1, 4], label: [n, 1, 1, 4] };
  const out = await runLayer(DICE, shapes, {
    score: Float32Array.from(predicted.flatMap(scores)),
    label: Float32Array.from(labels.flat()),
  });
  return out['dice']![0];
}

describe('digits_python_layers.Dice', () => {
  it('is twice the overlap over the sum of the areas', async () => {
    expect(await dice([[1, 1, 0, 0]], [[0, 1, 1, 0]])).toBe(0.5);
    expect(await dice([[1, 1, 0, 0]], [[1, 1, 0, 0]])).toBe(1);
    expect(await dice([[1, 1, 1, 0]], [[0, 0, 0, 1]])).toBe(0);
  });

  it('is 1 where both are empty, 0 where one is', async () => {
    expect(await dice([[0, 0, 0, 0]], [[0, 0, 0, 0]])).toBe(1);
    expect(await dice([[0, 0, 0, 0]], [[0, 1, 0, 0]])).toBe(0);
  });

  it('is the mean over the samples, not over all pixels', async () => {
    const both = await dice(
      [
        [1, 0, 0, 0],
        [1, 1, 1, 0],
      ],
      [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    );
    expect(both).toBe(0.5);
  });

  it('takes equal scores for background, as an argmax does, and 255 as no foreground', async () => {
    const shapes = { score: [1, 2, 1, 2], label: [1, 1, 1, 2] };
    const feeds = { score: Float32Array.of(0, 0, 0, 1), label: Float32Array.of(255, 1) };
    expect((await runLayer(DICE, shapes, feeds))['dice']![0]).toBe(1);
  });

  it.each([
    [{ score: [4], label: [4] }, /Layer "dice".*Dice\.reshape failed.*N×classes.*gets 4/],
    [{ score: [1, 2, 4, 4], label: [1, 1, 4, 5] }, /labels of 1×1×4×4.*1×1×4×5/],
    [{ score: [2, 2, 4, 4], label: [1, 2, 4, 4] }, /labels of 2×1×4×4.*1×2×4×4/],
  ])('says which shapes it takes: %j', (shapes, message) => {
    expect(() => topShapes(DICE, shapes)).toThrow(message);
  });

  it('says that it takes two bottoms', () => {
    expect(() => topShapes(DICE.replace('bottom: "label"', ''), { score: [1, 2, 4, 4] })).toThrow(
      /two bottoms.*gets 1/,
    );
  });
});

class Doubler implements HostLayer {
  param_str = '';
  phase = 'TRAIN' as const;
  factor = 0;
  calls: string[] = [];
  setup(): void {
    this.factor = Number(this.param_str);
    this.calls.push('setup');
  }
  reshape(bottom: readonly HostBlob[], top: readonly HostBlob[]): void {
    top[0]!.reshape(...bottom[0]!.shape);
    this.calls.push('reshape');
  }
  async forward(bottom: readonly HostBlob[], top: readonly HostBlob[]): Promise<void> {
    bottom[0]!.data.forEach((v, i) => {
      top[0]!.data[i] = this.factor * v;
    });
    this.calls.push('forward');
  }
  backward(top: readonly HostBlob[], _: readonly boolean[], bottom: readonly HostBlob[]): void {
    top[0]!.diff.forEach((d, i) => {
      bottom[0]!.diff[i] = this.factor * d;
    });
  }
}

class Faulty extends Doubler {
  override setup(): void {}
  override async forward(): Promise<void> {
    throw new Error('no such luck');
  }
}

class Growing extends Doubler {
  private rows = 1;
  override reshape(_: readonly HostBlob[], top: readonly HostBlob[]): void {
    top[0]!.reshape(this.rows++);
  }
}

registerPythonLayer('mine', 'Doubler', Doubler);
registerPythonLayer('mine', 'Faulty', Faulty);
registerPythonLayer('mine', 'Growing', Growing);

function layer(name: string): string {
  return `layer { name: "p" type: "Python" bottom: "x" top: "y" python_param { module: "mine" layer: "${name}" param_str: "2" } }`;
}

describe('Python layers', () => {
  const x = Float32Array.of(1, -2, 3);

  it('run forward and backward, with param_str, setup once and reshape before each forward', async () => {
    const host = new Doubler();
    const options = { hostLayer: () => host };
    const out = await runLayer(
      layer('Doubler'),
      { x: [3] },
      { x },
      {
        options,
        diffs: { y: Float32Array.of(1, 10, 100) },
        blobDiffs: ['x'],
      },
    );
    expect([...out['y']!]).toEqual([2, -4, 6]);
    expect([...out['grad/blob/x']!]).toEqual([2, 20, 200]);
    expect(host.calls.filter(c => c === 'setup').length).toBe(1);
    expect(host.calls.slice(-2)).toEqual(['reshape', 'forward']);
  });

  it('name layer, class and method where user code throws', async () => {
    await expect(runLayer(layer('Faulty'), { x: [3] }, { x })).rejects.toThrow(
      /Layer "p" \(Python\): mine\.Faulty\.forward failed: no such luck/,
    );
  });

  it('refuse a top that changes its shape after the net was compiled', async () => {
    await expect(runLayer(layer('Growing'), { x: [3] }, { x })).rejects.toThrow(/compiled for/);
  });

  it('say how to provide a class nobody knows', () => {
    expect(() => topShapes(layer('Nobody'), { x: [3] })).toThrow(/no Python layer mine\.Nobody.*registerPythonLayer/);
  });

  it('are found by module and name', () => {
    expect(hostLayerFor(defaultCatalogue(), 'mine', 'Doubler')).toBeInstanceOf(Doubler);
    expect(hostLayerFor(defaultCatalogue(), 'mine', 'doubler')).toBeUndefined();
  });
});
