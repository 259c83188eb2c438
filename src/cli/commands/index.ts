/**
 * All commands by name, with what the list under `mokapot --help` shows of them. A command's file is loaded when that
 * command is called; it declares its options there, beside what it does.
 */

import type { Declare } from '../declare.js';

export interface CommandEntry {
  /** Its name and arguments. */
  readonly usage: string;
  readonly summary: string;
  /**
   * It only reads texts, and runs nobody's code unless `--run-python` is given: it may run from the bundle, which starts
   * faster (see fast.ts).
   */
  readonly bundled?: boolean;
  readonly load: () => Promise<Declare>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    usage: 'check <file...>',
    summary: 'say what is wrong with networks and solvers, and what will likely not do what was meant',
    bundled: true,
    load: async () => (await import('./check.js')).declare,
  },
  {
    usage: 'summary <file>',
    summary: 'layers, shapes, parameters, multiply-adds and memory of a network',
    bundled: true,
    load: async () => (await import('./summary.js')).declare,
  },
  {
    usage: 'doctor',
    summary: 'what this machine offers, which backend is used, and why',
    load: async () => (await import('./doctor.js')).declare,
  },
  {
    usage: 'dataset',
    summary: 'make data sets and look at them',
    load: async () => (await import('./dataset.js')).declare,
  },
  {
    usage: 'train',
    summary: "train a network: Caffe's way by a solver file, or DIGITS' way by epochs",
    load: async () => (await import('./train.js')).declare,
  },
  {
    usage: 'demo',
    summary: 'make cardiac MR pictures, train a small network on them, show what it predicts',
    load: async () => (await import('./demo.js')).declare,
  },
  {
    usage: 'test',
    summary: "means of a trained network's loss, accuracy, Dice over a data set",
    load: async () => (await import('./test.js')).declare,
  },
  {
    usage: 'infer [pictures...]',
    summary: 'put pictures through a trained network: masks, overlays, the Dice where a label is known',
    load: async () => (await import('./infer.js')).declare,
  },
  {
    usage: 'evaluate',
    summary: "Dice, distances in mm, volumes of a network's segmentations, by patient, as a page with pictures",
    load: async () => (await import('./evaluate.js')).declare,
  },
  {
    usage: 'edit <file>',
    summary: 'change fields of a prototxt; comments and layout stay',
    bundled: true,
    load: async () => (await import('./edit.js')).declare,
  },
  {
    usage: 'encode <file>',
    summary: 'prototxt to binary message',
    bundled: true,
    load: async () => (await import('./codec.js')).declareEncode,
  },
  {
    usage: 'decode <file>',
    summary: 'binary message to prototxt',
    bundled: true,
    load: async () => (await import('./codec.js')).declareDecode,
  },
  {
    usage: 'convert',
    summary: 'a network with its weights as a TensorFlow.js or ONNX model; weights in other formats',
    load: async () => (await import('./convert.js')).declare,
  },
  {
    usage: 'time',
    summary: 'milliseconds a layer takes, forward and backward, on one backend or several side by side',
    load: async () => (await import('./time.js')).declare,
  },
  {
    usage: 'verify <dir>',
    summary: "hold a backend's numbers against goldens: pairs <case>.prototxt and <case>.safetensors",
    load: async () => (await import('./verify.js')).declare,
  },
  {
    usage: 'weights <file>',
    summary:
      'what is in a file of weights (.caffemodel, .h5, .safetensors, .npz, a mean or solver state), or how far two are apart',
    load: async () => (await import('./weights.js')).declare,
  },
  {
    usage: 'transplant',
    summary: 'put weights into another network: same names copied, fully connected layers made convolutions',
    load: async () => (await import('./transplant.js')).declare,
  },
  {
    usage: 'fmt [file...]',
    summary: 'bring prototxt files into one layout; comments and blank lines between fields stay',
    bundled: true,
    load: async () => (await import('./fmt.js')).declare,
  },
  {
    usage: 'upgrade <file>',
    summary: 'older forms (V0, V1, input_dim, deprecated fields) as text of today; comments stay',
    bundled: true,
    load: async () => (await import('./upgrade.js')).declareUpgrade,
  },
  {
    usage: 'deploy <file>',
    summary: 'a network for training as one for use: data become inputs, losses probabilities; labels go',
    bundled: true,
    load: async () => (await import('./upgrade.js')).declareDeploy,
  },
  {
    usage: 'diff <a> <b>',
    summary: 'two networks (or solvers) compared by what they mean; exit code 1 where they differ',
    bundled: true,
    load: async () => (await import('./diff.js')).declare,
  },
  {
    usage: 'graph <file>',
    summary: 'a picture of a network: layers as boxes, shapes on the lines',
    load: async () => (await import('./graph.js')).declare,
  },
  {
    usage: 'explain <what> [layer]',
    summary: 'a layer type, or a layer of a network: formula, parameters with defaults, shapes, counts, neighbours',
    bundled: true,
    load: async () => (await import('./explain.js')).declare,
  },
  {
    usage: 'lsp',
    summary: 'the language server, for editors: over stdin and stdout (see docs/editor.md)',
    load: async () => (await import('./lsp.js')).declare,
  },
];

export const nameOf = ({ usage }: CommandEntry): string => usage.split(' ')[0]!;

/** The command that a command line calls, or asks `help` about; undefined where it names none. */
export function calledCommand(argv: readonly string[]): CommandEntry | undefined {
  const [first, second] = argv.filter(word => !word.startsWith('-'));
  const name = first === 'help' ? second : first;
  return COMMANDS.find(entry => nameOf(entry) === name);
}
