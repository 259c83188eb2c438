/**
 * A test that holds a network's shapes: `npx vitest run examples/shapes.test.js`. Where a shape is not the one expected, the
 * message tells how it comes about, layer by layer.
 */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import 'mokapot/vitest';

const text = readFileSync(new URL('../networks/fcn_alexnet.prototxt', import.meta.url), 'utf8');
const deploy = /** @type {const} */ ({ phase: 'TEST', stages: ['deploy'] });

it('gives a score for each class and pixel, whatever the size of the picture', () => {
  expect(text).toHaveBlobShape('score', [1, 21, 256, 256], { ...deploy, inputShapes: { data: [1, 3, 256, 256] } });
  expect(text).toHaveBlobShape('score', [1, 21, 300, 500], { ...deploy, inputShapes: { data: [1, 3, 300, 500] } });
});

it('has AlexNet’s filters', () => {
  expect(text).toHaveParamShape('conv1', 0, [96, 3, 11, 11], deploy);
});

it('compiles for training', () => {
  expect(text).toCompile({ phase: 'TRAIN', entryShapes: { data: [3, 256, 256], label: [1, 256, 256] } });
});
