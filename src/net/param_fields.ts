/** Which blocks of a layer its type reads, and which of their fields change nothing. */

import type protobuf from 'protobufjs';
import { own } from '../diagnostics/index.js';
import type { LayerType } from '../layers/index.js';
import type { ParamField } from '../layers/traits.js';
import { messageType, type Schema } from '../schema/index.js';

type Named = Pick<LayerType, 'type' | 'paramFields'>;
type Blocks = NonNullable<LayerType['paramFields']>;

/** The fields of LayerParameter that a type says it reads, else the one that is named after it. */
export function paramFields(type: Named, schema?: Schema): Blocks {
  return blocksOf(type, messageType('caffe.LayerParameter', schema));
}

/** The same of a given LayerParameter, which may be a fork's. */
export function blocksOf(type: Named, message: protobuf.Type): Blocks {
  return (
    type.paramFields ??
    message.fieldsArray.filter(f => f.resolvedType && readsBlock(type, f.name)).map(f => f.name as ParamField)
  );
}

/** Whether a type reads the block of this name. */
export function readsBlock({ type, paramFields }: Named, name: string): boolean {
  if (paramFields) return (paramFields as readonly string[]).includes(name);
  return name.endsWith('_param') && name.slice(0, -6).replaceAll('_', '').toLowerCase() === type.toLowerCase();
}

/** Fields that only choose among Caffe's own implementations. */
const ENGINE = 'there is one implementation';

/** Why a field of a layer's block has no effect; undefined where it has one. */
export function whyUnused(
  { unusedFields = {}, unheededFields = {} }: Pick<LayerType, 'unusedFields' | 'unheededFields'>,
  block: string,
  field: string,
): string | undefined {
  const why = own(unheededFields, `${block}.${field}`) ?? own(unusedFields, field);
  return why ?? (field === 'engine' ? ENGINE : undefined);
}
