/** Caffe's ImageData: a text that lists picture files and their labels (image_data_layer.cpp). */

import { isAbsolute } from 'node:path';
import { type Diagnostic, fail, type Location, type Source } from '../../diagnostics/index.js';
import { anyFile, type FileAccess, fileError, readFileAs, readRegular } from '../../files/index.js';
import { lineLocation, placesOf } from '../files.js';
import type { Entry, EntrySource } from '../sets/dataset.js';
import { imread, imreadWarnings } from './imread.js';
import { resizeLinear } from './resize.js';

export interface ImageListOptions {
  /** Put before every name as it is, without a slash of its own. */
  readonly rootFolder?: string;
  /** The folder of the prototxt: relative names are looked for there, then in the working directory. */
  readonly folder?: string;
  /** Both or none. */
  readonly height?: number;
  readonly width?: number;
  /** Three planes blue, green, red (default), or one of grey. */
  readonly isColor?: boolean;
  /** Which of the named files may be opened, and whether messages quote the list. Default: any, and they do. */
  readonly access?: FileAccess | undefined;
}

interface Line {
  readonly name: string;
  readonly label: number;
  /** In the text, from 0 on. */
  readonly line: number;
}

/**
 * Opens a list: a picture's file and its label, a whole number, on each line. Pictures are read when their turn comes.
 * @throws MokapotError `image-list` (unreadable, empty, or a line that is none); later, of a picture, `image-list-file`,
 *   `image-damaged`, `image-unsupported`, each with the place in the list
 */
export async function openImageList(path: string, options: ImageListOptions = {}): Promise<EntrySource> {
  const { rootFolder = '', folder, height = 0, width = 0, isColor = true, access = anyFile } = options;
  const list: ListFile = { source: { name: path, text: await readListText(path, 'image-list', access) }, access };
  const lines = parseImageList(list);
  const notes: Diagnostic[] = [];
  return {
    name: path,
    size: lines.length,
    notes,
    async entry(position): Promise<Entry> {
      const { name, label, line } = lines[position]!;
      const bytes = await readNamed(rootFolder + name, folder, list, line);
      const what = namedOn(list, line, rootFolder + name);
      const picture = await imread(bytes, isColor, what);
      for (const note of imreadWarnings(bytes, isColor, what)) {
        if (!notes.some(told => told.code === note.code)) notes.push(note);
      }
      const { channels, data, ...size } = height > 0 ? resizeLinear(picture, height, width) : picture;
      const shape = [channels, size.height, size.width] as const;
      return { name, data: Float32Array.from(data), shape, label: Float32Array.of(label), labelShape: [] };
    },
    close: async () => {},
  };
}

/** A text that lists files, and what messages may say of it. */
export interface ListFile {
  readonly source: Source;
  readonly access: FileAccess;
}

/** A line's place in a list, for a diagnostic: nothing where the list is not to be quoted. @param line from 0 on */
export function placeIn({ source, access }: ListFile, line: number): { readonly location?: Location } {
  return access.quotes ? { location: lineLocation(source, line) } : {};
}

/** What messages call the file that a line names. */
export function namedOn({ source, access }: ListFile, line: number, name: string): string {
  const where = `line ${line + 1} of ${source.name}`;
  return access.quotes ? `${name} (${where})` : `the file on ${where}`;
}

/** A list's text. @throws MokapotError with `code`; `file-outside` */
export async function readListText(path: string, code: string, access: FileAccess): Promise<string> {
  access.check(path);
  const bytes = await readFileAs(code, path);
  if (!bytes.subarray(0, 65536).includes(0)) return bytes.toString('utf8');
  throw fail(code, `${path} is a binary file; source is a text file that lists files.`, {
    hint: 'Write the paths of the files into a text, one a line, and name that.',
  });
}

/** The label is what follows the last space, as in Caffe, so that names may have spaces. Empty lines are passed over. */
function parseImageList(list: ListFile): Line[] {
  const { source } = list;
  const lines: Line[] = [];
  for (const [line, text] of source.text.split('\n').entries()) {
    if (text.trim() === '') continue;
    const [, name, label] = /^\s*(.*\S)\s+([+-]?\d+)\s*$/.exec(text) ?? [];
    if (name === undefined || label === undefined) {
      throw fail('image-list', `Line ${line + 1} of ${source.name} is no file and label.`, {
        ...placeIn(list, line),
        hint: 'Each line has the picture’s file, a space, and its label, a whole number: cats/0001.jpg 3',
      });
    }
    lines.push({ name, label: Number(label), line });
  }
  if (lines.length > 0) return lines;
  throw fail('image-list', `${source.name} lists no pictures.`, {
    hint: 'Each line has a file, a space, and a label.',
  });
}

/** A file that a line names. @throws MokapotError `image-list-file`; `file-outside` */
export async function readNamed(
  name: string,
  folder: string | undefined,
  list: ListFile,
  line: number,
): Promise<Uint8Array> {
  const { source, access } = list;
  const places = isAbsolute(name) ? [name] : placesOf(name, folder);
  let problem: unknown;
  for (const place of places) {
    if (!access.allows(place)) continue;
    try {
      return await readRegular(place);
    } catch (cause) {
      problem = cause;
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') break;
    }
  }
  for (const place of places) access.check(place, namedOn(list, line, name));
  const shown = access.quotes ? places.join(' nor ') : namedOn(list, line, name);
  const told = fileError('image-list-file', 'read', shown, problem).diagnostics[0]!;
  const where = access.quotes ? ` Line ${line + 1} of ${source.name} names it.` : '';
  throw fail('image-list-file', `${told.message}${where}`, {
    ...placeIn(list, line),
    hint: 'Relative names start at root_folder if it is given, beside the prototxt, then in the working directory.',
  });
}
