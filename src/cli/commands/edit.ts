/** `mokapot edit`: changes fields of a prototxt and leaves its comments and layout alone. */

import { textToBytes } from '../../../grammar/index.js';
import { fail } from '../../diagnostics/index.js';
import { type Edit, editText, parseEdit } from '../../schema/index.js';
import { writeAtomically } from '../../weights/files.js';
import { printAndStop } from '../errors.js';
import { type Io, say } from '../io.js';
import { readTextFile } from '../text_file.js';
import { looksLikeSolver } from './check.js';

export interface EditOptions {
  readonly set?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly write?: boolean;
  readonly out?: string;
}

/** Prints the edited text, or writes it where asked to. */
export async function edit(io: Io, file: string, options: EditOptions): Promise<void> {
  const edits: Edit[] = [
    ...(options.set ?? []).map(e => parseEdit(e)),
    ...(options.add ?? []).map(e => parseEdit(e, 'add')),
    ...(options.remove ?? []).map(path => ({ op: 'remove', path }) as const),
  ];
  if (edits.length === 0) {
    throw fail('no-edit', 'No edit is given.', { hint: 'For example --set score_fr.num_output=2.' });
  }
  const text = await readTextFile(file);
  const type = looksLikeSolver(text) ? 'caffe.SolverParameter' : 'caffe.NetParameter';
  const edited = editText(text, type, edits, { name: file });
  printAndStop(io, edited.diagnostics);
  const out = options.out ?? (options.write && file !== '-' ? file : undefined);
  const bytes = textToBytes(edited.text);
  if (out === undefined || out === '-') io.stdout.write(bytes);
  else {
    await writeAtomically(out, [bytes]);
    say(io, `${out}: ${edits.length} ${edits.length === 1 ? 'edit' : 'edits'} made.`);
  }
}
