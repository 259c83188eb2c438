/** `mokapot edit`: changes fields of a prototxt and leaves its comments and layout alone. */

import { textToBytes } from '../../../grammar/index.js';
import { fail } from '../../diagnostics/index.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/schemas.js';
import { type Change, type Edit, editText, looksLikeSolver, parseEdit } from '../../schema/index.js';
import { writeAtomically } from '../../weights/node/files.js';
import { printAndStop } from '../errors.js';
import { type Io, say, tell } from '../io.js';
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
