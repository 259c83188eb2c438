import { describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { fill } from '../../src/fillers/index.js';
import { Random } from '../../src/random/index.js';
import { create, type DeepPartial, FillerParameter } from '../../src/schema/index.js';

const { FAN_IN, FAN_OUT, AVERAGE } = FillerParameter.VarianceNorm;

function filler(fields: DeepPartial<FillerParameter>): FillerParameter {
  return create('caffe.FillerParameter', fields);
}

function filled(fields: DeepPartial<FillerParameter>, shape: readonly number[], seed = 1): Float32Array {
  return fill(filler(fields), shape, new Random(seed));
}

function moments(data: Float32Array) {
  const mean = data.reduce((a, v) => a + v, 0) / data.length;
  const variance = data.reduce((a, v) => a + (v - mean) ** 2, 0) / data.length;
  return {
    mean,
    std: Math.sqrt(variance),
    min: Math.min(...data.slice(0, 50000)),
    max: Math.max(...data.slice(0, 50000)),
  };
}

const SHAPE = [40, 25, 5, 5];

describe('fillers', () => {
  it('fill with 0 by default, with the constant where one is given', () => {
    expect([...fill(null, [3], new Random(1))]).toEqual([0, 0, 0]);
    expect([...filled({}, [2])]).toEqual([0, 0]);
    expect([...filled({ type: 'constant', value: 0.5 }, [2, 2])]).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(filled({ type: 'constant', value: 3 }, []).length).toBe(1);
  });

  it('give the same numbers for the same seed, others for another', () => {
    expect(filled({ type: 'gaussian' }, SHAPE, 7)).toEqual(filled({ type: 'gaussian' }, SHAPE, 7));
    expect(filled({ type: 'gaussian' }, SHAPE, 7)).not.toEqual(filled({ type: 'gaussian' }, SHAPE, 8));
  });

  it('uniform: within its bounds, with their mean', () => {
    const m = moments(filled({ type: 'uniform', min: -1, max: 3 }, SHAPE));
    expect(m.min).toBeGreaterThanOrEqual(-1);
    expect(m.max).toBeLessThanOrEqual(3);
    expect(m.mean).toBeCloseTo(1, 1);
    expect(m.std).toBeCloseTo(4 / Math.sqrt(12), 1);
  });

  it('gaussian: mean and deviation', () => {
    const m = moments(filled({ type: 'gaussian', mean: 2, std: 0.1 }, SHAPE));
    expect(m.mean).toBeCloseTo(2, 2);
    expect(m.std).toBeCloseTo(0.1, 2);
  });

  it('gaussian, sparse: sparse / num_outputs of the weights are not 0', () => {
    const data = filled({ type: 'gaussian', std: 1, sparse: 10 }, [40, 500]);
    const share = data.filter(v => v !== 0).length / data.length;
    expect(share).toBeGreaterThan(0.23);
    expect(share).toBeLessThan(0.27);
    expect(filled({ type: 'gaussian', sparse: 0 }, [40, 500]).every(v => v === 0)).toBe(true);
  });

  it.each([
    [FAN_IN, 625],
    [FAN_OUT, 1000],
    [AVERAGE, 812.5],
  ])('xavier and msra, variance_norm %i: fan %d', (variance_norm, n) => {
    const xavier = moments(filled({ type: 'xavier', variance_norm }, SHAPE));
    expect(xavier.max).toBeLessThanOrEqual(Math.fround(Math.sqrt(3 / n)));
    expect(xavier.max).toBeGreaterThan(0.98 * Math.sqrt(3 / n));
    expect(xavier.std / Math.sqrt(1 / n)).toBeCloseTo(1, 1);
    const msra = moments(filled({ type: 'msra', variance_norm }, SHAPE));
    expect(msra.std / Math.sqrt(2 / n)).toBeCloseTo(1, 1);
    expect(Math.abs(msra.mean)).toBeLessThan(0.002);
  });

  it('positive_unitball: positive rows that add up to 1', () => {
    const data = filled({ type: 'positive_unitball' }, [6, 4, 5]);
    expect(data.every(v => v >= 0)).toBe(true);
    for (let i = 0; i < 6; i++)
      expect(data.subarray(i * 20, (i + 1) * 20).reduce((a, v) => a + v, 0)).toBeCloseTo(1, 5);
  });

  it('bilinear: the interpolating kernel, in every plane', () => {
    const edge = [0.25, 0.75, 0.75, 0.25];
    const kernel = edge.flatMap(y => edge.map(x => x * y));
    expect([...filled({ type: 'bilinear' }, [2, 1, 4, 4])]).toEqual([...kernel, ...kernel]);
    const odd = [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3];
    filled({ type: 'bilinear' }, [1, 1, 5, 5]).forEach((v, i) => {
      expect(v).toBeCloseTo(odd[i % 5]! * odd[Math.floor(i / 5)]!, 6);
    });
  });

  it.each<[DeepPartial<FillerParameter>, readonly number[], RegExp]>([
    [{ type: 'gausian' }, [1], /no filler type "gausian".*Did you mean "gaussian"/],
    [{ type: 'toString' }, [1], /no filler type "toString".*Known types/],
    [{ type: 'bilinear' }, [2, 1, 3, 4], /square kernel.*\[2, 1, 3, 4\]/],
    [{ type: 'bilinear' }, [5, 5], /4 axes/],
    [{ type: 'xavier', sparse: 3 }, [4, 4], /sparse: 3/],
    [{ type: 'uniform', min: 2, max: 1 }, [1], /from 2 to 1/],
    [{ type: 'gaussian', std: 0 }, [1], /std: 0/],
  ])('refuse %j for %j', (fields, shape, message) => {
    expect(() => filled(fields, shape)).toThrow(MokapotError);
    expect(() => filled(fields, shape)).toThrow(message);
  });
});
