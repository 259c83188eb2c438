/**
 * Matchers for vitest: `import 'mokapot/vitest'` in a test or a setup file, then
 *
 *     expect(text).toCompile();
 *     expect({ text, phase: 'TRAIN', inputShapes }).toHaveBlobShape('score', [1, 2, 256, 256]);
 *     expect(text).toHaveParamShape('conv1', 0, [96, 3, 11, 11], { stages: ['deploy'] });
 *     expect(text).toHaveParamCount(431080);
 *
 * What is expected of is a prototxt's text, or an object with the text and the options of `describe`; the options may
 * also be a matcher's last argument.
 */

import { expect } from 'vitest';
import { formatDiagnostic } from '../diagnostics/index.js';
import { type Shape, sameShape, showShape } from '../ir/index.js';
import { type DescribeOptions, type Description, describe } from '../net/index.js';
import { shapeStory } from './shape_trace.js';

/** A prototxt: its text alone, or with the options it is to be described with. */
export type Prototxt = string | ({ readonly text: string } & DescribeOptions);

/** What `expect` of a prototxt can also do. */
export interface MokapotMatchers {
  /** The network has no errors in the given phase and stages. */
  toCompile(options?: DescribeOptions): void;
  /** The blob exists and has this shape (its last version, where layers work in place). */
  toHaveBlobShape(blob: string, shape: Shape, options?: DescribeOptions): void;
  /** The layer's parameter `index` (0: weights, 1: bias) has this shape. */
  toHaveParamShape(layer: string, index: number, shape: Shape, options?: DescribeOptions): void;
  /** All parameters together hold this many numbers; shared ones count once. */
  toHaveParamCount(count: number, options?: DescribeOptions): void;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: vitest declares its interface with this very parameter
  interface Matchers<T = any> extends MokapotMatchers {}
}

interface Outcome {
  readonly pass: boolean;
  readonly message: () => string;
  readonly expected?: unknown;
  readonly actual?: unknown;
}

/** The matchers as vitest's `expect.extend` takes them; importing this module has extended it already. */
export const matchers = {
  toCompile(received: unknown, options?: DescribeOptions): Outcome {
    const net = read(received, options);
    return {
      pass: net.ok,
      message: () => (net.ok ? `expected the network not to compile, but it does (${size(net)})` : refused(net)),
    };
  },

  toHaveBlobShape(received: unknown, blob: string, shape: Shape, options?: DescribeOptions): Outcome {
    const net = read(received, options);
    const actual = net.blobs.get(blob)?.shape;
    const pass = actual !== undefined && sameShape(actual, shape);
    const message = () => {
      if (pass) return `expected blob "${blob}" not to have the shape ${showShape(shape)}`;
      if (!actual)
        return `expected blob "${blob}" to have the shape ${showShape(shape)}, but ${absent(net, 'blob', blob)}`;
      const head = `expected blob "${blob}" to have the shape ${showShape(shape)}, but it is ${showShape(actual)}.`;
      return `${head}\n\nHow it comes about:\n${shapeStory(net, blob)}`;
    };
    return { pass, message, expected: shape, actual };
  },

  toHaveParamShape(received: unknown, layer: string, index: number, shape: Shape, options?: DescribeOptions): Outcome {
    const net = read(received, options);
    const params = net.params.get(layer);
    const actual = params?.[index]?.shape;
    const pass = actual !== undefined && sameShape(actual, shape);
    const message = () => {
      const wanted = `parameter ${index} of layer "${layer}"`;
      if (pass) return `expected ${wanted} not to have the shape ${showShape(shape)}`;
      if (!params)
        return `expected ${wanted} to have the shape ${showShape(shape)}, but ${absent(net, 'layer', layer)}`;
      const has = params.map((p, i) => `${i}: ${showShape(p.shape)}`).join(', ');
      if (!actual)
        return `expected ${wanted} to have the shape ${showShape(shape)}, but the layer's parameters are ${has}.`;
      const head = `expected ${wanted} to have the shape ${showShape(shape)}, but it is ${showShape(actual)}.`;
      const top = net.layers.find(l => l.name === layer)?.tops[0];
      return top === undefined ? head : `${head}\n\nHow it comes about:\n${shapeStory(net, top, layer)}`;
    };
    return { pass, message, expected: shape, actual };
  },

  toHaveParamCount(received: unknown, count: number, options?: DescribeOptions): Outcome {
    const net = read(received, options);
    const pass = net.ok && net.paramCount === count;
    const message = () => {
      if (pass) return `expected the network not to have ${count} parameters`;
      if (!net.ok) return refused(net);
      const rows = net.layers
        .filter(l => l.paramCount > 0)
        .map(l => `  ${l.name}: ${l.paramCount} = ${l.params.map(p => showShape(p.shape)).join(' + ')}`);
      return `expected the network to have ${count} parameters, but it has ${net.paramCount}:\n${rows.join('\n')}`;
    };
    return { pass, message, expected: count, actual: net.paramCount };
  },
};

expect.extend(matchers);

function read(received: unknown, options: DescribeOptions = {}): Description {
  if (typeof received === 'string') return describe(received, options);
  const text = (received as { text?: unknown } | null | undefined)?.text;
  if (typeof text !== 'string') {
    throw new TypeError(
      'mokapot/vitest: expect(…) takes the text of a prototxt, or { text, phase, stages, inputShapes }',
    );
  }
  const { text: _, ...own } = received as { text: string } & DescribeOptions;
  return describe(text, { ...own, ...options });
}

function errorsOf(net: Description): string {
  return net.diagnostics
    .filter(d => d.severity === 'error')
    .map(d => formatDiagnostic(d))
    .join('\n\n');
}

function refused(net: Description): string {
  const last = net.layers.findLast(l => !l.inserted && l.tops.length > 0);
  const trace = last
    ? `\n\nThe last layer that stands, "${last.name}":\n${shapeStory(net, last.tops[0]!, last.name)}`
    : '';
  return `expected the network to compile, but:\n\n${errorsOf(net)}${trace}`;
}

function absent(net: Description, kind: 'blob' | 'layer', name: string): string {
  if (!net.ok) return `the network does not compile:\n\n${errorsOf(net)}`;
  if (kind === 'layer' && net.layers.some(l => l.name === name)) return `the layer has no parameters.`;
  const names =
    kind === 'blob' ? [...net.blobs].filter(([, b]) => !b.inserted).map(([n]) => n) : [...net.params.keys()];
  const what = kind === 'blob' ? 'no blob has that name' : 'no layer with parameters has that name';
  return `${what} in phase ${net.phase}. There are: ${names.map(n => `"${n}"`).join(', ')}`;
}

function size(net: Description): string {
  return `${net.layers.filter(l => !l.inserted).length} layers, ${net.paramCount} parameters`;
}
