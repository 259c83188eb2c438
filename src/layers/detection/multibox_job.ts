/** What MultiBoxLoss works on: predictions, priors and true boxes of all pictures, and where each number lies. */

import { nth } from '../../diagnostics/index.js';
import { dim, type HostArray } from '../../ir/index.js';
import { type MultiBoxLossParameter, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import type { LayerContext } from '../types.js';
import { ANY, type Match, matchBoxes, NONE, type Truth } from './box_match.js';
import { type Box, boxAt, decode, type Prior, priorsOf, UNIT } from './boxes.js';

/** What a run works on, of all pictures. */
export interface Job {
  readonly ctx: LayerContext;
  readonly param: MultiBoxLossParameter;
  /** −1 where the number written is 2³² − 1, as in C. */
  readonly background: number;
  readonly pictures: number;
  readonly priors: readonly Prior[];
  readonly loc: Float32Array;
  readonly conf: Float32Array;
  /** By picture; empty where it has none. */
  readonly truths: readonly (readonly Truth[])[];
}

/** Rows [picture, label, instance, xmin, ymin, xmax, ymax, difficult]; those of picture −1 are padding (GetGroundTruth). */
function truthsOf(ctx: LayerContext, data: Float32Array, pictures: number): readonly (readonly Truth[])[] {
  const param = sub(ctx.param, 'multibox_loss_param');
  const truths = Array.from({ length: pictures }, (): Truth[] => []);
  for (let at = 0; at < data.length; at += 8) {
    const [picture, label] = [Math.trunc(data[at]!), Math.trunc(data[at + 1]!)];
    if (picture === -1 || (!param.use_difficult_gt && data[at + 7] !== 0)) continue;
    if (label === (param.background_label_id | 0) || !(label >= 0 && label < param.num_classes)) {
      throw ctx.fail('multibox-label', `row ${at / 8} of ${showBottom(ctx, 3)} has label ${label}.`, {
        hint: `Labels of objects go from 0 to ${param.num_classes - 1}, without the background's ${param.background_label_id}.`,
      });
    }
    truths[picture]?.push({ label, box: boxAt(data, at + 3) });
  }
  return truths;
}

export function jobOf(ctx: LayerContext, inputs: readonly HostArray[]): Job {
  const [loc, conf, priors, truths] = inputs as readonly [HostArray, HostArray, HostArray, HostArray];
  const param = sub(ctx.param, 'multibox_loss_param');
  const pictures = dim(loc.shape, 0);
  return {
    ctx,
    param,
    background: param.background_label_id | 0,
    pictures,
    priors: priorsOf(priors.data),
    loc: loc.data,
    conf: conf.data,
    truths: truthsOf(ctx, truths.data, pictures),
  };
}

/** How many numbers lie before the location prediction of a prior for a class. */
export function locAt({ param, priors }: Job, picture: number, prior: number, label: number): number {
  const classes = param.share_location ? 1 : param.num_classes;
  return 4 * ((picture * priors.length + prior) * classes + (label === ANY ? 0 : label));
}

/** The boxes that the location predictions for a class make of the priors. */
export function predictedBoxes(job: Job, picture: number, label: number): Box[] {
  const { param, priors, loc } = job;
  return priors.map(({ box, variance }, p) => {
    const code = boxAt(loc, locAt(job, picture, p, label));
    return decode(box, param.encode_variance_in_target ? UNIT : variance, code, param.code_type);
  });
}

/** Matches by class, in order of the classes; none where the picture has no truth (FindMatches). */
export function matchesOf(job: Job, picture: number): Match[] {
  const { param, background, priors } = job;
  const truths = nth(job.truths, picture);
  if (truths.length === 0) return [];
  const classes = param.share_location ? [ANY] : [...Array(param.num_classes).keys()].filter(c => c !== background);
  if (!param.use_prior_for_matching)
    return classes.map(c => matchBoxes(truths, predictedBoxes(job, picture, c), c, param));
  const boxes = priors.map(prior => prior.box);
  const all = matchBoxes(truths, boxes, ANY, param);
  if (param.share_location) return [all];
  return classes.map(label => {
    const truth = all.truth.map(t => (t > NONE && nth(truths, t).label === label ? t : NONE));
    return { label, truth, overlap: all.overlap };
  });
}
