/**
 * Where gradients flow: Caffe's blob_need_backward, bottom_need_backward and its walk back from the losses. Works on
 * connections only.
 */

import { nth } from '../diagnostics/index.js';
import type { BlobVersion, NetParam } from './types.js';

/** What of a layer the analysis reads. */
export interface BackwardLayer {
  readonly bottoms: readonly BlobVersion[];
  readonly tops: readonly BlobVersion[];
  readonly lossWeights: readonly number[];
  readonly params: readonly number[];
  /** `propagate_down` as written: one per bottom, or none. */
  readonly explicit: readonly boolean[];
  readonly canBackward: readonly boolean[];
}

export interface BackwardPlan {
  readonly propagateDown: readonly boolean[];
  readonly blocked: readonly boolean[];
  readonly needsBackward: boolean;
}

export function planBackward(
  layers: readonly BackwardLayer[],
  params: readonly Pick<NetParam, 'lrMult'>[],
  forceBackward: boolean,
): BackwardPlan[] {
  const drafts = walkForward(layers, params);
  walkBack(layers, drafts);
  return layers.map((layer, i) => {
    const { propagate, needs } = nth(drafts, i);
    const allowed = layer.canBackward;
    return {
      propagateDown: propagate.map((p, j) => nth(allowed, j) && (p || forceBackward)),
      blocked: layer.bottoms.map((_, j) => !allowed[j] || (layer.explicit[j] === false && !forceBackward)),
      needsBackward: needs || forceBackward,
    };
  });
}

interface Draft {
  propagate: boolean[];
  needs: boolean;
}

/** A blob needs a gradient where anything that learns lies above it; `propagate_down` overrides that for one bottom. */
function walkForward(layers: readonly BackwardLayer[], params: readonly Pick<NetParam, 'lrMult'>[]): Draft[] {
  const needy = new Set<number>();
  return layers.map(layer => {
    const below = layer.bottoms.some(blob => needy.has(blob.id));
    const needs = below || layer.params.some(p => nth(params, p).lrMult !== 0);
    const propagate = layer.bottoms.map((blob, j) => layer.explicit[j] ?? needy.has(blob.id));
    if (needs) for (const top of layer.tops) needy.add(top.id);
    return { propagate, needs };
  });
}

/** Nothing flows into layers that no loss stands on, nor through a layer all of whose tops are cut off. */
function walkBack(layers: readonly BackwardLayer[], drafts: readonly Draft[]): void {
  const underLoss = new Set<number>();
  const cut = new Set<number>();
  for (let i = layers.length - 1; i >= 0; i--) {
    const layer = nth(layers, i);
    const draft = nth(drafts, i);
    const contributes = layer.tops.some((top, k) => layer.lossWeights[k] !== 0 || underLoss.has(top.id));
    if (!contributes || (draft.needs && layer.tops.every(top => cut.has(top.id)))) {
      draft.needs = false;
      draft.propagate = draft.propagate.map(() => false);
    }
    layer.bottoms.forEach((blob, j) => {
      if (contributes) underLoss.add(blob.id);
      if (!draft.propagate[j]) cut.add(blob.id);
    });
  }
}
