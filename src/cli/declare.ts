/** How a command declares itself: each file in commands/ has its options and help beside what it does. */

import type { Command } from 'commander';
import type { Io } from './io.js';

/** Wraps an action: its result, where it is a number, is the exit code. */
export type Act = <A extends unknown[]>(run: (...args: A) => Promise<unknown>) => (...args: A) => Promise<void>;

/** Gives a command, which has its name and arguments (commands/index.ts), its options, help and action. */
export type Declare = (command: Command, io: Io, act: Act) => unknown;

/** Says what the arguments of a command are, in their order. */
export function describeArguments(command: Command, ...descriptions: readonly string[]): Command {
  for (const [i, argument] of command.registeredArguments.entries()) argument.description = descriptions[i] ?? '';
  return command;
}

/** Command lines to show under a command's help. */
export const examples = (...lines: readonly string[]): string =>
  `\nFor example\n${lines.map(line => `  ${line}`).join('\n')}`;
