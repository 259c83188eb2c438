/**
 * Shapes that user code tells asynchronously, or not before it sees numbers: compiling, which is synchronous, or a run stops
 * there and begins again.
 */

import { MokapotError } from '../../diagnostics/index.js';

/** Thrown where a shape is not known yet. What was found by then is kept, so that the next attempt comes further. */
export class ShapesPending extends Error {
  constructor(
    readonly layer: string,
    /** Never rejects: what goes wrong is thrown at the next attempt, beside the net's other errors. */
    readonly ready: Promise<void>,
  ) {
    super(`The user code of layer "${layer}" is asynchronous: compile the net by Net.fromText, or by settled().`);
  }
}

/** `compile()`, as often as it takes until all asynchronous shapes are there. */
export async function settled<T>(compile: () => T): Promise<T> {
  for (;;) {
    try {
      return compile();
    } catch (thrown) {
      if (!(thrown instanceof ShapesPending)) throw thrown;
      await thrown.ready;
    }
  }
}

/**
 * Thrown where the tops of a layer became others, in a run, than the net was compiled for: from now on they are settled before
 * the layers behind run (LayerType.settle), so that the run can begin again. The diagnostic is for those who do not.
 */
export class TopsChanged extends MokapotError {
  constructor(
    readonly layer: string,
    { diagnostics }: MokapotError,
  ) {
    super(diagnostics);
  }
}
