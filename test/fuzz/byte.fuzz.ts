/** Nets mutated by byte: bits flipped, pieces cut out and doubled. See run.ts for how many and how one runs alone. */

import { mutatedByByte } from './inputs.js';
import { fuzz } from './run.js';

fuzz('byte', 'nets mutated by byte are answered', mutatedByByte);
