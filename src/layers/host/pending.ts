/** Shapes that user code tells asynchronously: compiling, which is synchronous, stops there, waits and begins again. */

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
