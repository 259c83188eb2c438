/** Progress: a bar where stdout is a terminal, nothing or plain lines elsewhere. */

import { type Options, Presets, SingleBar } from 'cli-progress';
import { colors, type Io, say, shown } from './io.js';

export interface Bar {
  /** `done` of the total, with what stands behind the bar. */
  update(done: number, text?: string): void;
  /** A line above the bar. */
  log(line: string): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere `log` prints its lines and the rest is silent. */
export function startBar(io: Io, total: number, unit: string): Bar {
  if (!io.stdout.isTTY) {
    return { update: () => undefined, log: line => say(io, line), stop: () => undefined };
  }
  const options: Options = {
    stream: io.stdout as NodeJS.WriteStream,
    format: `${colors(io).cyan('{bar}')} {value}/{total} ${unit}  {text}`,
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
    fps: 8,
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(total, 0, { text: '' });
  return {
    update: (done, text = '') => bar.update(done, { text: shown(io, io.stdout, text) }),
    log(line) {
      io.stdout.write(`\r\x1b[2K${shown(io, io.stdout, line)}\n`);
      bar.render();
    },
    stop: () => bar.stop(),
  };
}
