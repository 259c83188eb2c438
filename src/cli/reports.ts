/** Diagnostics for machines: JSON, SARIF 2.1.0 (code scanning of GitHub and others), GitHub's workflow commands. */

import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Diagnostic, type Fix, hasErrors, type Location, type Severity } from '../diagnostics/index.js';
import { checks } from '../net/index.js';
import { version } from './version.js';

/** What was found in one file. */
export interface Checked {
  readonly file: string;
  readonly kind: 'network' | 'solver';
  readonly diagnostics: readonly Diagnostic[];
}

/** One object, as documented in docs/checks.md. */
export function jsonReport(results: readonly Checked[]): string {
  return JSON.stringify({ files: results.map(fileJson) }, null, 2);
}

function fileJson({ file, kind, diagnostics }: Checked): object {
  return {
    file,
    kind,
    ok: !hasErrors(diagnostics),
    diagnostics: diagnostics.map(({ location, related, ...rest }) => ({
      ...rest,
      ...(location && { file: location.source.name, range: location.range }),
      ...(related && {
        related: related.map(r => ({ message: r.message, file: r.location.source.name, range: r.location.range })),
      }),
    })),
  };
}

const LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'note' };

/** A log of one run; rules are those that were broken. */
export function sarifReport(results: readonly Checked[]): string {
  const all = results.flatMap(r => r.diagnostics.map(d => ({ d, file: r.file })));
  const codes = [...new Set(all.map(({ d }) => d.code))].sort();
  const docs = new Map(checks.map(c => [c.code, c] as const));
  const rules = codes.map(id => {
    const check = docs.get(id);
    return { id, ...(check && { shortDescription: { text: check.doc }, help: { text: check.cure } }) };
  });
  const driver = { name: 'mokapot', version: version(), rules };
  const run = {
    tool: { driver },
    columnKind: 'utf16CodeUnits',
    results: all.map(({ d, file }) => sarifResult(d, file, codes.indexOf(d.code))),
  };
  return JSON.stringify(
    { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] },
    null,
    2,
  );
}

function sarifResult(d: Diagnostic, file: string, ruleIndex: number): object {
  return {
    ruleId: d.code,
    ruleIndex,
    level: LEVELS[d.severity],
    message: { text: textOf(d) },
    locations: [{ physicalLocation: physical(d.location, file) }],
    ...(d.related && {
      relatedLocations: d.related.map((r, id) => ({
        id,
        message: { text: r.message },
        physicalLocation: physical(r.location, file),
      })),
    }),
    ...(d.fix && d.location && { fixes: [sarifFix(d.fix, d.location.source.name)] }),
  };
}

/** The message with all that belongs to it. */
function textOf(d: Diagnostic): string {
  return [d.message, ...(d.shapes ?? []).map(line => `  ${line}`), d.hint ?? ''].filter(line => line).join('\n');
}

function physical(location: Location | undefined, file: string): object {
  const artifactLocation = { uri: uriOf(location?.source.name ?? file) };
  return location ? { artifactLocation, region: region(location.range) } : { artifactLocation };
}

function region({ start, end }: Location['range']): object {
  return { startLine: start.line, startColumn: start.column, endLine: end.line, endColumn: end.column };
}

function sarifFix({ title, edits }: Fix, file: string): object {
  const replacements = edits.map(({ range, text }) => ({
    deletedRegion: region(range),
    insertedContent: { text },
  }));
  return { description: { text: title }, artifactChanges: [{ artifactLocation: { uri: uriOf(file) }, replacements }] };
}

/** Relative to the working directory where the file lies below it, as code scanning wants it. */
function uriOf(file: string): string {
  if (file === '<stdin>') return 'stdin';
  const path = relative(process.cwd(), resolve(file));
  if (path.startsWith('..')) return pathToFileURL(resolve(file)).href;
  return path.split(/[\\/]/).map(encodeURIComponent).join('/');
}

/** A line for each diagnostic that GitHub shows at its place in a pull request. */
export function githubReport(results: readonly Checked[]): string {
  const kind: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'notice' };
  const value = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string) => value(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return results
    .flatMap(({ file, diagnostics }) =>
      diagnostics.map(d => {
        const range = d.location?.range;
        const places = [
          `file=${property(d.location?.source.name ?? file)}`,
          ...(range ? [`line=${range.start.line}`, `endLine=${range.end.line}`, `col=${range.start.column}`] : []),
          ...(range && range.end.line === range.start.line ? [`endColumn=${range.end.column}`] : []),
          `title=${property(d.code)}`,
        ];
        return `::${kind[d.severity]} ${places.join(',')}::${value(textOf(d))}\n`;
      }),
    )
    .join('');
}
