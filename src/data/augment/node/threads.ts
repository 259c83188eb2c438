/**
 * Augments ahead of training on threads of its own (node:worker_threads). Pictures are copied to a thread, as their arrays may
 * be the caller's, and what comes back is handed over without a copy. How much is under way is bounded by the loader, which
 * asks for no more than the batches that it decodes ahead.
 */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { fail, MokapotError, messageOf } from '../../../diagnostics/index.js';
import type { Entry } from '../../sets/dataset.js';
import type { Job, Taken } from '../augment.js';
import { type Augmenter, inlineAugmenter } from '../augmenter.js';
import type { Recipe } from '../recipe.js';
import type { Answer, Request, ThreadData } from './messages.js';

export interface ThreadOptions {
  readonly taken?: Taken;
  /** Default: half of the machine's cores, no more than 4; the engine needs the others. */
  readonly threads?: number;
}

/** An augmenter on threads, which start with the first picture; on the caller's own where the thread's file is not there (a bundle). */
export function threadedAugmenter(recipe: Recipe, options: ThreadOptions = {}): Augmenter {
  const { taken = 'pictures', threads = Math.max(1, Math.min(4, Math.floor(availableParallelism() / 2))) } = options;
  const start = starter({ recipe, taken });
  return start ? new Threads(start, threads) : inlineAugmenter(recipe, taken);
}

interface Waiting {
  readonly resolve: (entry: Entry) => void;
  readonly reject: (reason: MokapotError) => void;
}

class Thread {
  private readonly waiting = new Map<number, Waiting>();
  private readonly worker: Worker;
  private failure: MokapotError | undefined;
  private last = 0;

  constructor(start: () => Worker) {
    this.worker = start();
    this.worker.on('message', (answer: Answer) => this.take(answer));
    this.worker.on('error', cause => this.fail(messageOf(cause)));
    this.worker.on('messageerror', cause => this.fail(messageOf(cause)));
    this.worker.on('exit', code => this.fail(`it ended with code ${code}`));
    this.worker.unref();
  }

  /** Pictures that it has to do. */
  get load(): number {
    return this.waiting.size;
  }

  run(job: Job): Promise<Entry> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      const id = this.last++;
      this.waiting.set(id, { resolve, reject });
      // A process ends with a thread that has nothing to do, and waits for one that has.
      this.worker.ref();
      this.worker.postMessage({ ...job, id } satisfies Request);
    });
  }

  async close(): Promise<void> {
    this.fail('it was closed');
    await this.worker.terminate();
  }

  private take(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (this.waiting.size === 0) this.worker.unref();
    if ('entry' in answer) waiting?.resolve(answer.entry);
    else waiting?.reject(new MokapotError(answer.diagnostics));
  }

  /** The first reason counts: an error is followed by the thread's end. */
  private fail(reason: string): void {
    this.failure ??= fail('augment-thread', `A thread that augments pictures has failed: ${reason}.`, {
      hint: 'Start the run again, or go on with it (--resume); with little memory use smaller batches.',
    });
    for (const { reject } of this.waiting.values()) reject(this.failure);
    this.waiting.clear();
    this.worker.unref();
  }
}

class Threads implements Augmenter {
  private readonly threads: Thread[] = [];
  private isClosed = false;

  constructor(
    private readonly start: () => Worker,
    private readonly count: number,
  ) {}

  async augment(job: Job): Promise<Entry> {
    return this.leastBusy().run(job);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.threads.map(thread => thread.close()));
  }

  /** @throws MokapotError `augment-thread` where a thread cannot be started */
  private leastBusy(): Thread {
    const idle = this.threads.find(thread => thread.load === 0);
    if (idle) return idle;
    if (this.isClosed) throw fail('augment-thread', 'The data are closed: no more pictures are augmented.');
    if (this.threads.length < this.count) {
      try {
        this.threads.push(new Thread(this.start));
      } catch (cause) {
        throw fail('augment-thread', `A thread that augments pictures cannot be started: ${messageOf(cause)}.`, {
          hint: 'Close other programs, or train without augment_param.',
        });
      }
      return this.threads.at(-1)!;
    }
    return this.threads.reduce((least, thread) => (thread.load < least.load ? thread : least));
  }
}

/** How a thread is started: from the compiled file beside this one, or, in sources, through jiti. */
function starter(data: ThreadData): (() => Worker) | undefined {
  const compiled = new URL('./thread.js', import.meta.url);
  // Without the process's own flags, which may be about its main module.
  const options = { workerData: data, execArgv: [] };
  if (existsSync(fileURLToPath(compiled))) return () => new Worker(compiled, options);
  const source = fileURLToPath(new URL('./thread.ts', import.meta.url));
  if (!existsSync(source)) return undefined;
  const code = `import('jiti').then(({ createJiti }) => createJiti(${JSON.stringify(source)}).import(${JSON.stringify(source)}));`;
  return () => new Worker(code, { ...options, eval: true });
}
