/** The layers of `digits_python_layers` that ship with Mokapot: metrics and losses for segmentation. */

import type { HostLayerClass } from '../host_layer.js';
import { Dice } from './dice.js';

export const builtIn: Readonly<Record<string, HostLayerClass>> = { Dice };
