/** protoc's verdict on its own cases, spaced out anew. See run.ts for how many and how one runs alone. */

import { spacedOut } from './inputs.js';
import { fuzz } from './run.js';

fuzz('spaced', 'blanks and comments change nothing', spacedOut);
