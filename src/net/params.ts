/** Which parameters the net has and which layers share them (Caffe's AppendParam). */

import { type Shape, showShape, sizeOf } from '../ir/index.js';
import type { ParamDeclaration } from '../layers/types.js';
import { create, formatFloat, isSet, type LayerParameter, ParamSpec } from '../schema/index.js';
import type { Report } from './report.js';
import type { NetParam } from './types.js';

type Draft = { -readonly [K in keyof NetParam]: NetParam[K] } & { hasLr: boolean; hasDecay: boolean; spec: ParamSpec };

const DEFAULT_SPEC: ParamSpec = create('caffe.ParamSpec');

/** Gathers the parameters of one layer after the other. */
export class ParamTable {
  private readonly drafts: Draft[] = [];
  private readonly named = new Map<string, Draft>();
  private readonly uses = new Map<string, number>();

  constructor(private readonly report: Report) {}

  get params(): readonly NetParam[] {
    return this.drafts;
  }

  /** The layer's parameters as indices into `params`; undefined after an error. */
  add(layer: LayerParameter, declarations: readonly ParamDeclaration[]): number[] | undefined {
    if (layer.param.length > declarations.length) {
      const n = declarations.length;
      this.report.error(
        'too-many-params',
        `Layer "${layer.name}" (${layer.type}) has ${layer.param.length} param blocks, but ${n || 'no'} parameter${n === 1 ? '' : 's'}.`,
        { message: layer, field: 'param', index: n },
        {
          layer: layer.name,
          hint:
            n === 1
              ? 'With bias_term: false there is no bias to give a param block for.'
              : 'Remove the surplus blocks.',
        },
      );
      return undefined;
    }
    const indices = declarations.map((declaration, position) => this.place(layer, declaration, position));
    return indices.every(i => i !== undefined) ? indices : undefined;
  }

  private place(layer: LayerParameter, declaration: ParamDeclaration, position: number): number | undefined {
    const spec = layer.param[position] ?? DEFAULT_SPEC;
    const owner = spec.name ? this.named.get(spec.name) : undefined;
    if (owner) return this.share(layer, declaration.shape, spec, owner) ? owner.index : undefined;
    const draft: Draft = {
      index: this.drafts.length,
      key: this.freshKey(`${layer.name}/${position}`),
      name: spec.name,
      layer: layer.name,
      position,
      declaration,
      shape: declaration.shape,
      lrMult: declaration.fixed ? 0 : spec.lr_mult,
      decayMult: spec.decay_mult,
      hasLr: isSet(spec, 'lr_mult'),
      hasDecay: isSet(spec, 'decay_mult'),
      spec,
    };
    this.drafts.push(draft);
    if (spec.name) this.named.set(spec.name, draft);
    return draft.index;
  }

  /** Layers may have the same name; keys may not. */
  private freshKey(key: string): string {
    const uses = (this.uses.get(key) ?? 0) + 1;
    this.uses.set(key, uses);
    return uses === 1 ? key : this.freshKey(`${key}#${uses}`);
  }

  private share(layer: LayerParameter, shape: Shape, spec: ParamSpec, owner: Draft): boolean {
    const permissive = spec.share_mode === ParamSpec.DimCheckMode.PERMISSIVE;
    const fits = permissive
      ? sizeOf(shape) === sizeOf(owner.shape)
      : shape.length === owner.shape.length && shape.every((n, i) => n === owner.shape[i]);
    if (!fits) {
      const rule = permissive
        ? 'share_mode PERMISSIVE asks for the same count of numbers.'
        : 'Shared parameters have equal shapes; share_mode: PERMISSIVE would allow another shape of the same count.';
      this.report.error(
        'shared-param-shape',
        `Layer "${layer.name}" shares parameter "${spec.name}" of layer "${owner.layer}", but its shape is ${showShape(shape)} and the owner's ${showShape(owner.shape)}.`,
        { message: spec, field: 'name' },
        { layer: layer.name, hint: rule },
      );
      return false;
    }
    return this.adopt(layer, spec, owner, 'lr_mult') && this.adopt(layer, spec, owner, 'decay_mult');
  }

  /** A multiplier that the owner leaves open is the first sharer's; two that differ are an error. */
  private adopt(layer: LayerParameter, spec: ParamSpec, owner: Draft, field: 'lr_mult' | 'decay_mult'): boolean {
    if (!isSet(spec, field)) return true;
    const [has, mult] = field === 'lr_mult' ? (['hasLr', 'lrMult'] as const) : (['hasDecay', 'decayMult'] as const);
    if (!owner[has]) {
      owner[has] = true;
      owner[mult] = spec[field];
      return true;
    }
    if (owner[mult] === spec[field]) return true;
    this.report.error(
      'shared-param-multiplier',
      `Layer "${layer.name}" gives the shared parameter "${spec.name}" ${field} ${formatFloat(spec[field])}, layer "${owner.layer}" gives it ${formatFloat(owner[mult])}.`,
      { message: spec, field },
      {
        layer: layer.name,
        hint: 'One parameter has one multiplier: write the same number at both places, or leave it out at one.',
      },
    );
    return false;
  }
}
