/**
 * `mokapot deploy`: a network for training as the network that is used afterwards, as DIGITS makes it. Rules of phase and
 * stage are settled (TEST, stage "deploy"), data layers become inputs, losses become what makes probabilities of scores;
 * labels go, and with them whatever reads them. The text stays where nothing changes, comments and all.
 */

import { type Diagnostic, error, hasErrors, MokapotError, own } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { defaultCatalogue, INPUT, type LayerCatalogue, paramAt } from '../layers/index.js';
import {
  isSet,
  type LayerParameter,
  type NetParameter,
  type ParseOptions,
  parseNet,
  printText,
  sub,
  upgradeText,
} from '../schema/index.js';
import { type Origin, originOf } from '../schema/parse.js';
import { cutting, type Splice, spliced } from '../schema/splices.js';
import { declaredEntries } from './assumed.js';
import { tryCompileNet } from './compile.js';
import { filterLayers } from './filter.js';
import { isInputLayer } from './inputs.js';
import { Report } from './report.js';

/** What a deploy net is made with. */
export interface DeployOptions extends ParseOptions {
  /** Shapes of inputs, whole (batch axis too), by blob. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /** The layers that the net may have. Default: those of `defaultCatalogue()`. */
  readonly catalogue?: LayerCatalogue | undefined;
}

/** A network as it is used after its training. */
export interface Deployed {
  /** Its prototxt. */
  readonly text: string;
  /** What was done, a sentence each. */
  readonly changes: readonly string[];
  /** What the caller should know: pre-processing that is theirs now, shapes that were assumed. */
  readonly diagnostics: readonly Diagnostic[];
}

const STATE = { phase: 'TEST', level: 0, stages: ['deploy'] } as const;

/**
 * The text of the network in use.
 *
 * @throws MokapotError where the text is broken, `deploy-shape` where nothing tells an input's shape, or `deploy-broken` where
 * what it would be does not compile
 */
export function deployText(text: string, options: DeployOptions = {}): Deployed {
  const before = parseNet(text, options).diagnostics;
  if (hasErrors(before)) throw new MokapotError(before);
  const upgraded = upgradeText(text, 'caffe.NetParameter', options);
  const { message } = parseNet(upgraded.text, options);
  const deployer = new Deployer(upgraded.text, message, options);
  const made = deployer.run();
  checkMade(made, options);
  return { text: made, changes: [...upgraded.changes, ...deployer.changes], diagnostics: deployer.diagnostics };
}

/** What is known only where user code runs. */
const NEEDS_USER_CODE: ReadonlySet<string> = new Set(['python-module', 'python-not-run']);

/** Refuses to hand out a network that does not compile, unless nothing but its Python layers is unknown. */
function checkMade(text: string, options: DeployOptions): void {
  const parsed = parseNet(text, { ...options, name: '<deploy>' });
  const { catalogue } = options;
  const errors = [...parsed.diagnostics, ...tryCompileNet(parsed.message, { ...STATE, catalogue }).diagnostics].filter(
    d => d.severity === 'error' && !NEEDS_USER_CODE.has(d.code),
  );
  if (errors.length === 0) return;
  const [first] = errors;
  throw new MokapotError([
    error('deploy-broken', `The network in use would not compile, so it is not written: ${first!.message}`, {
      ...(first!.layer !== undefined && { layer: first!.layer }),
      hint: `${first!.hint ?? ''} mokapot check shows what is wrong with the network itself.`.trim(),
    }),
  ]);
}

class Deployer {
  readonly changes: string[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #splices: Splice[] = [];
  /** The layers of phase TEST, stage "deploy", before anything is dropped. */
  readonly #present: readonly LayerParameter[];
  /** The author wrote down what deploy means. */
  readonly #hasStage: boolean;
  readonly #dropped = new Map<LayerParameter, string>();

  readonly #catalogue: LayerCatalogue;

  constructor(
    readonly text: string,
    readonly net: NetParameter,
    readonly options: DeployOptions,
  ) {
    this.#catalogue = options.catalogue ?? defaultCatalogue();
    const report = new Report();
    const filtered = filterLayers(net.layer, STATE, report);
    if (hasErrors(report.diagnostics)) throw new MokapotError(report.diagnostics);
    this.#hasStage = net.layer.some(l =>
      [...l.include, ...l.exclude].some(rule => [...rule.stage, ...rule.not_stage].includes('deploy')),
    );
    this.#present = this.#withData(filtered);
  }

  /** With the data layers of other phases that alone make what these layers read: a net may feed itself in TRAIN only. */
  #withData(layers: readonly LayerParameter[]): readonly LayerParameter[] {
    const made = new Set(layers.flatMap(l => l.top));
    const lacking = new Set(layers.flatMap(l => l.bottom).filter(b => !made.has(b)));
    const taken = new Set(layers);
    for (const layer of this.net.layer) {
      if (taken.has(layer) || !this.#isSource(layer) || !layer.top.some(t => lacking.has(t))) continue;
      taken.add(layer);
      for (const top of layer.top) lacking.delete(top);
    }
    return this.net.layer.filter(l => taken.has(l));
  }

  run(): string {
    const present = new Set(this.#present);
    this.#dropLabels();
    this.#dropAuxiliary();
    this.#dropReaders();
    const gone = this.net.layer.filter(l => !present.has(l));
    for (const layer of gone) this.#cut(layer);
    if (gone.length > 0) this.changes.push(`Not of phase TEST, stage "deploy": ${listed(gone)}.`);
    for (const [why, layers] of this.#byReason()) this.changes.push(`${why}: ${listed(layers)}.`);
    for (const layer of this.#present) this.#place(layer);
    if (!this.#hasStage) this.#ends();
    return this.#applied();
  }

  #byReason(): Map<string, LayerParameter[]> {
    const reasons = new Map<string, LayerParameter[]>();
    for (const [layer, why] of this.#dropped) reasons.set(why, [...(reasons.get(why) ?? []), layer]);
    return reasons;
  }

  #isLoss(layer: LayerParameter): boolean {
    return this.#catalogue.get(layer.type)?.isLoss === true;
  }

  /** Feeds the network from outside, other than what is an input already. */
  #isSource(layer: LayerParameter): boolean {
    const type = this.#catalogue.get(layer.type);
    if (!type) return this.#catalogue.readsData(layer.type) && layer.bottom.length === 0;
    if (type.userCode) return layer.bottom.length === 0;
    return type.isSource === true && !isInputLayer(layer, this.#catalogue);
  }

  // ------------------------------------------------------------------ what goes

  /** Labels, losses, and whatever reads a label or a blob that is gone. */
  #dropLabels(): void {
    const labels = this.#labels();
    const gone = new Set(labels);
    for (const layer of this.#present) {
      if (this.#isSource(layer)) {
        if (layer.top.every(top => gone.has(top))) this.#dropped.set(layer, 'Labels');
        continue;
      }
      const reads = layer.bottom.some(b => gone.has(b));
      if (this.#isLoss(layer) && !this.#hasStage) this.#dropped.set(layer, 'Losses');
      else if (this.#catalogue.get(layer.type)?.classLabels && !this.#isLoss(layer))
        this.#dropped.set(layer, 'Measures');
      else if (reads) this.#dropped.set(layer, 'Read labels');
      else continue;
      for (const top of layer.top) if (!layer.bottom.includes(top)) gone.add(top);
    }
  }

  /** Tops of data layers that no prediction comes from. */
  #labels(): Set<string> {
    const sources = this.#present.filter(l => this.#isSource(l));
    const losses = this.net.layer.filter(l => this.#isLoss(l));
    const wanted = new Set<string>();
    const heads = losses.flatMap(l => l.bottom.slice(0, this.#catalogue.get(l.type)?.predictions ?? 1));
    for (const top of this.#ancestors(heads)) wanted.add(top);
    const isLabel = (source: LayerParameter, top: string, i: number): boolean => {
      if (losses.length > 0) return !wanted.has(top);
      return i > 0 || top === 'label' || sources.some(s => s !== source && s.top.indexOf(top) > 0);
    };
    return new Set(sources.flatMap(s => s.top.filter((top, i) => isLabel(s, top, i))));
  }

  /** The blobs and all that they are computed from. */
  #ancestors(blobs: readonly string[]): Set<string> {
    const found = new Set(blobs);
    for (const layer of this.#present.toReversed()) {
      if (this.#isLoss(layer) || !layer.top.some(t => found.has(t))) continue;
      for (const bottom of layer.bottom) found.add(bottom);
    }
    return found;
  }

  /** Losses of less weight than another train layers halfway; their heads lead nowhere now. */
  #dropAuxiliary(): void {
    if (this.#hasStage) return;
    const losses = this.#present.filter(l => this.#isLoss(l));
    const weight = (l: LayerParameter) => l.loss_weight[0] ?? 1;
    const most = Math.max(...losses.map(weight));
    const minor = losses.filter(l => weight(l) < most).flatMap(l => l.bottom);
    if (minor.length === 0) return;
    const useful = this.#ancestors(losses.filter(l => weight(l) === most).flatMap(l => l.bottom));
    const forMinor = this.#ancestors(minor);
    for (const layer of this.#present) {
      const onlyMinor = layer.top.length > 0 && layer.top.every(t => forMinor.has(t) && !useful.has(t));
      if (onlyMinor && !this.#dropped.has(layer)) this.#dropped.set(layer, 'Only of auxiliary losses');
    }
  }

  /** Whatever reads a blob whose layer was dropped, and what reads those in turn. */
  #dropReaders(): void {
    const gone = new Set<string>();
    for (const layer of this.#present) {
      if (!this.#dropped.has(layer) && layer.bottom.some(b => gone.has(b)))
        this.#dropped.set(layer, 'Read what is gone');
      for (const top of layer.top) {
        if (!this.#dropped.has(layer)) gone.delete(top);
        else if (!layer.bottom.includes(top)) gone.add(top);
      }
    }
  }

  // ------------------------------------------------------------------ what stays

  /** A layer of the deploy stage: dropped, turned into an Input, or freed of its rules. */
  #place(layer: LayerParameter): void {
    if (this.#dropped.has(layer)) {
      if (this.#probability(layer)) return;
      this.#cut(layer);
    } else if (this.#isSource(layer)) this.#input(layer);
    else this.#withoutRules(layer);
  }

  #withoutRules(layer: LayerParameter): void {
    const { lines, fields } = originOf(layer)!;
    for (const field of fields.filter(f => f.name === 'include' || f.name === 'exclude'))
      this.#splices.push(cutting(lines, field));
  }

  #input(layer: LayerParameter): void {
    const labels = this.#labels();
    const tops = layer.top.filter(t => !labels.has(t));
    const inputs = tops.map((top, i) => ({ top, shape: this.#shapeOf(layer, top, i) }));
    const blocks = inputs.map(
      ({ top, shape }) =>
        `layer {\n  name: "${inputs.length > 1 ? top : layer.name}"\n  type: "${INPUT.type}"\n  top: "${top}"\n  input_param { shape { ${shape.map(d => `dim: ${d}`).join(' ')} } }\n}`,
    );
    this.#replace(layer, blocks.join('\n'));
    for (const { top, shape } of inputs)
      this.changes.push(`${layer.type} layer "${layer.name}" is an input: ${top} ${shape.join('x')}.`);
    this.#tellTransform(layer);
  }

  /** The shape of what a data layer feeds: as the options say, as the layer does, or as an Input layer of another stage does. */
  #shapeOf(layer: LayerParameter, top: string, i: number): Shape {
    const given = own(this.options.inputShapes, top);
    if (given) return given;
    const declared = own(declaredEntries(this.net, this.#catalogue), top);
    if (declared) return [1, ...declared];
    const dummy = layer.dummy_data_param;
    const shape = dummy?.shape[dummy.shape.length > 1 ? i : 0];
    if (shape) return [1, ...shape.dim.slice(1)];
    const memory = layer.memory_data_param;
    if (memory) return [1, memory.channels, memory.height, memory.width];
    return this.#pictureShape(layer, top);
  }

  #pictureShape(layer: LayerParameter, top: string): Shape {
    const transform = sub(layer, 'transform_param');
    const image = layer.image_data_param;
    const side = transform.crop_size;
    const [rows = side, columns = rows] = sub(layer, 'augment_param').crop_size;
    const [height, width] = rows > 0 ? [rows, columns] : [image?.new_height ?? 0, image?.new_width ?? 0];
    if (!height || !width) {
      throw new MokapotError(
        error('deploy-shape', `Nothing says how large the pictures of "${top}" are.`, {
          layer: layer.name,
          hint: `Say it: --input ${top}=1,3,227,227.`,
        }),
      );
    }
    const told = transform.mean_value.length > 0 ? transform.mean_value.length : undefined;
    const channels = transform.force_gray || image?.is_color === false ? 1 : (told ?? 3);
    if (told === undefined && !transform.force_color && !transform.force_gray && !image) {
      this.#note(
        'assumed-channels',
        `"${top}" is taken to have ${channels} channels.`,
        layer,
        `If it is grey: --input ${top}=1,1,${height},${width}.`,
      );
    }
    return [1, channels, height, width];
  }

  #tellTransform(layer: LayerParameter): void {
    const t = layer.transform_param;
    if (!t) return;
    const means = t.mean_value.join(',') || t.mean_file;
    const factor = isSet(t, 'scale') && t.scale !== 1 ? String(Number(t.scale.toPrecision(7))) : '';
    const mean = means && `subtract ${t.mean_value.length > 0 ? t.mean_value.join(', ') : `the mean in ${means}`}`;
    const steps = [mean, factor && `multiply by ${factor}`].filter(Boolean);
    const options = [means && `--mean ${means}`, factor && `--scale ${factor}`].filter(Boolean);
    if (steps.length === 0) return;
    this.#note(
      'deploy-transform',
      `"${layer.name}" prepared its pictures: ${steps.join(', then ')}. Whoever feeds the input does that now.`,
      layer,
      `mokapot convert works it into a model: ${options.join(' ')}.`,
    );
  }

  // ------------------------------------------------------------------ losses

  /** In the place of a loss the layer that makes probabilities; whether there is one. */
  #probability(loss: LayerParameter): boolean {
    const block = this.#dropped.get(loss) === 'Losses' ? this.#probabilityBlock(loss) : undefined;
    if (block === undefined) return false;
    this.#replace(loss, block);
    return true;
  }

  /** Losses that phase TEST does not have: their scores get their probabilities at the end. */
  #ends(): void {
    const blocks = this.net.layer
      .filter(l => this.#isLoss(l) && !this.#present.includes(l))
      .flatMap(loss => this.#probabilityBlock(loss) ?? []);
    if (blocks.length === 0) return;
    const end = this.text.length;
    const gap = this.text.endsWith('\n') ? '' : '\n';
    this.#splices.push({ start: end, end, text: `${gap}${blocks.join('\n')}\n` });
  }

  readonly #probable = new Set<string>();

  #probabilityBlock(loss: LayerParameter): string | undefined {
    const applies = this.#catalogue.get(loss.type)?.applies;
    const [score] = loss.bottom;
    if (!applies || score === undefined || this.#probable.has(score)) return undefined;
    const kept = this.#present.filter(l => !this.#dropped.has(l));
    const type = applies.layer;
    const made = kept.some(l => l.top.includes(score));
    if (!made || kept.some(l => l.type === type && l.bottom.includes(score))) return undefined;
    this.#probable.add(score);
    const taken = new Set(kept.flatMap(l => [l.name, ...l.top]));
    const name = !taken.has('prob') && this.#probable.size === 1 ? 'prob' : `prob_${loss.name}`;
    const field = applies.field;
    const param = field && isSet(loss as unknown as Record<string, object>, field) && paramAt<object>(loss, field);
    const own = param
      ? `\n  ${field} { ${printText(param)
          .trim()
          .replace(/\s*\n\s*/g, ' ')} }`
      : '';
    this.changes.push(`${loss.type} "${loss.name}" is ${type} "${name}" of "${score}".`);
    return `layer {\n  name: "${name}"\n  type: "${type}"\n  bottom: "${score}"\n  top: "${name}"${own}\n}`;
  }

  // ------------------------------------------------------------------ text

  #cut(layer: LayerParameter): void {
    const origin = this.#originOf(layer);
    const splice = cutting(origin.lines, origin.span);
    // A comment right above it speaks of it.
    const above = /(?:^[ \t]*#[^\n]*\n)+(?![\s\S])/m.exec(this.text.slice(0, splice.start));
    this.#splices.push({ ...splice, start: above ? above.index : splice.start });
  }

  #replace(layer: LayerParameter, block: string): void {
    const { span, lines } = this.#originOf(layer);
    const newline = this.text.includes('\r\n') ? '\r\n' : '\n';
    const indent = lines.opensLine(span.start) ? lines.indent(span.start) : '';
    this.#splices.push({ start: span.start, end: span.end, text: block.replaceAll('\n', newline + indent) });
  }

  #originOf(layer: LayerParameter): Origin {
    const origin = originOf(layer)!;
    if (!origin.inList) return origin;
    throw new MokapotError(
      error('deploy-list', `Layer "${layer.name}" stands in a list [ … ].`, {
        layer: layer.name,
        hint: 'Write each layer as a block of its own: layer { … }.',
      }),
    );
  }

  #applied(): string {
    const text = spliced(this.text, this.#splices);
    return text.replace(/(\r?\n)(?:[ \t]*\r?\n){2,}/g, '$1$1');
  }

  #note(code: string, message: string, layer: LayerParameter, hint: string): void {
    this.diagnostics.push({ ...error(code, message, { layer: layer.name, hint }), severity: 'note' });
  }
}

const listed = (layers: readonly LayerParameter[]): string => layers.map(l => `${l.name} (${l.type})`).join(', ');
