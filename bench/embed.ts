/**
 * Embed: time of forward and of a training step, and memory, in a process of its own. Run: npx jiti bench/embed.ts
 * WORDS [BACKEND [forward|step|char-rnn]], e.g. 30000 onnx step. `char-rnn` is one step of a character model: Embed, LSTM,
 * InnerProduct and SoftmaxWithLoss over WORDS characters, 50 time steps of 32 sequences.
 */

import { Net, Solver } from '../src/index.js';
import { Random } from '../src/random/index.js';

const [words = '30000', backend = 'onnx', what = 'step'] = process.argv.slice(2);
const vocabulary = Number(words);
const isCharRnn = what === 'char-rnn';
const [steps, samples] = isCharRnn ? [50, 32] : [20, 32];
const WARM_UP = 2;
const RUNS = 7;

const input = (name: string) =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { dim: ${steps} dim: ${samples} } } }`;
const embed = (width: number) => `layer { name: "embed" type: "Embed" bottom: "words" top: "embedded"
  embed_param { input_dim: ${vocabulary} num_output: ${width} weight_filler { type: "uniform" min: -0.08 max: 0.08 } } }`;

/** A sentence's mean vector and a regression on it: all but the embedding costs next to nothing. */
const embedding = `${input('words')} ${embed(300)}
  layer { name: "mean" type: "Reduction" bottom: "embedded" top: "loss" loss_weight: 1 reduction_param { operation: SUMSQ } }`;

const charRnn = `${input('words')} ${input('cont')} ${input('label')} ${embed(64)}
  layer { name: "lstm" type: "LSTM" bottom: "embedded" bottom: "cont" top: "hidden" recurrent_param { num_output: 256
    weight_filler { type: "uniform" min: -0.08 max: 0.08 } } }
  layer { name: "score" type: "InnerProduct" bottom: "hidden" top: "score" inner_product_param { num_output: ${vocabulary} axis: 2
    weight_filler { type: "uniform" min: -0.08 max: 0.08 } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" softmax_param { axis: 2 } }`;

const random = new Random(1);
const some = () => Float32Array.from({ length: steps * samples }, () => random.integer(vocabulary));
const feeds: Record<string, Float32Array> = isCharRnn
  ? { words: some(), label: some(), cont: new Float32Array(steps * samples).fill(1, samples) }
  : { words: some() };

async function repeat(run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + RUNS; i++) {
    const start = performance.now();
    await run();
    if (i >= WARM_UP) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

const text = isCharRnn ? charRnn : embedding;
let run: () => Promise<unknown>;
if (what === 'forward') {
  const net = await Net.fromText(text, { backend, phase: 'TEST' });
  run = () => net.forward(feeds);
} else {
  const solver = await Solver.fromText(
    `base_lr: 0.01 lr_policy: "fixed" max_iter: 100 snapshot_after_train: false random_seed: 1 net_param { ${text} }`,
    { backend },
  );
  run = () => solver.iterate(feeds);
}
const before = process.memoryUsage().rss;
const times = await repeat(run);
console.log(
  `${what}, ${vocabulary} words, ${steps}×${samples}, ${backend}: ${times[RUNS >> 1]!.toFixed(1)} ms (median of ${RUNS}; ` +
    `${times[0]!.toFixed(1)} to ${times.at(-1)!.toFixed(1)}), at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB ` +
    `(${Math.round(before / 2 ** 20)} MB before the first run)`,
);
process.exit(0);
