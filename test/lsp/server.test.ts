/** `mokapot lsp` as an editor meets it: a process of its own, spoken to over its stdin and stdout. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CodeAction,
  type CompletionItem,
  createProtocolConnection,
  type DocumentSymbol,
  type Hover,
  type Location,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
  type TextEdit,
  type WorkspaceEdit,
} from 'vscode-languageserver-protocol/node';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const URI = 'file:///net.prototxt';
const START = `
  import { createJiti } from 'jiti';
  const { run } = await createJiti(${JSON.stringify(ROOT)}).import('./src/cli/main.ts');
  await run(['lsp', '--stdio']);
`;

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 }
}
`;

let server: ChildProcess;
let editor: ProtocolConnection;
let version = 0;
let received: PublishDiagnosticsParams[] = [];
const waiting: ((d: PublishDiagnosticsParams) => void)[] = [];
/** Of other files than the one above, by address. */
const besides = new Map<string, (d: PublishDiagnosticsParams) => void>();

/** The next diagnostics for the newest version of the text. */
function diagnosed(): Promise<PublishDiagnosticsParams> {
  const there = received.find(d => d.version === version);
  return there ? Promise.resolve(there) : new Promise(resolve => waiting.push(resolve));
}

async function write(text: string): Promise<PublishDiagnosticsParams> {
  version++;
  received = [];
  await editor.sendNotification('textDocument/didChange', {
    textDocument: { uri: URI, version },
    contentChanges: [{ text }],
  });
  return diagnosed();
}

const textDocument = { uri: URI };
const at = (line: number, character: number) => ({ textDocument, position: { line, character } });

beforeAll(async () => {
  server = spawn(process.execPath, ['--input-type=module', '-e', START], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  editor = createProtocolConnection(new StreamMessageReader(server.stdout!), new StreamMessageWriter(server.stdin!));
  editor.onNotification('textDocument/publishDiagnostics', (d: PublishDiagnosticsParams) => {
    besides.get(d.uri)?.(d);
    if (d.uri !== URI) return;
    received.push(d);
    if (d.version === version) for (const resolve of waiting.splice(0)) resolve(d);
  });
  editor.listen();
  const { capabilities } = await editor.sendRequest<{ capabilities: Record<string, unknown> }>('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
  });
  expect(Object.keys(capabilities)).toEqual(expect.arrayContaining(['hoverProvider', 'renameProvider']));
  await editor.sendNotification('initialized', {});
  version = 1;
  await editor.sendNotification('textDocument/didOpen', {
    textDocument: { uri: URI, languageId: 'prototxt', version, text: NET },
  });
}, 120_000);

afterAll(() => {
  editor.dispose();
  server.kill();
});

describe('mokapot lsp', () => {
  it('tells what is wrong while typing, and that it is mended', async () => {
    const half = await write(NET.replace('"Convolution"', '"Convolutoin"'));
    expect(half.diagnostics[0]).toMatchObject({ source: 'mokapot', severity: 1, range: { start: { line: 3 } } });
    expect(half.diagnostics[0]!.message).toContain('Convolution');
    const broken = await write(NET.replace('  bottom: "data"\n', '  bott'));
    expect(broken.diagnostics.length).toBeGreaterThan(0);
    const whole = await write(NET);
    expect(whole.diagnostics.filter(d => d.severity === 1)).toEqual([]);
  }, 60_000);

  it('takes changes of a part of the text', async () => {
    version++;
    received = [];
    await editor.sendNotification('textDocument/didChange', {
      textDocument: { uri: URI, version },
      contentChanges: [{ range: { start: { line: 4, character: 11 }, end: { line: 4, character: 15 } }, text: 'dta' }],
    });
    const { diagnostics } = await diagnosed();
    expect(diagnostics.some(d => JSON.stringify(d.message).includes('dta'))).toBe(true);
    await write(NET);
  }, 60_000);

  it('suggests, shows, finds', async () => {
    await write(NET);
    const items = await editor.sendRequest<CompletionItem[]>('textDocument/completion', at(4, 11));
    expect(items.map(i => i.label)).toEqual(['data']);
    const hover = await editor.sendRequest<Hover>('textDocument/hover', at(5, 9));
    expect(JSON.stringify(hover.contents)).toContain('1×4×6×6');
    const [definition] = await editor.sendRequest<Location[]>('textDocument/definition', at(4, 12));
    expect(definition).toMatchObject({ uri: URI, range: { start: { line: 0, character: 40 } } });
    const references = await editor.sendRequest<Location[]>('textDocument/references', {
      ...at(4, 12),
      context: { includeDeclaration: true },
    });
    expect(references).toHaveLength(2);
    const symbols = await editor.sendRequest<DocumentSymbol[]>('textDocument/documentSymbol', { textDocument });
    expect(symbols.map(s => s.name)).toEqual(['data', 'conv1']);
  }, 60_000);

  it('renames, formats, mends', async () => {
    await write(NET);
    const { changes } = await editor.sendRequest<WorkspaceEdit>('textDocument/rename', {
      ...at(4, 12),
      newName: 'image',
    });
    expect(changes![URI]!.map(e => e.newText)).toEqual(['"image"', '"image"']);
    const refused = editor.sendRequest('textDocument/rename', { ...at(4, 12), newName: 'conv1' });
    await expect(refused).rejects.toThrow(/already/);
    await write(NET.replace('  bottom', '      bottom'));
    const options = { tabSize: 2, insertSpaces: true };
    const [edit] = await editor.sendRequest<TextEdit[]>('textDocument/formatting', { textDocument, options });
    expect(edit!.newText).toBe(NET);
    const { diagnostics } = await write(NET.replace('num_output', 'num_outptu'));
    const actions = await editor.sendRequest<CodeAction[]>('textDocument/codeAction', {
      textDocument,
      range: diagnostics[0]!.range,
      context: { diagnostics },
    });
    expect(actions[0]!.edit!.changes![URI]![0]!.newText).toBe('num_output');
  }, 60_000);

  it('goes by the schema that lies beside the file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mokapot-lsp-'));
    const text = 'layer { name: "x" type: "ReLU" beside_param { a: 1 } }';
    const opened = async (name: string) => {
      const uri = pathToFileURL(join(dir, `${name}.prototxt`)).href;
      const told = new Promise<PublishDiagnosticsParams>(resolve => besides.set(uri, resolve));
      await editor.sendNotification('textDocument/didOpen', {
        textDocument: { uri, languageId: 'prototxt', version: 1, text },
      });
      return (await told).diagnostics.map(d => d.code);
    };
    writeFileSync(
      join(dir, 'net.proto'),
      'syntax = "proto2"; package caffe; message LayerParameter { optional BesideParameter beside_param = 9400; } message BesideParameter { optional int32 a = 1; }',
    );
    writeFileSync(join(dir, 'broken.proto'), 'message {');
    expect(await opened('net')).not.toContain('unknown-field');
    expect(await opened('other')).toContain('unknown-field');
    expect(await opened('broken')).toContain('unknown-field');
  }, 60_000);

  it('ends when told to', async () => {
    const ended = new Promise(resolve => server.on('exit', resolve));
    await editor.sendRequest('shutdown');
    await editor.sendNotification('exit');
    expect(await ended).toBe(0);
  }, 60_000);
});
