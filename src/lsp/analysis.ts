/** What is known of one version of a text: its tree, what is wrong with it, and its shapes in each state it is used in. */

import type protobuf from 'protobufjs';
import { type Lines, parseSyntax, type SyntaxDocument } from '../../grammar/index.js';
import { type Diagnostic, hasErrors, MokapotError } from '../diagnostics/index.js';
import { type Description, describeFile, fedStates, statesOf, type UseState, withoutRepeats } from '../net/index.js';
import {
  type BlobMention,
  blobMentions,
  defaultSchema,
  type LayerParameter,
  layerBlocks,
  looksLikeSolver,
  messageType,
  type PlacedBlock,
  parseNet,
  parseSolver,
  type Schema,
} from '../schema/index.js';
import { checkSolver } from '../solver/index.js';

export interface DescribedState {
  readonly state: UseState;
  readonly net: Description;
}

export class Analysis {
  readonly isSolver: boolean;
  readonly document: SyntaxDocument;
  readonly lines: Lines;
  readonly type: protobuf.Type;
  readonly layers: readonly PlacedBlock[];
  readonly mentions: readonly BlobMention[];

  /**
   * @param name what diagnostics call the text
   * @param schema that the text goes by; default: Caffe's
   */
  constructor(
    readonly text: string,
    readonly name: string,
    readonly schema: Schema = defaultSchema(),
  ) {
    this.isSolver = looksLikeSolver(text);
    this.type = messageType(this.isSolver ? 'caffe.SolverParameter' : 'caffe.NetParameter', schema);
    const { document, lines } = parseSyntax({ name, text });
    this.document = document;
    this.lines = lines;
    this.layers = this.isSolver ? [] : layerBlocks(document.fields, this.type);
    this.mentions = this.isSolver ? [] : blobMentions(document.fields, this.type);
  }

  #states: readonly DescribedState[] | undefined;
  #message: readonly LayerParameter[] | undefined;

  /** The net in each state it is used in; of a text with errors what stands of it. */
  get states(): readonly DescribedState[] {
    if (this.isSolver) return [];
    if (this.#states) return this.#states;
    const { name, schema, text } = this;
    const { message } = parseNet(text, { name, schema });
    const { states } = fedStates(message, statesOf(message));
    this.#states = states.map(state => ({ state, net: describeFile({ text, name, schema, state }) }));
    return this.#states;
  }

  /** The same where it is there or soon made: for what is nice to have at every letter. */
  get statesAtHand(): readonly DescribedState[] {
    return this.#states ?? (this.text.length < SOON ? this.states : []);
  }

  /** The layers' messages, of today's form. */
  get messages(): readonly LayerParameter[] {
    this.#message ??= this.isSolver ? [] : parseNet(this.text, { name: this.name, schema: this.schema }).message.layer;
    return this.#message;
  }

  #diagnostics: readonly Diagnostic[] | undefined;

  /** What is wrong, once each. Never throws: what the checks themselves stumble over is told as a diagnostic. */
  get diagnostics(): readonly Diagnostic[] {
    this.#diagnostics ??= this.#find();
    return this.#diagnostics;
  }

  #find(): readonly Diagnostic[] {
    if (this.text.trim() === '') return [];
    try {
      if (this.isSolver) {
        const { message, diagnostics } = parseSolver(this.text, { name: this.name, schema: this.schema });
        return hasErrors(diagnostics) ? diagnostics : [...diagnostics, ...checkSolver(message)];
      }
      const all = this.states.flatMap(s => s.net.diagnostics);
      return withoutRepeats(all).filter(d => !UNSEEN.has(d.code));
    } catch (thrown) {
      if (thrown instanceof MokapotError) return thrown.diagnostics;
      throw thrown;
    }
  }
}

/** Letters of a text that is described in the time between two keys. */
const SOON = 100_000;

/** What an editor need not say: it neither runs user code nor looks for it, and it names no data set. */
const UNSEEN: ReadonlySet<string> = new Set(['python-module', 'python-not-run', 'assumed-shapes', 'no-data-set']);
