/** The Python examples of docs/python-layers.md. */

import { describe, it } from 'vitest';
import { hasPython, python } from './interpreter.js';
import { checkExample } from './page.js';

describe.skipIf(!hasPython)('docs/python-layers.md', () => {
  it('weighted.py', () => checkExample('weighted.py', { python }));
});
