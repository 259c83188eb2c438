/** `mokapot graph`: a network as a picture. */

import { extname } from 'node:path';
import { Option } from 'commander';
import { fail, hasErrors, own } from '../../diagnostics/index.js';
import { writeAtomically } from '../../files/index.js';
import type { Shape } from '../../ir/index.js';
import { describeFile, type StateOptions, stateFrom } from '../../net/index.js';
import { type NetPicture, netPicture, toDot, toSvg } from '../../picture/index.js';
import { schemaFrom } from '../../runtime/node/schemas.js';
import { parseNet } from '../../schema/index.js';
import { type Declare, describeArguments, examples } from '../declare.js';
import { exitCodes, printDiagnostics } from '../errors.js';
import { type Io, say } from '../io.js';
import { accessFor, type LookingOptions, sourcesOf, withUserCode } from '../network.js';
import { number } from '../options.js';
import { inputOption, lookingOptions, outOption, schemaOptions, stateOptions } from '../shared_options.js';
import { nameOf, readTextFile } from '../text_file.js';

export interface GraphOptions extends LookingOptions, StateOptions {
  readonly out?: string;
  readonly input?: Readonly<Record<string, Shape>>;
  readonly scale?: number;
}

export const declare: Declare = (command, io, act) => {
  stateOptions(describeArguments(command, 'a network; - is stdin'))
    .addOption(inputOption())
    .addOption(outOption('a .svg, .png or .dot; without it SVG is printed'))
    .addOption(new Option('--scale <x>', 'PNG: pixels for each unit').argParser(number(0.1)).default(2))
    .addHelpText(
      'after',
      examples('mokapot graph net.prototxt -o net.svg', 'mokapot graph net.prototxt --stage deploy -o net.png'),
    );
  schemaOptions(lookingOptions(command)).action(
    act(async (file: string, options: GraphOptions) => graph(io, file, options)),
  );
};

const MAKERS: Readonly<Record<string, (picture: NetPicture, options: GraphOptions) => Promise<string | Uint8Array>>> = {
  '.svg': picture => toSvg(picture),
  '.dot': async picture => toDot(picture),
  '.gv': async picture => toDot(picture),
  '.png': async (picture, { scale }) => {
    const { toPng } = await import('../../picture/node/png.js');
    return toPng(await toSvg(picture), scale);
  },
};

/** @returns 1 where the network has errors; what stands of it is drawn all the same. */
export async function graph(io: Io, file: string, options: GraphOptions): Promise<number> {
  const ending = options.out === undefined || options.out === '-' ? '.svg' : extname(options.out).toLowerCase();
  const make = own(MAKERS, ending);
  if (!make) {
    throw fail('picture-format', `Nothing draws a "${ending}".`, {
      hint: 'Name a file that ends in .svg, .png or .dot.',
    });
  }
  const text = await readTextFile(file);
  const state = stateFrom(options);
  const schema = schemaFrom(options, file);
  const name = nameOf(file);
  const { message } = parseNet(text, { name, schema });
  const { diagnostics, ...found } = await sourcesOf({ message, name }, state, accessFor(name, options));
  printDiagnostics(io, diagnostics);
  const request = { text, name, schema, state, inputShapes: options.input, ...found };
  const net = await withUserCode(io, { message, name }, options, hostLayer => describeFile({ ...request, hostLayer }));
  printDiagnostics(
    io,
    net.diagnostics.filter(d => d.severity === 'error' || net.layers.length === 0),
  );
  if (net.layers.length === 0 && hasErrors(net.diagnostics)) return exitCodes.failed;
  const made = await make(netPicture(net), options);
  const bytes = typeof made === 'string' ? Buffer.from(made, 'utf8') : made;
  if (options.out === undefined || options.out === '-') io.stdout.write(bytes);
  else {
    await writeAtomically(options.out, [bytes]);
    say(io, options.out);
  }
  return hasErrors(net.diagnostics) ? exitCodes.failed : exitCodes.ok;
}
