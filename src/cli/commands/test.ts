/** `mokapot test`: what a network's outputs (loss, accuracy, Dice) are in the mean over a data set. */

import { Option } from 'commander';
import { openDataset, type SplitName } from '../../data/index.js';
import { fail } from '../../diagnostics/index.js';
import { openFeed } from '../../feeds/node/data_feeds.js';
import { LOSS, type NetGraph, selectLayers } from '../../net/index.js';
import { allFinite, checkFiniteWeights } from '../../runtime/finite.js';
import { Net } from '../../runtime/node/net.js';
import { type UserCodeOptions, userCode } from '../../runtime/node/python_modules.js';
import type { SchemaOptions } from '../../runtime/node/schemas.js';
import { figuresToFetch, Mean, testBatches } from '../../train/figures.js';
import { readNetFile } from '../../train/node/nets.js';
import type { Declare } from '../declare.js';
import { Interrupted, printEngineNotes } from '../errors.js';
import { formatDuration, formatNumber } from '../format.js';
import { warnOfFreshWeights } from '../fresh.js';
import { type Io, say, tellingOf } from '../io.js';
import { integer } from '../options.js';
import {
  backendOption,
  datasetOption,
  jsonOption,
  levelOption,
  pythonOptions,
  schemaOptions,
  splitOption,
  stageOption,
  weightsOption,
} from '../shared_options.js';
import { readPlacedFile } from '../text_file.js';
import { figureTexts } from '../training.js';

export interface TestCommandOptions extends UserCodeOptions, SchemaOptions {
  readonly net: string;
  readonly weights?: readonly string[];
  readonly dataset?: string;
  readonly split: SplitName;
  readonly iterations?: number;
  readonly stage?: readonly string[];
  readonly level?: number;
  readonly backend?: string;
  readonly json?: boolean;
}

export const declare: Declare = (command, io, act) => {
  command
    .requiredOption('--net <file>', 'the network; its phase TEST with stage "val" is used; - is stdin')
    .addOption(weightsOption())
    .addOption(datasetOption())
    .addOption(splitOption())
    .addOption(new Option('--iterations <n>', 'this many batches instead of every entry once').argParser(integer(1)))
    .addOption(stageOption())
    .addOption(levelOption())
    .addOption(backendOption());
  schemaOptions(pythonOptions(command))
    .addOption(jsonOption())
    .action(act(async (options: TestCommandOptions) => testCommand(io, options)));
};

/** Over every entry once, or over `iterations` batches. */
export async function testCommand(io: Io, options: TestCommandOptions): Promise<void> {
  const signal = io.interruptible();
  const began = performance.now();
  const dataset = options.dataset === undefined ? undefined : await openDataset(options.dataset);
  try {
    const { name, text } = await readPlacedFile(options.net);
    const source = await readNetFile(name, options, text);
    const { level } = options;
    const state = { phase: 'TEST', stages: options.stage ?? ['val'], level } as const;
    const split = await dataset?.split(options.split);
    const selected = selectLayers(source.param, state);
    const data = await openFeed(selected, { split, dir: source.dir, seed: 0, shuffle: false });
    if (!data && options.iterations === undefined) {
      const message = `${name} has no Data layer in phase TEST, so there is nothing to test on.`;
      throw fail('no-data-layer', message, {
        hint: 'Where layers make their data themselves (DummyData, a Python layer), say how many batches: --iterations 10.',
      });
    }
    const { weights, backend } = options;
    const python = { ...userCode(options), onPythonOutput: tellingOf(io) };
    const load = { ...state, weights, backend, ...python, ...(data && { data }), dir: source.dir };
    const net = await Net.fromSelected(selected, load, source.diagnostics);
    try {
      warnOfFreshWeights(io, net);
      checkFiniteWeights(net);
      const judged = judgedBlobs(net.graph);
      const program = {
        lower: { fetch: [...new Set([...net.outputs, ...judged])] },
        fetch: (graph: NetGraph, outputs: readonly string[]) => [
          ...new Set([...figuresToFetch(graph, outputs), ...judged]),
        ],
      };
      const mean = new Mean();
      for await (const batch of testBatches(data, options.iterations ?? 0, options.iterations === undefined)) {
        if (signal.aborted) throw new Interrupted('Stopped.');
        const { net: graph, results } = await net.runProgram({ ...program, feeds: batch.feeds });
        checkResults(results, mean.batches);
        mean.add(graph, results, batch.count);
      }
      print(io, mean, (performance.now() - began) / 1000, options.json);
    } finally {
      printEngineNotes(io, net.engine);
      net.dispose();
      await data?.close();
    }
  } finally {
    await dataset?.close();
  }
}

/** What the layers at a net's end look at: scores that are not finite may pass for right ones there. */
function judgedBlobs({ layers, outputs, inputs }: NetGraph): string[] {
  const last = layers.filter(layer => layer.tops.some(top => outputs.includes(top.name)));
  return [...new Set(last.flatMap(layer => layer.bottoms.map(b => b.name)))].filter(name => !inputs.includes(name));
}

/** @throws MokapotError `non-finite` */
function checkResults(results: ReadonlyMap<string, Float32Array>, batch: number): void {
  const [bad] = [...results].find(([, numbers]) => !allFinite(numbers)) ?? [];
  if (bad === undefined) return;
  const what = bad === LOSS ? 'The loss' : `The blob "${bad}"`;
  throw fail(
    'non-finite',
    `${what} is not finite (NaN or infinite) in batch ${batch}: no figure of this test would mean anything.`,
    {
      hint: 'Check that the inputs are scaled as in training, and that the weights are of a training that did not diverge.',
    },
  );
}

function print(io: Io, mean: Mean, seconds: number, json = false): void {
  const { outputs, loss } = mean.result();
  if (json) {
    say(io, JSON.stringify({ batches: mean.batches, loss, outputs, seconds }));
    return;
  }
  const own = loss === undefined || 'loss' in outputs ? [] : [`loss ${formatNumber(loss)}`];
  for (const line of [...own, ...figureTexts(Object.entries(outputs))]) say(io, line);
  const { batches } = mean;
  say(io, `(means over ${batches} ${batches === 1 ? 'batch' : 'batches'}, ${formatDuration(seconds)})`);
}
