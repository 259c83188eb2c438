/** Pictures of networks: what is in them, that nothing lies over anything, and that text has a font. */

import { decode } from 'fast-png';
import { expect, describe as group, it } from 'vitest';
import { describe } from '../../src/net/index.js';
import { netPicture, toDot, toSvg } from '../../src/picture/index.js';
import { layOut } from '../../src/picture/layout.js';
import { toPng } from '../../src/picture/node/png.js';
import { googLeNet } from '../networks/classics.js';

const pictureOf = (text: string, options = { phase: 'TRAIN' } as const) => netPicture(describe(text, options));

const NET = `name: "a <b> & \\"c\\""
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "skip" type: "Convolution" bottom: "conv" top: "skip" convolution_param { num_output: 4 kernel_size: 2 stride: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "pool" bottom: "skip" top: "sum" }
layer { name: "ip" type: "InnerProduct" bottom: "sum" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
`;

group('netPicture', () => {
  it('layers in place stand in one box, splits are not seen', () => {
    const { boxes, lines } = pictureOf(NET);
    expect(boxes.map(b => b.rows.map(r => r.name).join('+'))).toEqual([
      'data',
      'conv+relu',
      'pool',
      'skip',
      'sum',
      'ip',
      'loss',
    ]);
    expect(boxes[1]!.rows[0]).toMatchObject({ kind: 'convolution', detail: '3×3, 4, stride 2', paramCount: 112 });
    const name = (id: string) => boxes.find(b => b.id === id)!.rows[0]!.name;
    expect(lines.map(l => `${name(l.from)}.${l.top} ${name(l.to)}`)).toEqual([
      ...[
        'data.0 conv',
        'conv.0 pool',
        'conv.0 skip',
        'pool.0 sum',
        'skip.0 sum',
        'sum.0 ip',
        'ip.0 loss',
        'data.1 loss',
      ],
    ]);
  });

  it('dot has every box and line, names quoted', () => {
    const dot = toDot(pictureOf(NET));
    expect(dot).toContain('digraph "a <b> & \\"c\\"" {');
    expect(dot).toContain('label="conv\\nConvolution · 3×3, 4, stride 2\\n112\\nrelu\\nReLU"');
    expect(dot.match(/ -> /g)).toHaveLength(8);
    expect(dot).toContain('[label="2×4×4×4"]');
  });
});

group('toSvg', () => {
  it('shapes, details, colours and legend; names escaped', async () => {
    const svg = await toSvg(pictureOf(NET));
    for (const part of [
      '2×3×8×8',
      'Convolution · 3×3, 4, stride 2',
      '>relu<',
      'scalar',
      '>pooling<',
      'a &lt;b&gt; &amp; &quot;c&quot;',
    ])
      expect(svg).toContain(part);
    expect(svg.match(/marker-end/g)).toHaveLength(8);
  });

  it('GoogLeNet: no box over another, no line through a box, all within the picture', async () => {
    const { boxes, lines, width, height } = await layOut(pictureOf(googLeNet));
    expect(boxes.length).toBeGreaterThan(60);
    for (const [i, a] of boxes.entries()) {
      expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height).toBe(true);
      for (const b of boxes.slice(i + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(apart, `${a.box.rows[0]!.name} and ${b.box.rows[0]!.name}`).toBe(true);
      }
      for (const points of lines) {
        for (let k = 1; k < points.length; k++) {
          const [p, q] = [points[k - 1]!, points[k]!];
          const through =
            Math.max(p.x, q.x) > a.x + 1 &&
            Math.min(p.x, q.x) < a.x + a.width - 1 &&
            Math.max(p.y, q.y) > a.y + 1 &&
            Math.min(p.y, q.y) < a.y + a.height - 1;
          expect(through, a.box.rows[0]!.name).toBe(false);
        }
      }
    }
  });

  it('refuses what is no picture any more', async () => {
    const boxes = Array.from({ length: 3000 }, (_, i) => ({ id: `b${i}`, rows: [], tops: [] }));
    await expect(toSvg({ title: '', subtitle: '', boxes, lines: [] })).rejects.toThrow(/no picture/);
  });
});

it('PNG has its text without a font of the machine’s', async () => {
  const white = async (title: string) => {
    const { data, width, height } = decode(await toPng(await toSvg({ ...pictureOf(NET), title, subtitle: '' }), 1));
    expect([width, height].every(n => n > 100)).toBe(true);
    // The title's own strip.
    let sum = 0;
    for (let y = 18; y < 42; y++) for (let x = 20; x < 200; x++) sum += data[4 * (y * width + x)] === 255 ? 1 : 0;
    return sum;
  };
  expect(await white(' ')).toBe(24 * 180);
  expect(await white('Network')).toBeLessThan(24 * 180 - 200);
});
