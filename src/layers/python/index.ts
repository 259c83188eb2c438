/** The layers of `digits_python_layers` that ship with Mokapot: metrics and losses for segmentation. */

import type { HostLayerClass } from '../host/host_layer.js';
import { Dice } from './dice.js';
import { DiceLoss } from './dice_loss.js';
import { FocalLoss } from './focal_loss.js';
import { GeneralizedDice } from './generalized_dice.js';
import { IoU } from './iou.js';

export const builtIn: Readonly<Record<string, HostLayerClass>> = { Dice, DiceLoss, GeneralizedDice, IoU, FocalLoss };

export { dice } from './dice.js';
export { type DiceLossOptions, diceLoss } from './dice_loss.js';
export { type FocalLossOptions, focalLoss } from './focal_loss.js';
export { type GeneralizedDiceOptions, generalizedDice } from './generalized_dice.js';
export { iou } from './iou.js';
export type { LabelOptions } from './segmentation.js';
