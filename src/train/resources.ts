/** What was opened and made on the way, closed together: the last first. */

export class Resources {
  private readonly closers: (() => unknown)[] = [];

  /** @param close called by `close`, once */
  add(close: () => unknown): void {
    this.closers.push(close);
  }

  /** One that fails does not keep the others open. */
  async close(): Promise<void> {
    const close = this.closers.pop();
    if (!close) return;
    try {
      await close();
    } finally {
      await this.close();
    }
  }

  /** What `work` makes; where it fails, all that was added is closed. */
  async orClose<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }
}
