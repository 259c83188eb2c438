/** `--augment`: a file with the fields of an AugmentParameter, those fields themselves, or a recipe's name. */

import { existsSync } from 'node:fs';
import { Option } from 'commander';
import { AUGMENT_PRESETS, parseAugment } from '../data/index.js';
import { fail, nearest, own } from '../diagnostics/index.js';
import { readTextFile } from './text_file.js';

export const augmentOption = (description: string) => new Option('--augment <recipe>', description);

/** The text that is meant, which has been read once. @throws MokapotError `augment-unknown`, or what the text has */
export async function augmentText(given: string): Promise<string> {
  const { text, name } = await textOf(given);
  parseAugment(text, name);
  return text;
}

async function textOf(given: string): Promise<{ readonly text: string; readonly name: string }> {
  // A preset may be called what a folder is called; a name of several, with a crop behind it: cardiac crop_size: 144
  const [first = '', rest = ''] = given.split(/\s+(.*)/s);
  const preset = own(AUGMENT_PRESETS, first);
  if (preset !== undefined) return { text: `${preset}\n${rest}`, name: '--augment' };
  if (/[:{]/.test(given) && !existsSync(given)) return { text: given, name: '--augment' };
  if (existsSync(given)) return { text: await readTextFile(given), name: given };
  const names = Object.keys(AUGMENT_PRESETS);
  const near = nearest(given, names);
  throw fail('augment-unknown', `--augment ${given}: there is no such file, and no recipe of that name.`, {
    hint: `${near ? `Did you mean "${near}"? ` : ''}Recipes: ${names.join(', ')}; or fields: --augment "rotation: 20 crop_size: 144".`,
  });
}
