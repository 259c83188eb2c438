/** Whether every bottom has a maker and every top one maker: the checks on names, before any shape is known. */

import { nearest, nth } from '../diagnostics/index.js';
import type { LayerCatalogue } from '../layers/index.js';
import type { LayerParameter } from '../schema/index.js';
import { describeState, type State } from './filter.js';
import { isDataLayer } from './inputs.js';
import type { Report } from './report.js';

/** The reasons of so many unknown blobs are searched for; each search goes through all layers. */
const MOST_EXPLAINED = 200;
/** So many unknown blobs are told one by one; what is more is counted. */
const MOST_TOLD = 1000;

interface Made {
  readonly layer: LayerParameter;
  readers: LayerParameter[];
}

/**
 * Reports unknown bottoms, tops made twice and in-place layers on shared blobs. Returns the layers that cannot be set up
 * for it; what follows from them is not reported again.
 *
 * @param all every layer of the text, also those that this state leaves out
 */
export function checkConnections(
  layers: readonly LayerParameter[],
  all: readonly LayerParameter[],
  state: State,
  report: Report,
  catalogue?: LayerCatalogue,
): Set<LayerParameter> {
  const made = new Map<string, Made>();
  const reported = new Set<string>();
  const broken = new Set<LayerParameter>();
  const missing = new Set<LayerParameter>();
  layers.forEach((layer, i) => {
    const unmade = new Set(layer.bottom.filter(name => !made.has(name)));
    layer.bottom.forEach((name, j) => {
      const blob = made.get(name);
      blob?.readers.push(layer);
      if (blob) return;
      broken.add(layer);
      if (reported.has(name)) return;
      reported.add(name);
      const explained = reported.size <= MOST_EXPLAINED;
      const source = explained ? dataElsewhere(name, layers, all, catalogue) : undefined;
      if (source) {
        if (!missing.has(source)) reportMissingData(layer, j, source, state, report);
        missing.add(source);
        return;
      }
      if (reported.size > MOST_TOLD) return;
      const hint = explained ? whyUnknown(name, made, layers, i, all, state) : undefined;
      const message = `Layer "${layer.name}" (${layer.type}) reads the blob "${name}", which no layer before it makes.`;
      report.error(
        'unknown-blob',
        message,
        { message: layer, field: 'bottom', index: j },
        { layer: layer.name, ...(hint && { hint }) },
      );
    });
    let remade = false;
    layer.top.forEach((name, j) => {
      const blob = made.get(name);
      // In place, and its bottom is the one that is mistyped: that is told already.
      const mistyped = layer.bottom[j] !== undefined && unmade.has(layer.bottom[j]);
      if (blob && !mistyped && !remade && !reported.has(name) && reportRemake(layer, j, blob, report)) {
        remade = true;
        reported.add(name);
        // Where the top is mistyped, its right name, often the layer's own, is missing further down.
        if (!made.has(layer.name)) reported.add(layer.name);
      }
      made.set(name, { layer, readers: (layer.loss_weight[j] ?? 0) === 0 ? [] : [layer] });
    });
  });
  const untold = reported.size - MOST_TOLD;
  if (untold > 0)
    report.error('unknown-blob', `And ${untold} more blobs that no layer before their readers makes.`, {
      message: layers.find(layer => broken.has(layer)),
    });
  return broken;
}

/** A top that is already there must be the same layer's bottom at the same place, and read by nobody else. */
function reportRemake(layer: LayerParameter, top: number, blob: Made, report: Report): boolean {
  const name = nth(layer.top, top);
  const at = { message: layer, field: 'top', index: top };
  if (layer.bottom[top] !== name) {
    report.error(
      'duplicate-blob',
      `Layer "${layer.name}" makes the blob "${name}", which layer "${blob.layer.name}" makes already.`,
      at,
      {
        layer: layer.name,
        hint: 'Give the top a name of its own. Only an in-place layer, whose bottom has the same name, may write to it again.',
      },
    );
    return true;
  }
  const other = blob.readers.find((r, i) => r !== layer || blob.readers.indexOf(r) !== i);
  if (!other) return false;
  const reader = other === blob.layer ? 'the loss of' : 'also';
  report.error(
    'in-place-shared',
    `Layer "${layer.name}" changes the blob "${name}" in place, but layer "${other.name}" reads it as it was.`,
    at,
    {
      layer: layer.name,
      hint: `The blob has ${reader} another reader before this layer; Caffe refuses that. Give the top a name of its own.`,
    },
  );
  return true;
}

/** The data layer that makes a blob in another state, where none does in this one. */
function dataElsewhere(
  name: string,
  layers: readonly LayerParameter[],
  all: readonly LayerParameter[],
  catalogue: LayerCatalogue | undefined,
) {
  if (layers.some(l => l.top.includes(name))) return undefined;
  return all.find(l => l.top.includes(name) && isDataLayer(l, catalogue));
}

function reportMissingData(
  layer: LayerParameter,
  index: number,
  source: LayerParameter,
  state: State,
  report: Report,
): void {
  const tops = source.top.map(top => `"${top}"`).join(' and ');
  report.error(
    'data-phase',
    `Layer "${layer.name}" (${layer.type}) reads "${layer.bottom[index]}", and no data layer makes it in ${describeState(state)}.`,
    { message: layer, field: 'bottom', index },
    {
      layer: layer.name,
      hint: `Layer "${source.name}" (${source.type}) makes ${tops}, but its include/exclude rules leave it out here: give this state a data layer of its own.`,
    },
  );
}

function whyUnknown(
  name: string,
  made: ReadonlyMap<string, Made>,
  layers: readonly LayerParameter[],
  from: number,
  all: readonly LayerParameter[],
  state: State,
): string {
  const known = [...made.keys()];
  const below = layers.slice(from).find(l => l.top.includes(name));
  if (below)
    return `Layer "${below.name}" makes it further down: layers run in the order of the file, so it must stand above.`;
  const leftOut = all.find(l => l.top.includes(name));
  if (leftOut) {
    return `Layer "${leftOut.name}" makes it, but its include/exclude rules leave it out in ${describeState(state)}.`;
  }
  const close = nearest(name, known);
  if (close) return `Did you mean "${close}"?`;
  return known.length === 0
    ? `If it is an input, give its shape: --input ${name}=1,3,256,256, or inputShapes: { ${name}: [1, 3, 256, 256] }.`
    : `Blobs made so far: ${known
        .slice(-8)
        .map(k => `"${k}"`)
        .join(', ')}. An input's shape is given with inputShapes.`;
}
