/** Shows a training's events: a bar on a terminal, plain lines elsewhere, or one JSON object a line. */

import { formatDiagnostic } from '../diagnostics/index.js';
import {
  type EndEvent,
  eventLine,
  type Figures,
  type IterationEvent,
  type StartEvent,
  type TestEvent,
  type TrainEvent,
} from '../train/index.js';
import { printDiagnostics } from './errors.js';
import { formatBytes, formatCount, formatDuration, formatNumber } from './format.js';
import { colors, type Io, paintFor, say } from './io.js';
import { type Bar, startBar } from './progress.js';

/** Shows every event as it comes. @returns the last one. */
export async function showTraining(io: Io, events: AsyncIterable<TrainEvent>, json = false): Promise<EndEvent> {
  const view = json ? new JsonLines(io) : new Lines(io);
  try {
    for await (const event of events) {
      view.show(event);
      if (event.type === 'end') return event;
    }
  } finally {
    view.close();
  }
  throw new Error('the training ended without its last event');
}

class JsonLines {
  constructor(private readonly io: Io) {}

  show(event: TrainEvent): void {
    say(this.io, eventLine(event));
  }

  close(): void {}
}

class Lines {
  private bar: Bar | undefined;
  private speed = '';

  constructor(private readonly io: Io) {}

  show(event: TrainEvent): void {
    switch (event.type) {
      case 'start':
        for (const line of startLines(event)) say(this.io, line);
        this.bar = startBar(this.io, event.maxIter, 'iterations');
        this.bar.update(event.iter);
        break;
      case 'iteration':
        this.speed = speedOf(event);
        this.bar?.update(event.iter + 1, `${iterationText(event)}  ${this.speed}`);
        break;
      case 'display':
        if (!this.io.stdout.isTTY) this.log(`iteration ${event.iter}: ${iterationText(event)}  ${this.speed}`);
        break;
      case 'test':
        this.log(testLine(this.io, event));
        break;
      case 'epoch':
        this.log(
          `${positionOf(event)}: loss ${formatNumber(event.loss)} in the mean, ${formatDuration(event.seconds)}`,
        );
        break;
      case 'snapshot':
        this.log(`${positionOf(event)}: snapshot ${(event.placed ?? event).weights}`);
        break;
      case 'warning':
        this.log(formatDiagnostic(event.diagnostic, paintFor(this.io, this.io.stdout)));
        break;
      case 'end':
        this.close();
        this.end(event);
        break;
    }
  }

  close(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private log(line: string): void {
    if (this.bar) this.bar.log(line);
    else say(this.io, line);
  }

  private end({ reason, iter, seconds, diagnostic }: EndEvent): void {
    if (reason === 'done' || reason === 'stopped')
      say(this.io, `Done: ${formatCount(iter)} iterations in ${formatDuration(seconds)}.`);
    if (diagnostic) printDiagnostics(this.io, [diagnostic]);
  }
}

function startLines(e: StartEvent): string[] {
  const data = e.entries === undefined ? [] : [`${formatCount(e.entries)} entries, ${e.batchSize} an iteration`];
  const lines = [
    `Training ${e.net || 'the network'} on ${e.backend}: ${[...data, `${formatCount(e.maxIter)} iterations`].join(', ')}, seed ${e.seed}`,
    `${formatCount(e.trainable)} of ${formatCount(e.parameters)} parameters are trainable; memory up to ${formatBytes(e.peakBytes)}`,
  ];
  if (e.classWeights) lines.push(`Classes weigh ${e.classWeights.map(formatNumber).join(', ')} in the loss`);
  if (e.weights) {
    lines.push(`Weights copied into ${e.weights.copied.join(', ') || 'no layer'}`);
    if (e.weights.missing.length > 0) lines.push(`Left as their fillers made them: ${e.weights.missing.join(', ')}`);
  }
  if (e.resumed !== undefined) lines.push(`Goes on from ${e.resumed}, iteration ${formatCount(e.iter)}`);
  return lines;
}

function iterationText({
  smoothedLoss,
  outputs,
  rate,
}: Pick<IterationEvent, 'smoothedLoss' | 'outputs' | 'rate'>): string {
  const others = Object.entries(outputs).filter(([name]) => name !== 'loss');
  return [`loss ${formatNumber(smoothedLoss)}`, ...figureTexts(others), `rate ${formatNumber(rate)}`].join('  ');
}

/** Shares of the time below this are not worth a place in the line. */
const LITTLE = 0.05;

function speedOf({ imagesPerSecond, secondsLeft, waited }: IterationEvent): string {
  const pace =
    imagesPerSecond === undefined ? '' : `${formatNumber(Number(imagesPerSecond.toPrecision(3)))} images/s  `;
  const waiting = waited < LITTLE ? '' : `${Math.round(100 * waited)} % waiting for data  `;
  return `${pace}${waiting}${formatDuration(secondsLeft)} left`;
}

function testLine(io: Io, event: TestEvent): string {
  const c = colors(io);
  const net = event.net === 0 ? '' : ` (net ${event.net})`;
  const outputs = Object.entries(event.outputs);
  const loss = event.loss === undefined || 'loss' in event.outputs ? [] : [`loss ${formatNumber(event.loss)}`];
  const text = [...loss, ...figureTexts(outputs)].join('  ');
  return c.bold(`${positionOf(event)}: validation${net}  ${text}  (${formatDuration(event.seconds)})`);
}

function positionOf({ iter, epoch }: { readonly iter: number; readonly epoch: number | undefined }): string {
  return epoch === undefined ? `iteration ${iter}` : `epoch ${Number(epoch.toFixed(2))}`;
}

/** `accuracy 0.98`; a list of numbers in brackets. */
export function figureTexts(outputs: readonly (readonly [string, Figures[string]])[]): string[] {
  return outputs.map(([name, values]) => {
    const numbers = values.map(formatNumber);
    return `${name} ${numbers.length === 1 ? numbers[0] : `[${numbers.join(', ')}]`}`;
  });
}
