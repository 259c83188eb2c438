/**
 * `mokapot lsp`: the language server protocol over the functions beside it. Positions are turned into offsets here and
 * back; nothing else is. Whatever goes wrong in an answer, the editor gets none, and the log says why.
 */

import { fileURLToPath } from 'node:url';
import {
  type CodeAction,
  CodeActionKind,
  CompletionItemKind,
  type Connection,
  createConnection,
  DiagnosticSeverity,
  type DocumentSymbol,
  InsertTextFormat,
  LSPErrorCodes,
  type Diagnostic as LspDiagnostic,
  type TextEdit as LspEdit,
  type Range as LspRange,
  ProposedFeatures,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  SymbolKind,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Span } from '../../grammar/index.js';
import { type Diagnostic, type Fix, MokapotError, type Range } from '../diagnostics/index.js';
import { defaultSchema, formatText, type Schema } from '../schema/index.js';
import { Analysis } from './analysis.js';
import { type Completion, completionsAt } from './completion.js';
import { hoverAt } from './hover.js';
import { definitionsAt, nameAt, type OutlineEntry, outline, referencesAt, renameAt } from './names.js';

/** How long typing must pause before a text is checked. */
const PAUSE_MS = 150;

/**
 * Serves an editor at the other end of two streams until it says exit.
 *
 * @param schemaFor the schema that the text of a file goes by; without a path, that of a text without a file
 * @throws MokapotError where `schemaFor` throws for a text without a file
 */
export function serve(
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stdout,
  schemaFor: (path?: string) => Schema = defaultSchema,
): Promise<void> {
  const connection = createConnection(
    ProposedFeatures.all,
    new StreamMessageReader(input),
    new StreamMessageWriter(output),
  );
  new Server(connection, schemaFor, schemaFor()).listen();
  return new Promise(resolve => {
    connection.onExit(() => resolve());
    input.on('end', () => resolve());
  });
}

class Server {
  readonly #documents = new TextDocuments(TextDocument);
  readonly #analyses = new Map<string, { version: number; analysis: Analysis }>();
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(
    readonly connection: Connection,
    readonly schemaFor: (path?: string) => Schema,
    /** Of a text without a file. */
    readonly schema: Schema,
  ) {}

  listen(): void {
    const { connection } = this;
    connection.onInitialize(() => ({
      serverInfo: { name: 'mokapot' },
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        completionProvider: { triggerCharacters: ['"', ':', ' '] },
        hoverProvider: true,
        definitionProvider: true,
        referencesProvider: true,
        renameProvider: { prepareProvider: true },
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
        documentFormattingProvider: true,
        documentSymbolProvider: true,
      },
    }));
    this.#documents.onDidChangeContent(({ document }) => this.#checkSoon(document));
    this.#documents.onDidClose(({ document }) => {
      clearTimeout(this.#timers.get(document.uri));
      this.#timers.delete(document.uri);
      this.#analyses.delete(document.uri);
      void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
    });
    this.#answerWhere();
    this.#answerChanges();
    this.#documents.listen(connection);
    connection.listen();
  }

  /** Requests about a place. */
  #answerWhere(): void {
    const { connection } = this;
    connection.onCompletion(({ textDocument, position }) =>
      this.#answer(textDocument.uri, [], (document, analysis) =>
        completionsAt(analysis, document.offsetAt(position)).map((c, i) => itemOf(document, c, i)),
      ),
    );
    connection.onHover(({ textDocument, position }) =>
      this.#answer(textDocument.uri, null, (document, analysis) => {
        const hover = hoverAt(analysis, document.offsetAt(position));
        return hover
          ? { contents: { kind: 'markdown' as const, value: hover.markdown }, range: rangeOf(document, hover.span) }
          : null;
      }),
    );
    connection.onDefinition(({ textDocument, position }) =>
      this.#answer(textDocument.uri, [], (document, analysis) =>
        definitionsAt(analysis, document.offsetAt(position)).map(s => ({
          uri: document.uri,
          range: rangeOf(document, s),
        })),
      ),
    );
    connection.onReferences(({ textDocument, position }) =>
      this.#answer(textDocument.uri, [], (document, analysis) =>
        referencesAt(analysis, document.offsetAt(position)).map(s => ({
          uri: document.uri,
          range: rangeOf(document, s),
        })),
      ),
    );
    connection.onDocumentSymbol(({ textDocument }) =>
      this.#answer(textDocument.uri, [], (document, analysis) => outline(analysis).map(e => symbolOf(document, e))),
    );
  }

  /** Requests that change the text. */
  #answerChanges(): void {
    const { connection } = this;
    connection.onPrepareRename(({ textDocument, position }) =>
      this.#answer(textDocument.uri, null, (document, analysis) => {
        const found = nameAt(analysis, document.offsetAt(position));
        if (!found) return null;
        const inside = { start: found.value.start + 1, end: found.value.end - 1 };
        return { range: rangeOf(document, inside), placeholder: found.name };
      }),
    );
    connection.onRenameRequest(({ textDocument, position, newName }) =>
      this.#answer(textDocument.uri, null, (document, analysis) => {
        const { edits, problem, note } = renameAt(analysis, document.offsetAt(position), newName);
        if (problem !== '') throw new ResponseError(LSPErrorCodes.RequestFailed, problem);
        if (note !== '') connection.window.showWarningMessage(note);
        const changes = edits.map(e => ({ range: rangeOf(document, e.span), newText: e.text }));
        return { changes: { [document.uri]: changes } };
      }),
    );
    connection.onCodeAction(({ textDocument, range }) =>
      this.#answer(textDocument.uri, [], (document, analysis) => {
        const [start, end] = [document.offsetAt(range.start), document.offsetAt(range.end)];
        return analysis.diagnostics
          .filter(
            d => d.fix && d.location && d.location.range.start.offset <= end && start <= d.location.range.end.offset,
          )
          .map(d => actionOf(document, d, d.fix!));
      }),
    );
    connection.onDocumentFormatting(({ textDocument }) =>
      this.#answer(textDocument.uri, [], document => {
        const before = document.getText();
        try {
          const text = formatText(before);
          return text === before ? [] : [{ range: rangeOf(document, { start: 0, end: before.length }), newText: text }];
        } catch (thrown) {
          // A broken text stays as it is; its diagnostics say why.
          if (thrown instanceof MokapotError) return [];
          throw thrown;
        }
      }),
    );
  }

  #answer<T>(uri: string, none: T, make: (document: TextDocument, analysis: Analysis) => T): T {
    const document = this.#documents.get(uri);
    if (!document) return none;
    try {
      return make(document, this.#analysisOf(document));
    } catch (thrown) {
      if (thrown instanceof ResponseError) throw thrown;
      this.#log(thrown);
      return none;
    }
  }

  #log(thrown: unknown): void {
    this.connection.console.error(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  }

  #analysisOf(document: TextDocument): Analysis {
    const known = this.#analyses.get(document.uri);
    if (known?.version === document.version) return known.analysis;
    const path = pathOf(document.uri);
    const analysis = new Analysis(document.getText(), path, this.#schemaFor(path));
    this.#analyses.set(document.uri, { version: document.version, analysis });
    return analysis;
  }

  /** A schema beside the file that is broken, as while it is being written, counts for nothing. */
  #schemaFor(path: string): Schema {
    try {
      return this.schemaFor(path);
    } catch (thrown) {
      if (!(thrown instanceof MokapotError)) throw thrown;
      this.connection.console.warn(thrown.message);
      return this.schema;
    }
  }

  #checkSoon(document: TextDocument): void {
    clearTimeout(this.#timers.get(document.uri));
    this.#timers.set(
      document.uri,
      setTimeout(() => this.#check(document.uri), PAUSE_MS),
    );
  }

  #check(uri: string): void {
    const document = this.#documents.get(uri);
    if (!document) return;
    const diagnostics = this.#answer(uri, [] as LspDiagnostic[], (_, analysis) =>
      analysis.diagnostics.flatMap(d => diagnosticOf(document, analysis, d)),
    );
    void this.connection.sendDiagnostics({ uri, version: document.version, diagnostics });
  }
}

/** A file's path; what else an editor may call a text stays as it is. */
function pathOf(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch {
    return uri;
  }
}

const rangeOf = (document: TextDocument, { start, end }: Span): LspRange => ({
  start: document.positionAt(start),
  end: document.positionAt(end),
});

const spanOf = ({ start, end }: Range): Span => ({ start: start.offset, end: end.offset });

const SEVERITY = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  note: DiagnosticSeverity.Information,
} as const;

/** As an editor has it. What is about another file, or no place, stands at the text's first line. */
function diagnosticOf(document: TextDocument, analysis: Analysis, d: Diagnostic): LspDiagnostic[] {
  const here = d.location?.source.name === analysis.name ? d.location.range : undefined;
  const range = here ? rangeOf(document, spanOf(here)) : { start: document.positionAt(0), end: document.positionAt(0) };
  const related = (d.related ?? []).filter(r => r.location.source.name === analysis.name);
  return [
    {
      range,
      severity: SEVERITY[d.severity],
      code: d.code,
      source: 'mokapot',
      message: d.hint ? `${d.message}\n${d.hint}` : d.message,
      relatedInformation: related.map(r => ({
        message: r.message,
        location: { uri: document.uri, range: rangeOf(document, spanOf(r.location.range)) },
      })),
    },
  ];
}

function actionOf(document: TextDocument, d: Diagnostic, fix: Fix): CodeAction {
  const edits: LspEdit[] = fix.edits.map(e => ({ range: rangeOf(document, spanOf(e.range)), newText: e.text }));
  const range = rangeOf(document, spanOf(d.location!.range));
  return {
    title: fix.title,
    kind: CodeActionKind.QuickFix,
    isPreferred: !fix.unsafe,
    diagnostics: [{ range, code: d.code, source: 'mokapot', message: d.message, severity: SEVERITY[d.severity] }],
    edit: { changes: { [document.uri]: edits } },
  };
}

const ITEM_KINDS: Readonly<Record<Completion['kind'], CompletionItemKind>> = {
  field: CompletionItemKind.Field,
  block: CompletionItemKind.Struct,
  value: CompletionItemKind.EnumMember,
  type: CompletionItemKind.Class,
  blob: CompletionItemKind.Variable,
  name: CompletionItemKind.Text,
};

function itemOf(document: TextDocument, c: Completion, i: number) {
  return {
    label: c.label,
    kind: ITEM_KINDS[c.kind],
    detail: c.detail,
    documentation: { kind: 'markdown' as const, value: c.doc },
    sortText: String(i).padStart(4, '0'),
    filterText: c.insert.startsWith('"') ? `"${c.label}"` : c.label,
    insertTextFormat: InsertTextFormat.Snippet,
    textEdit: { range: rangeOf(document, c), newText: c.insert },
  };
}

function symbolOf(document: TextDocument, e: OutlineEntry): DocumentSymbol {
  return {
    name: e.name,
    detail: e.detail,
    kind: e.children.length > 0 || e.detail !== '' ? SymbolKind.Class : SymbolKind.Field,
    range: rangeOf(document, e.span),
    selectionRange: rangeOf(document, e.nameSpan),
    children: e.children.map(c => symbolOf(document, c)),
  };
}
