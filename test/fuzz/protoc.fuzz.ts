/** protoc's verdict on its own cases, spaced out anew 10 000 times. */

import { it } from 'vitest';
import { seed, spacedOut } from './fuzz.js';

it(`blanks and comments change nothing (seed ${seed})`, () => spacedOut(10_000));
