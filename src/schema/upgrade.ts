/**
 * Older networks become today's form, as Caffe's upgrade tools do (src/caffe/util/upgrade_proto.cpp): V0 and V1 layers,
 * pre-processing in `data_param`, `input` with `input_dim` or `input_shape`, BatchNorm's old `param`s, `solver_type`.
 * Each step tells itself by a note. Works on messages from text and from binary files; the message given is not changed,
 * parts that need no change (weights above all) are shared.
 */

import { type Diagnostic, error } from '../diagnostics/index.js';
import {
  type LayerParameter,
  type NetParameter,
  type ParamSpec,
  SolverParameter as Solver,
  type SolverParameter,
  V1LayerParameter as V1,
  type V1LayerParameter,
} from './generated/caffe.js';
import { clone, createBeside, isSet, mutable } from './message.js';
import { inheritLocation, locate, type Parsed } from './parse.js';
import { upgradeV0Layers } from './upgrade_v0.js';

/** Brings a net to today's form. Errors only where Caffe would refuse too; what was done is told in notes. */
export function upgradeNet(net: NetParameter): Parsed<NetParameter> {
  const diagnostics: Diagnostic[] = [];
  const result = shallow(net);
  if (net.layers.some(layer => layer.layer)) {
    note(diagnostics, 'upgraded-v0', `The layers are in Caffe's first format (V0).`, net.layers[0]);
    result.layers = upgradeV0Layers(net, diagnostics);
  }
  upgradeDataTransformation(result, diagnostics);
  upgradeV1(result, diagnostics);
  upgradeInput(result, diagnostics);
  upgradeBatchNorm(result, diagnostics);
  return { message: result, diagnostics };
}

/** Brings a solver to today's form, the nets inside it too. */
export function upgradeSolver(solver: SolverParameter): Parsed<SolverParameter> {
  const diagnostics: Diagnostic[] = [];
  const result = shallow(solver);
  if (isSet(solver, 'solver_type')) upgradeSolverType(result, diagnostics);
  const inner = (net: NetParameter): NetParameter => {
    const upgraded = upgradeNet(net);
    diagnostics.push(...upgraded.diagnostics);
    return upgraded.message;
  };
  if (solver.net_param) result.net_param = inner(solver.net_param);
  if (solver.train_net_param) result.train_net_param = inner(solver.train_net_param);
  result.test_net_param = solver.test_net_param.map(inner);
  return { message: result, diagnostics };
}

/** A copy on the first level: the same sub-messages, own arrays of them. */
function shallow<T extends object>(message: T): T {
  const copy = Object.create(Object.getPrototypeOf(message)) as Record<string, unknown>;
  for (const [name, value] of Object.entries(message)) copy[name] = Array.isArray(value) ? [...value] : value;
  inheritLocation(copy, message);
  return copy as T;
}

function note(diagnostics: Diagnostic[], code: string, message: string, at?: object, field?: string): void {
  const location = at && locate(at, field);
  diagnostics.push({ code, severity: 'note', message: `${message} It was read as today's form.`, location });
}

// -------------------------------------------------------------------- pre-processing

const TRANSFORM_FIELDS = ['scale', 'mean_file', 'crop_size', 'mirror'] as const;
const TRANSFORMED = { DATA: 'data_param', IMAGE_DATA: 'image_data_param', WINDOW_DATA: 'window_data_param' } as const;

/** `scale`, `mean_file`, `crop_size` and `mirror` of V1 data layers move into `transform_param`. */
function upgradeDataTransformation(net: NetParameter, diagnostics: Diagnostic[]): void {
  let told = false;
  net.layers = net.layers.map(layer => {
    const kind = (Object.keys(TRANSFORMED) as (keyof typeof TRANSFORMED)[]).find(k => V1.LayerType[k] === layer.type);
    const source = kind && layer[TRANSFORMED[kind]];
    if (!kind || !source || !TRANSFORM_FIELDS.some(f => isSet(source, f))) return layer;
    if (!told) note(diagnostics, 'upgraded-data', `\`${TRANSFORMED[kind]}\` holds pre-processing.`, source);
    told = true;
    const copy = shallow(layer);
    const from = clone(source) as unknown as Record<string, unknown>;
    (copy as unknown as Record<string, unknown>)[TRANSFORMED[kind]] = from;
    copy.transform_param = layer.transform_param && clone(layer.transform_param);
    const to = mutable(copy, 'transform_param') as unknown as Record<string, unknown>;
    for (const field of TRANSFORM_FIELDS) {
      if (!Object.hasOwn(from, field)) continue;
      to[field] = from[field];
      delete from[field];
    }
    return copy;
  });
}

// -------------------------------------------------------------------- V1 layers

/** Names of today for V1's types that are not spelt by the rule (`INNER_PRODUCT` → `InnerProduct`). */
const V1_NAMES: Record<string, string> = {
  NONE: '',
  ABSVAL: 'AbsVal',
  ARGMAX: 'ArgMax',
  BNLL: 'BNLL',
  HDF5_DATA: 'HDF5Data',
  HDF5_OUTPUT: 'HDF5Output',
  LRN: 'LRN',
  MVN: 'MVN',
  RELU: 'ReLU',
  SOFTMAX_LOSS: 'SoftmaxWithLoss',
  TANH: 'TanH',
};
const V1_BY_NUMBER = new Map<number, string>(
  Object.entries(V1.LayerType).map(([name, number]) => [number, V1_NAMES[name] ?? camel(name)]),
);

function camel(name: string): string {
  return name
    .split('_')
    .map(word => word[0] + word.slice(1).toLowerCase())
    .join('');
}

function upgradeV1(net: NetParameter, diagnostics: Diagnostic[]): void {
  if (net.layers.length === 0) return;
  if (net.layer.length > 0) {
    diagnostics.push(
      error('mixed-layers', 'The net has both `layer` and `layers`.', {
        location: locate(net.layers[0]!),
        hint: '`layers` is the older form. Write all layers one way.',
      }),
    );
  } else note(diagnostics, 'upgraded-v1', 'The layers are in the format before 2015 (V1, `layers`).', net.layers[0]);
  net.layer = [...net.layer, ...net.layers.map(upgradeV1Layer)];
  net.layers = [];
}

const V1_RENAMED = new Set(['type', 'param', 'blob_share_mode', 'blobs_lr', 'weight_decay', 'layer']);

function upgradeV1Layer(v1: V1LayerParameter): LayerParameter {
  const layer = createBeside(v1, 'caffe.LayerParameter');
  inheritLocation(layer, v1);
  const target = layer as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(v1)) if (!V1_RENAMED.has(name)) target[name] = value;
  if (isSet(v1, 'type')) layer.type = V1_BY_NUMBER.get(v1.type) ?? '';
  const specs = Math.max(v1.param.length, v1.blob_share_mode.length, v1.blobs_lr.length, v1.weight_decay.length);
  for (let i = 0; i < specs; i++) {
    layer.param.push(
      createBeside(v1, 'caffe.ParamSpec', {
        name: v1.param[i],
        share_mode: v1.blob_share_mode[i],
        lr_mult: v1.blobs_lr[i],
        decay_mult: v1.weight_decay[i],
      }),
    );
  }
  return layer;
}

// -------------------------------------------------------------------- inputs, BatchNorm, solver

/** `input` with its shapes becomes an Input layer at the head of the net. */
function upgradeInput(net: NetParameter, diagnostics: Diagnostic[]): void {
  if (net.input.length === 0) return;
  const byShape = net.input_shape.length > 0;
  const wanted = net.input.length * (byShape ? 1 : 4);
  const given = byShape ? net.input_shape.length : net.input_dim.length;
  if (given !== 0 && given !== wanted) {
    const what = byShape ? 'one `input_shape`' : 'four `input_dim`';
    diagnostics.push(
      error(
        'input-shapes',
        `${net.input.length} \`input\` need ${wanted} \`${byShape ? 'input_shape' : 'input_dim'}\`, not ${given}.`,
        {
          location: locate(net, byShape ? 'input_shape' : 'input_dim') ?? locate(net, 'input'),
          hint: `Each input takes ${what}.`,
        },
      ),
    );
  }
  if (given > 0) {
    const shape = net.input.map((_, i) =>
      byShape ? { dim: [...(net.input_shape[i]?.dim ?? [])] } : { dim: net.input_dim.slice(4 * i, 4 * i + 4) },
    );
    const layer = createBeside(net, 'caffe.LayerParameter', {
      name: 'input',
      type: 'Input',
      top: [...net.input],
      input_param: { shape },
    });
    note(diagnostics, 'upgraded-input', 'The inputs stand in `input` fields, not in an Input layer.', net, 'input');
    inheritLocation(layer, net);
    net.layer = [layer, ...net.layer];
  }
  net.input = [];
  net.input_shape = [];
  net.input_dim = [];
}

/** Whether a BatchNorm layer has three `param`s with multipliers other than 0, which older Caffe took. */
export function learnsStatistics({ type, param }: LayerParameter): boolean {
  return type === 'BatchNorm' && param.length === 3 && param.some(p => p.lr_mult !== 0 || p.decay_mult !== 0);
}

/** Three `param`s of a BatchNorm layer once said that its statistics are not learnt: their multipliers become 0, names stay. */
function upgradeBatchNorm(net: NetParameter, diagnostics: Diagnostic[]): void {
  const first = net.layer.find(learnsStatistics);
  if (!first) return;
  note(
    diagnostics,
    'upgraded-batch-norm',
    `BatchNorm layer "${first.name}" lists its statistics as \`param\`s: their lr_mult and decay_mult are 0.`,
    first,
  );
  const still = (spec: ParamSpec) => Object.assign(shallow(spec), { lr_mult: 0, decay_mult: 0 });
  net.layer = net.layer.map(layer =>
    learnsStatistics(layer) ? Object.assign(shallow(layer), { param: layer.param.map(still) }) : layer,
  );
}

const SOLVER_NAMES: Record<keyof typeof Solver.SolverType, string> = {
  SGD: 'SGD',
  NESTEROV: 'Nesterov',
  ADAGRAD: 'AdaGrad',
  RMSPROP: 'RMSProp',
  ADADELTA: 'AdaDelta',
  ADAM: 'Adam',
};

function upgradeSolverType(solver: SolverParameter, diagnostics: Diagnostic[]): void {
  const key = (Object.keys(SOLVER_NAMES) as (keyof typeof Solver.SolverType)[]).find(
    k => Solver.SolverType[k] === solver.solver_type,
  );
  if (isSet(solver, 'type')) {
    diagnostics.push(
      error('two-solver-types', '`type` and the older `solver_type` are both given.', {
        location: locate(solver, 'solver_type'),
        hint: 'Keep `type`.',
      }),
    );
  } else {
    note(diagnostics, 'upgraded-solver-type', 'The solver is given by the older `solver_type`.', solver, 'solver_type');
    if (key) solver.type = SOLVER_NAMES[key];
  }
  delete (solver as Partial<SolverParameter>).solver_type;
}
