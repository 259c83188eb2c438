/**
 * The schema: syntax tree ⇄ typed message, by any protobufjs type.
 *
 * How a message reads in memory: `layer.pooling_param` is a message or null; `sub(layer, 'pooling_param').stride` reads
 * the default where it is not given; `isSet(p, 'kernel_h')` is Caffe's `has_kernel_h()`; repeated fields are arrays;
 * enums are numbers (`p.pool === PoolingParameter.PoolMethod.MAX`, or `enumName(p, 'pool') === 'MAX'`).
 */

export * from './caffe.js';
export { CAFFE_PROTO } from './caffe_proto.js';
export {
  caffeRoot,
  clone,
  create,
  type DeepPartial,
  enumName,
  isSet,
  loadProto,
  messageType,
  mutable,
  plainInteger,
  sub,
  typeOf,
} from './message.js';
