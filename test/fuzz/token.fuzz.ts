/** Nets mutated by token: whole words, braces, numbers out of place. See run.ts for how many and how one runs alone. */

import { mutatedByToken } from './inputs.js';
import { fuzz } from './run.js';

fuzz('token', 'nets mutated by token are answered', mutatedByToken);
