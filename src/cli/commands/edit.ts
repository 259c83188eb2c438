/** `mokapot edit`: changes fields of a prototxt and leaves its comments and layout alone. */

import { textToBytes } from '../../../grammar/index.js';
import { fail } from '../../diagnostics/index.js';
import { writeAtomically } from '../../files/index.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import { type Change, type Edit, editText, looksLikeSolver, parseEdit } from '../../schema/index.js';
import { type Declare, describeArguments } from '../declare.js';
import { printAndStop } from '../errors.js';
import { type Io, say, tell } from '../io.js';
import { repeated } from '../options.js';
import { outOption, schemaOptions } from '../shared_options.js';
import { readTextFile } from '../text_file.js';

export interface EditOptions extends SchemaOptions {
  readonly set?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly rename?: readonly string[];
  readonly renameBlob?: readonly string[];
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly write?: boolean;
  readonly out?: string;
}

const HELP = `
A path is a layer and a field: score_fr.num_output (found in convolution_param), conv1.param[0].lr_mult, conv1.param[*].lr_mult;
or a field of the text: base_lr. Layers go by name or pattern and can be narrowed: 'conv*', 'data[phase=TRAIN]', 'data[type=Input]',
'data[stage=deploy]', 'data[1]'. A value is written as in the text: 2, MAX, [5, 9], '{ type: "xavier" }'.

For example
  mokapot edit train_val.prototxt --set score_fr.num_output=2 --set 'data[phase=TRAIN].batch_size=8' --write
  mokapot edit net.prototxt --set 'conv*.param[*].lr_mult=0' --rename 'conv*=frozen_*'
  mokapot edit net.prototxt --after 'conv1=layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }' | mokapot check -`;

export const declare: Declare = (command, io, act) => {
  describeArguments(command, 'a network or solver; - is stdin')
    .option('--set <path=value>', 'e.g. score_fr.num_output=2 (repeatable)', repeated)
    .option('--add <path=value>', 'one more entry of a repeated field (repeatable)', repeated)
    .option('--remove <path>', 'take out a field, an entry or a layer (repeatable)', repeated)
    .option('--rename <old=new>', 'another name for a layer (or, by its path, a field) (repeatable)', repeated)
    .option('--rename-blob <old=new>', 'another name for a blob, in all bottoms and tops (repeatable)', repeated)
    .option('--before <layer=block>', 'put a layer in front of another (repeatable)', repeated)
    .option('--after <layer=block>', 'put a layer behind another (repeatable)', repeated)
    .option('--write', 'change the file itself; without it the text is printed')
    .addOption(outOption('write to this file; without it the text is printed'))
    .addHelpText('after', HELP);
  schemaOptions(command).action(act(async (file: string, options: EditOptions) => edit(io, file, options)));
};

/** Prints the edited text, or writes it where asked to. */
export async function edit(io: Io, file: string, options: EditOptions): Promise<void> {
  const edits: Edit[] = [
    ...(options.set ?? []).map(e => parseEdit(e)),
    ...(options.add ?? []).map(e => parseEdit(e, 'add')),
    ...(options.before ?? []).map(e => parseEdit(e, 'before')),
    ...(options.after ?? []).map(e => parseEdit(e, 'after')),
    ...(options.rename ?? []).map(e => parseEdit(e, 'rename')),
    ...(options.renameBlob ?? []).map(e => parseEdit(e, 'rename-blob')),
    ...(options.remove ?? []).map(path => ({ op: 'remove', path }) as const),
  ];
  if (edits.length === 0) {
    throw fail('no-edit', 'No edit is given.', { hint: 'For example --set score_fr.num_output=2.' });
  }
  const text = await readTextFile(file);
  const type = looksLikeSolver(text) ? 'caffe.SolverParameter' : 'caffe.NetParameter';
  const edited = editText(text, type, edits, { name: file, schema: schemaFrom(options, file) });
  printAndStop(io, edited.diagnostics);
  const out = options.out ?? (options.write && file !== '-' ? file : undefined);
  const bytes = textToBytes(edited.text);
  if (out === undefined || out === '-') {
    io.stdout.write(bytes);
    for (const change of edited.changes) tell(io, sentence(change));
  } else {
    await writeAtomically(out, [bytes]);
    say(io, `${out}: ${edits.length} ${edits.length === 1 ? 'edit' : 'edits'} made.`);
    for (const change of edited.changes) say(io, sentence(change));
  }
}

/** `  score_fr.convolution_param.num_output: 21 → 2 (line 12)` */
function sentence({ path, before, after, line }: Change): string {
  const what =
    before === undefined
      ? `+ ${short(after)}`
      : after === undefined
        ? '− removed'
        : `${short(before)} → ${short(after)}`;
  return `  ${path}: ${what} (line ${line})`;
}

const short = (text = ''): string => {
  const flat = text.replace(/\s+/g, ' ');
  return flat.length > 60 ? `${flat.slice(0, 57)}…` : flat;
};
