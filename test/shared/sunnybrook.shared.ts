/** The training cases of the Sunnybrook Cardiac Data of ../shared as a data set: all 260 slices, nothing left out. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSunnybrook } from '../../src/data/sets/sunnybrook.js';
import { shared, sharedThere } from './folder.js';

const there = sharedThere('data/sunnybrook');

describe.skipIf(!there)('Sunnybrook', () => {
  it.each(['L', 'RGB'] as const)('%s', async channels => {
    const { manifest, skipped } = await createSunnybrook({
      images: shared('data/sunnybrook/challenge_training'),
      contours: shared('data/sunnybrook/Sunnybrook Cardiac MR Database ContoursPart3'),
      channels,
      out: mkdtempSync(join(tmpdir(), 'mokapot-shared-')),
    });
    expect(skipped).toEqual([]);
    expect([manifest.splits.train.count, manifest.splits.val.count]).toEqual([234, 26]);
    expect([manifest.channels, manifest.height, manifest.width]).toEqual([channels === 'L' ? 1 : 3, 256, 256]);
    expect(manifest.classShares[1]).toBeCloseTo(0.0165, 4);
  });
});
