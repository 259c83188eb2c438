/** What is said of layers and fields that other forks of Caffe have. */

import { describe, expect, it } from 'vitest';
import { parseText } from '../../src/schema/index.js';
import { attempt, codes, input, layer } from './nets.js';

const SSD_DATA = `layer {
  name: "data" type: "AnnotatedData" top: "data" top: "label"
  transform_param {
    mirror: true
    resize_param { prob: 1 resize_mode: WARP height: 300 width: 300 interp_mode: LINEAR interp_mode: CUBIC }
    emit_constraint { emit_type: CENTER }
    distort_param { brightness_prob: 0.5 brightness_delta: 32 random_order_prob: 0 }
    expand_param { prob: 0.5 max_expand_ratio: 4 }
  }
  data_param { source: "lmdb" batch_size: 32 backend: LMDB }
  annotated_data_param {
    batch_sampler { max_sample: 1 sampler { min_scale: 0.3 } sample_constraint { min_jaccard_overlap: 0.1 } }
    label_map_file: "labelmap_voc.prototxt"
  }
}
`;

describe('a layer type of a fork', () => {
  it("parses with its fields, and says what to write instead: SSD's training net", () => {
    expect(parseText(SSD_DATA, 'caffe.NetParameter').diagnostics).toEqual([]);
    const { diagnostics } = attempt(SSD_DATA);
    expect(codes(diagnostics)).toEqual(['unknown-layer-type@2']);
    expect(diagnostics[0]!.hint).toMatch(
      /known from SSD.*Input layer, the boxes as \[1, 1, boxes, 8\].*registerLayer/s,
    );
  });

  it('is told beside a bottom that nobody makes', () => {
    const { diagnostics } = attempt(layer('Correlation', 'l', 'nobody', 'y') + layer('ReLU', 'r', 'y', 'r'));
    expect(codes(diagnostics)).toEqual(['unknown-blob@1', 'unknown-layer-type@1']);
  });

  it.each([
    ['DetectionEvaluate', /outside the net/],
    ['ImageSegData', /two ImageData layers/],
    ['Correlation', /FlowNet.*Registered types/s],
  ])('%s', (type, hint) => {
    const { diagnostics } = attempt(input('x', 1, 1, 2, 2) + layer(type, 'l', 'x', 'y'));
    expect(diagnostics[0]!.code).toBe('unknown-layer-type');
    expect(diagnostics[0]!.hint).toMatch(hint);
  });
});

it("SSD's ways to change pictures are an error on layers that do not know them", () => {
  const data = `layer { name: "d" type: "Data" top: "x"
  transform_param { resize_param { height: 300 } } data_param { batch_size: 1 } }`;
  const { diagnostics } = attempt(data, { phase: 'TRAIN', entryShapes: { x: [3, 4, 4] } });
  expect(codes(diagnostics)).toEqual(['foreign-transform@2']);
});
