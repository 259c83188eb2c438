/** What a layer's own code is told, and how its errors get their place and the shapes they are about. */

import { error, MokapotError } from '../diagnostics/index.js';
import { type Shape, showShape } from '../ir/index.js';
import { defaultCatalogue, hostLayerFor } from '../layers/index.js';
import type { Failing, LayerContext, LayerType, Phase } from '../layers/types.js';
import { type LayerParameter, sub } from '../schema/index.js';
import { placeOf } from './report.js';
import type { NetOptions } from './types.js';

/** What `ctx.misfit` gives: the shapes of the bottoms are what is wrong. */
export class ShapeMisfit extends MokapotError {}

interface Given {
  readonly type: LayerType;
  readonly layer: LayerParameter;
  readonly phase: Phase;
  readonly bottoms: readonly { readonly name: string; readonly shape: Shape }[];
  readonly topCount: number;
  readonly dataShapes: readonly Shape[] | undefined;
}

export function layerContext(
  { type, layer, phase, bottoms, topCount, dataShapes }: Given,
  options: NetOptions,
): LayerContext {
  const settledTops = options.settledTops?.get(layer.name);
  const madeTops = options.madeTops?.get(layer.name);
  const told = (code: string, message: string, more: Failing = {}) => {
    const location = placeInLayer(layer, more.field);
    const text = `Layer "${layer.name}" (${layer.type}): ${message}${bottomNote(message, bottoms)}`;
    const about = { layer: layer.name, hint: more.hint, ...(more.trace && { trace: more.trace }) };
    return error(code, text, { ...about, ...(location && { location }) });
  };
  const context: LayerContext = {
    name: layer.name,
    param: layer,
    phase,
    bottomShapes: bottoms.map(b => b.shape),
    topCount,
    ...(dataShapes && { dataShapes }),
    ...(settledTops && { settledTops }),
    ...(madeTops && { madeTops }),
    ...(options.readBlob && { readBlob: options.readBlob }),
    fail: (code, message, more) => new MokapotError(told(code, message, more)),
    misfit: (code, message, more) => new ShapeMisfit(told(code, message, more)),
  };
  if (!type.userCode) return context;
  const host = hostFor(layer, options);
  return host ? { ...context, host } : context;
}

/** The user code of a Python layer; where there is none for it, the diagnostic points at its python_param. */
function hostFor(layer: LayerParameter, options: NetOptions) {
  const { module, layer: name } = sub(layer, 'python_param');
  try {
    return (
      options.hostLayer?.(module, name, layer.name) ??
      hostLayerFor(options.catalogue ?? defaultCatalogue(), module, name)
    );
  } catch (thrown) {
    const location = placeInLayer(layer, 'python_param.module');
    if (!(thrown instanceof MokapotError) || !location) throw thrown;
    throw new MokapotError(thrown.diagnostics.map(d => ({ location, layer: layer.name, ...d })));
  }
}

const MOST_SHOWN = 8;

/** The bottoms with their shapes, where the message does not name them all itself. */
function bottomNote(message: string, bottoms: Given['bottoms']): string {
  const shown = bottoms.slice(0, MOST_SHOWN).map(b => `"${b.name}" ${showShape(b.shape)}`);
  if (shown.length === 0 || shown.every(s => message.includes(s))) return '';
  const more = bottoms.length > MOST_SHOWN ? `, … ${bottoms.length - MOST_SHOWN} more` : '';
  return ` (bottom${shown.length === 1 ? '' : 's'}: ${shown.join(', ')}${more})`;
}

/** `convolution_param.group` below the layer: the field if it is written, else the nearest thing around it that is. */
function placeInLayer(layer: LayerParameter, path: string | undefined) {
  let message: object = layer;
  const steps = path?.split('.') ?? [];
  for (const step of steps.slice(0, -1)) {
    const inner = (message as Record<string, unknown>)[step];
    if (typeof inner !== 'object' || inner === null) return placeOf({ message, field: step });
    message = inner;
  }
  return placeOf({ message, field: steps.at(-1) }) ?? placeOf({ message: layer });
}
