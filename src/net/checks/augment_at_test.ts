/** Pictures are changed by chance in phase TRAIN alone: a layer for TEST that asks for it asks in vain. */

import { isSet, type LayerParameter, Phase, typeOf } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule } from './check.js';

const layers = (train: string, test: string) => `layer {
  name: "train" type: "Data" top: "data" include { phase: TRAIN } data_param { batch_size: 4 }
  augment_param { ${train} }
}
layer {
  name: "test" type: "Data" top: "data" include { phase: TEST } data_param { batch_size: 4 }
  augment_param { ${test} }
}
layer { name: "relu" type: "ReLU" bottom: "data" top: "out" }
`;

export const augmentAtTestDoc = (): CheckDoc => ({
  doc: 'Pictures are augmented in phase TRAIN.',
  cure: 'In TEST nothing of augment_param counts but crop_size, which cuts out the middle: what a network is worth is told by pictures as they are.',
  example: {
    wrong: layers('rotation: 20 crop_size: 8', 'rotation: 20 crop_size: 8'),
    right: layers('rotation: 20 crop_size: 8', 'crop_size: 8'),
    phase: 'TEST',
    given: 'a data set',
  },
});

export const augmentAtTest: CheckRule = {
  code: 'augment-at-test',
  run: graph =>
    graph.layers.flatMap(layer => {
      const augment = layer.context.param.augment_param;
      if (graph.phase !== 'TEST' || !augment || !layer.type.reads || !isForTest(layer.context.param)) return [];
      const fields = typeOf(augment).fieldsArray.map(f => f.name);
      const [field] = fields.filter(f => !KEPT.has(f) && isSet(augment as unknown as Record<string, unknown>, f));
      if (field === undefined) return [];
      const message = `Layer "${layer.name}" (${layer.type.type}) has ${field} for phase TEST, where pictures are not augmented.`;
      return about(layer, 'augment-at-test', message, {
        field: `augment_param.${field}`,
        hint: 'Only crop_size counts in TEST: keep that, and have the rest in the layer for TRAIN.',
      });
    }),
};

/** What counts in TEST too. */
const KEPT: ReadonlySet<string> = new Set(['crop_size', 'labels_of']);

/** Whether its rules let it take part in TEST alone. DIGITS validates in stage "val". */
function isForTest({ include }: LayerParameter): boolean {
  return (
    include.length > 0 && include.every(r => (isSet(r, 'phase') ? r.phase === Phase.TEST : r.stage.includes('val')))
  );
}
