/** docs/convert.md names the layers that cannot be exported: those that run code of their own while testing, and no others. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('the table of what cannot be exported is that of layers on the host', () => {
  const listed = [...read('docs/convert.md').matchAll(/^\| (\w+) \| no \| no \|$/gm)].map(m => m[1]);
  const onHost = readdirSync(new URL('../../src/layers/catalogue/', import.meta.url)).flatMap(file => {
    if (!file.endsWith('.ts')) return [];
    const text = read(`src/layers/catalogue/${file}`);
    const type = /^ {2}type: '(\w+)'/m.exec(text)?.[1];
    return /\.hostCall\(|\.\.\.(foundOnHost|detections)\(/.test(text) && type ? [type] : [];
  });
  expect(listed.sort()).toEqual(onHost.sort());
});
