/**
 * The schema: syntax tree ⇄ typed message, by any protobufjs type.
 *
 * How a message reads in memory: `layer.pooling_param` is a message or null; `sub(layer, 'pooling_param').stride` reads
 * the default where it is not given; `isSet(p, 'kernel_h')` is Caffe's `has_kernel_h()`; repeated fields are arrays;
 * enums are numbers (`p.pool === PoolingParameter.PoolMethod.MAX`, or `enumName(p, 'pool') === 'MAX'`). Float fields
 * hold what a C++ float holds (`base_lr: 0.01` reads as 0.009999999776…): show them by `formatFloat`. 64-bit integers
 * are plain numbers; only beyond 2^53 - 1 they are a Long, so check sizes by `Number.isSafeInteger`.
 */

export { augmentFaults } from './augment.js';
export { type DecodeOptions, decode, encode, formatValue, printText } from './codec.js';
export { type Change, type Edit, type Edited, editText, parseEdit } from './edit.js';
export { formatText } from './format.js';
export * from './generated/caffe.js';
export { CAFFE_PROTO, FORKS_PROTO, MOKAPOT_PROTO } from './generated/caffe_proto.js';
export { looksLikeSolver } from './kind.js';
export { clone, create, createBeside, type DeepPartial, enumName, isSet, sub } from './message.js';
export { noEffect, withoutEffect } from './no_effect.js';
export { locate, type Parsed, type ParseOptions, parseText } from './parse.js';
export { parseNet, parseSolver } from './read.js';
export {
  defaultSchema,
  extendSchema,
  loadProto,
  messageType,
  Schema,
  type SchemaSettings,
  schemaOf,
  typeOf,
} from './schema.js';
export { type BlobMention, blobMentions, layerBlocks, type PlacedBlock, scalarsOf, textsOf } from './select.js';
export { adding, removing, replacing, setting } from './splices.js';
export { upgradeNet, upgradeSolver } from './upgrade.js';
export { type Upgraded, upgradeText } from './upgrade_text.js';
export { formatFloat } from './values.js';
export { type OnSkipped, type SkippedField, skippedWarning } from './wire.js';
