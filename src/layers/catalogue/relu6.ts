/** ReLU6 (MobileNet's forks): x held between 0 and 6. */

import { sub } from '../../schema/index.js';
import { neuron } from '../rules/neuron.js';

/** The gradient is 0 at 6 itself (relu6_layer.cpp of caffe-relu6, MobileNet-YOLO and OpenVINO's training toolbox). */
export const relu6 = neuron({
  type: 'ReLU6',
  doc: 'x held between 0 and 6; below 0, negative_slope · x (0).',
  formula: 'y = min(x, 6) for x > 0, else negative_slope · x',
  apply: (ctx, b, x) => b.min(6, b.relu(x, sub(ctx.param, 'relu6_param').negative_slope)),
});
