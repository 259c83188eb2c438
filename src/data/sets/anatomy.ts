/**
 * A chest by formula: what a short-axis cardiac MR (balanced SSFP, blood bright) of one patient shows in one slice at
 * one phase. Lengths are pixels of a picture of 256 × 256; brightness is 0 to 255 before the coil's bias field.
 */

import type { Random } from '../../random/index.js';
import type { Point } from './contour.js';

/** A closed curve around a centre: radius at an angle, by a few harmonics. */
interface Outline {
  readonly radius: number;
  /** Amplitude (a share of the radius) and phase of the harmonics 2, 3, 4, … */
  readonly waves: readonly (readonly [number, number])[];
}

export type Group = 'HF-I' | 'HF-NI' | 'HYP' | 'N';

/** What stays the same through all of a patient's slices. */
export interface Patient {
  readonly group: Group;
  readonly center: Point;
  /** Turn of the whole body in the picture, radians. */
  readonly tilt: number;
  /** End-diastolic inner radius of the left ventricle near the base. */
  readonly radius: number;
  /** End-diastolic wall. */
  readonly wall: number;
  /** How much the radius shrinks to end-systole. */
  readonly squeeze: number;
  readonly thinWall: readonly [angle: number, depth: number];
  readonly ventricle: Outline;
  readonly rightSize: number;
  readonly rightTurn: number;
  readonly body: Outline;
  readonly bodyShift: Point;
  readonly bodyStretch: number;
  readonly fat: number;
  readonly diaphragm: number;
  readonly liverShare: number;
  readonly papillary: readonly (readonly [angle: number, depth: number, size: number])[];
  readonly vessels: readonly (readonly [x: number, y: number, size: number, light: number])[];
  readonly organs: readonly (readonly [
    x: number,
    y: number,
    width: number,
    height: number,
    turn: number,
    light: number,
  ])[];
  /** Tissue texture, GRAIN × GRAIN, repeated; about −1 to 1. */
  readonly texture: Float32Array;
  readonly fatTurn: number;
  readonly blood: number;
  readonly muscle: number;
  readonly coil: readonly [x: number, y: number, reach: number];
  readonly noise: number;
  /** Radius of a round field of view; undefined where the picture is whole. */
  readonly field: number | undefined;
}

const SHAPES: Record<Group, { radius: [number, number]; wall: [number, number]; squeeze: [number, number] }> = {
  'HF-I': { radius: [24, 27.5], wall: [7, 9], squeeze: [0.8, 0.9] },
  'HF-NI': { radius: [23, 27], wall: [8, 10], squeeze: [0.76, 0.87] },
  HYP: { radius: [20, 23.5], wall: [13, 17], squeeze: [0.68, 0.78] },
  N: { radius: [21, 24.5], wall: [8, 10.5], squeeze: [0.68, 0.77] },
};

export function makePatient(group: Group, random: Random): Patient {
  const pick = ([low, high]: readonly [number, number]) => random.uniform(low, high);
  const angle = () => random.uniform(0, 2 * Math.PI);
  const outline = (radius: number, strength: number, count: number): Outline => ({
    radius,
    waves: Array.from({ length: count }, (_, i) => [random.uniform(0, strength / (i + 1)), angle()] as const),
  });
  const shape = SHAPES[group];
  const papillaryAngle = random.uniform(-0.3, 0.3);
  return {
    group,
    center: [random.uniform(112, 142), random.uniform(106, 132)],
    tilt: random.uniform(-0.75, 0.2),
    radius: pick(shape.radius),
    wall: pick(shape.wall),
    squeeze: pick(shape.squeeze),
    thinWall: [angle(), group === 'HF-I' ? random.uniform(0.3, 0.5) : random.uniform(0, 0.15)],
    ventricle: outline(1, 0.045, 4),
    rightSize: random.uniform(0.9, 1.25),
    rightTurn: random.uniform(-0.35, 0.25),
    body: outline(random.uniform(126, 152), 0.045, 4),
    bodyShift: [random.uniform(16, 40), random.uniform(18, 40)],
    bodyStretch: random.uniform(1.0, 1.25),
    fat: random.uniform(7, 22),
    diaphragm: random.uniform(30, 46),
    liverShare: random.uniform(-10, 25),
    papillary: [
      [0.9 + papillaryAngle, random.uniform(0.5, 0.66), random.uniform(0.17, 0.26)],
      [-0.95 + papillaryAngle, random.uniform(0.5, 0.66), random.uniform(0.15, 0.24)],
    ],
    vessels: Array.from(
      { length: 150 },
      () =>
        [
          random.uniform(-120, 130),
          random.uniform(-90, 130),
          random.uniform(0.7, 2.4),
          random.uniform(20, 75),
        ] as const,
    ),
    organs: Array.from(
      { length: 9 },
      () =>
        [
          random.uniform(-70, 85),
          random.uniform(58, 118),
          random.uniform(15, 26),
          random.uniform(7, 15),
          angle(),
          random.uniform(28, 92),
        ] as const,
    ),
    texture: makeTexture(random),
    fatTurn: angle(),
    blood: random.uniform(108, 142),
    muscle: random.uniform(36, 50),
    coil: [random.uniform(-70, -25), random.uniform(-75, -40), random.uniform(95, 150)],
    noise: random.uniform(2, 4),
    field: random.next() < 0.6 ? random.uniform(106, 114) : undefined,
  };
}

const GRAIN = 256;

/** Value noise: random numbers on lattices of 32, 16, 8 and 4 pixels, interpolated and added up. */
function makeTexture(random: Random): Float32Array {
  const texture = new Float32Array(GRAIN * GRAIN);
  for (const [cell, weight] of [
    [32, 0.75],
    [16, 0.5],
    [8, 0.4],
    [4, 0.35],
  ] as const) {
    const side = GRAIN / cell;
    const lattice = Float32Array.from({ length: side * side }, () => random.uniform(-weight, weight));
    for (let y = 0; y < GRAIN; y++) {
      const fy = smooth((y % cell) / cell);
      const row = Math.floor(y / cell) * side;
      const below = ((Math.floor(y / cell) + 1) % side) * side;
      for (let x = 0; x < GRAIN; x++) {
        const fx = smooth((x % cell) / cell);
        const left = Math.floor(x / cell);
        const right = (left + 1) % side;
        const top = mix(lattice[row + left]!, lattice[row + right]!, fx);
        const bottom = mix(lattice[below + left]!, lattice[below + right]!, fx);
        texture[y * GRAIN + x]! += mix(top, bottom, fy);
      }
    }
  }
  return texture;
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

/** One slice: `level` 0 at the base to 1 at the apex; `contraction` 0 at end-diastole to 1 at end-systole. */
export interface Slice {
  readonly level: number;
  readonly contraction: number;
}

/** What the ventricle measures in a slice. */
interface Ventricle {
  readonly center: Point;
  readonly inner: number;
  readonly outer: number;
}

const SMALLEST_INNER = 15.2;

function ventricleOf(patient: Patient, { level, contraction }: Slice): Ventricle {
  const taper = Math.sqrt(1 - (0.8 * level) ** 2);
  const diastolic = patient.radius * taper;
  const inner = Math.max(SMALLEST_INNER, diastolic * (1 + (patient.squeeze - 1) * contraction));
  const wall = patient.wall * (1 - 0.25 * level);
  // Muscle keeps its area: the wall thickens as the cavity shrinks, and the outer edge moves in a little.
  const outer = Math.max(inner + 4, Math.sqrt((diastolic + wall) ** 2 * (1 - 0.12 * contraction)));
  const [x, y] = patient.center;
  return { center: [x + 5 * level, y + 4 * level], inner, outer };
}

function waveAt(outline: Outline, angle: number): number {
  let r = 1;
  for (let i = 0; i < outline.waves.length; i++) {
    const [amplitude, phase] = outline.waves[i]!;
    r += amplitude * Math.cos((i + 2) * angle + phase);
  }
  return outline.radius * r;
}

/** The inner wall in picture coordinates, as an expert would draw it: papillary muscles count as cavity. */
export function innerContour(patient: Patient, slice: Slice, points = 72): Point[] {
  const { center, inner } = ventricleOf(patient, slice);
  return Array.from({ length: points }, (_, i): Point => {
    const angle = (2 * Math.PI * i) / points;
    const r = inner * waveAt(patient.ventricle, angle - patient.tilt);
    return [center[0] + r * Math.cos(angle), center[1] + r * Math.sin(angle)];
  });
}

/** 1 inside, 0 outside, soft over about two pixels; `depth` is the distance into the shape. */
function cover(depth: number, softness = 0.9): number {
  const t = depth / softness;
  return t <= -1 ? 0 : t >= 1 ? 1 : 0.5 + t * (0.75 - 0.25 * t * t);
}

function mix(under: number, over: number, share: number): number {
  return under + (over - under) * share;
}

/** Paints pixels of one slice; `at` gives brightness at a point of the picture. */
export class Scene {
  private readonly ventricle: Ventricle;
  private readonly cos: number;
  private readonly sin: number;
  private readonly vesselGrid = new Map<number, (typeof this.patient.vessels)[number][]>();

  constructor(
    private readonly patient: Patient,
    private readonly slice: Slice,
  ) {
    this.ventricle = ventricleOf(patient, slice);
    this.cos = Math.cos(patient.tilt);
    this.sin = Math.sin(patient.tilt);
    for (const vessel of patient.vessels) this.placeVessel(vessel);
  }

  private placeVessel(vessel: (typeof this.patient.vessels)[number]): void {
    const [x, y] = vessel;
    for (const dx of [-4, 4]) {
      for (const dy of [-4, 4]) {
        const cell = gridCell(x + dx, y + dy);
        const list = this.vesselGrid.get(cell) ?? [];
        if (!list.includes(vessel)) list.push(vessel);
        this.vesselGrid.set(cell, list);
      }
    }
  }

  /** Brightness at a point of the picture, with the coil's bias field; noise is the caller's. */
  at(x: number, y: number): number {
    const dx = x - this.ventricle.center[0];
    const dy = y - this.ventricle.center[1];
    // Body coordinates: u to the patient's left (right in the picture), v toward the back (down).
    const u = dx * this.cos + dy * this.sin;
    const v = dy * this.cos - dx * this.sin;
    const r = length(u, v);
    const angle = Math.atan2(v, u);
    const grain = this.grain(u, v);
    const tissue = this.chest(u, v, grain);
    const light = r < 85 ? this.heart(tissue, u, v, r, angle, grain) : tissue;
    return light * this.bias(u, v);
  }

  private grain(u: number, v: number): number {
    const x = (Math.floor(u) + GRAIN) % GRAIN;
    const y = (Math.floor(v + 40 * this.slice.level) + GRAIN) % GRAIN;
    return this.patient.texture[(y < 0 ? y + GRAIN : y) * GRAIN + (x < 0 ? x + GRAIN : x)]!;
  }

  private bias(u: number, v: number): number {
    const [x, y, reach] = this.patient.coil;
    const distance = length(u - x, v - y);
    return 0.45 + 1.2 * Math.exp(-((distance / reach) ** 2));
  }

  /** Air, fat under the skin, chest wall with ribs, lungs, and below the diaphragm the belly. */
  private chest(u: number, v: number, grain: number): number {
    const { body, bodyShift, bodyStretch, fat } = this.patient;
    const bu = (u - bodyShift[0]) / bodyStretch;
    const bv = v - bodyShift[1];
    const r = Math.sqrt(bu * bu + bv * bv);
    if (r < 0.85 * body.radius - 2 * fat - 12) return this.inside(u, v, grain);
    const angle = Math.atan2(bv, bu);
    const depth = waveAt(body, angle) - r;
    if (depth < -2) return 2;
    const fatDepth = fat * (1 + 0.45 * Math.cos(angle + 0.9));
    const ribs = Math.sin(angle * 15 + body.waves[0]![1]);
    const wallDepth = fatDepth + 9 + 2 * Math.sin(3 * angle);
    let light = 2;
    light = mix(light, 150 + 32 * grain, cover(depth, 1.6));
    light = mix(light, 46 + 8 * grain + 26 * Math.max(0, ribs) ** 2, cover(depth - fatDepth, 1.4));
    light = mix(light, 96 + 20 * grain, cover(depth - wallDepth + 2.5) * cover(wallDepth + 0.5 - depth) * 0.7);
    const inside = cover(depth - wallDepth, 1.6);
    return inside === 0 ? light : mix(light, this.inside(u, v, grain), inside);
  }

  private inside(u: number, v: number, grain: number): number {
    const { diaphragm, liverShare } = this.patient;
    const dome = diaphragm - 14 * this.slice.level + 0.0035 * (u + 12) ** 2 + 2.5 * Math.sin(u / 17);
    const lung = this.lung(u, v, grain);
    const below = cover(v - dome, 1.3);
    if (below === 0) return lung;
    // Liver on the picture's left, fat, stomach and bowel on its right.
    let belly = mix(74 + 24 * grain, this.organs(u, v, grain), 0.9);
    const liver = cover(liverShare + 8 * Math.sin(v / 19) - u, 2) * cover(dome + 52 - v + 0.25 * u, 2);
    belly = mix(belly, 47 + 4 * grain + this.vessel(u * 1.4 + 31, v * 1.4 - 60) * 0.7, liver);
    return mix(lung, belly, below);
  }

  private lung(u: number, v: number, grain: number): number {
    const middle = Math.exp(-(((u + 32) / 26) ** 2) - ((v - 10) / 60) ** 2);
    return 5 + 2 * grain + this.vessel(u, v) + 45 * middle + 18 * middle * grain;
  }

  private vessel(u: number, v: number): number {
    let light = 0;
    for (const [x, y, size, bright] of this.vesselGrid.get(gridCell(u, v)) ?? []) {
      const d2 = (u - x) ** 2 + (v - y) ** 2;
      if (d2 < 16) light += bright * Math.exp(-d2 / (size * size));
    }
    return light;
  }

  private organs(u: number, v: number, grain: number): number {
    let light = 98 + 26 * grain;
    for (const [x, y, width, height, turn, bright] of this.patient.organs) {
      const du = u - x;
      const dv = v - y + 10 * this.slice.level;
      if (du * du + dv * dv > (width + 3) ** 2) continue;
      const c = Math.cos(turn);
      const s = Math.sin(turn);
      const q = length((du * c + dv * s) / width, (dv * c - du * s) / height);
      light = mix(light, bright + 9 * grain, cover((1 - q) * height, 1.5));
    }
    return light;
  }

  /** Fat around the heart, right ventricle, muscle, blood, papillary muscles, and the aorta behind. */
  private heart(under: number, u: number, v: number, r: number, angle: number, grain: number): number {
    const { patient, ventricle } = this;
    const { inner, outer } = ventricle;
    const shape = waveAt(patient.ventricle, angle);
    const innerEdge = inner * shape;
    const [thinAngle, thin] = patient.thinWall;
    const away = Math.abs(((angle - thinAngle + 3 * Math.PI) % (2 * Math.PI)) - Math.PI);
    const thinning = thin * Math.exp(-2 * away ** 2);
    const outerEdge = innerEdge + (outer * (0.6 + 0.4 * shape) - innerEdge) * (1 - thinning);
    const right = this.rightVentricle(u, v);
    let light = this.aorta(under, u, v);
    // Fat in the groove, then the dark line of the pericardium.
    const outside = Math.min(r - outerEdge, -right.depth);
    const fatDepth = 3.5 + 2.5 * Math.sin(2 * angle + patient.fatTurn) + 4 * Math.exp(-((angle - 2.2) ** 2));
    light = mix(light, 18, cover(fatDepth + 1.6 - outside, 1.2));
    light = mix(light, 100 + 22 * grain, cover(fatDepth - outside + 2 * grain, 1.4));
    light = mix(light, patient.muscle + 6 * grain, cover(right.depth + 2.6, 1.3));
    const trabecula = Math.max(0, grain) * 45 * Math.exp(-((right.depth / 6) ** 2));
    light = mix(light, patient.blood * 0.93 + 7 * grain - trabecula, cover(right.depth + 1.5 * grain, 1.5));
    if (r > outerEdge + 2) return light;
    light = mix(light, patient.muscle + 7 * grain, cover(outerEdge - r, 1.3));
    return mix(light, this.cavity(u, v, innerEdge - r, grain), cover(innerEdge - r + 1.1 * grain - 0.3, 1.5));
  }

  private cavity(u: number, v: number, depth: number, grain: number): number {
    const { patient, ventricle, slice } = this;
    const rim = Math.exp(-((depth / 3) ** 2));
    let light = patient.blood + 9 * grain - 40 * rim * Math.max(0, -grain);
    const shown = slice.level < 0.06 ? 0 : 1;
    for (const [angle, place, size] of patient.papillary) {
      const reach = ventricle.inner * (place + 0.1 * (1 - slice.contraction));
      const d = length(u - reach * Math.cos(angle), v - reach * Math.sin(angle));
      const radius = ventricle.inner * size * (1 - 0.3 * slice.level) + 2.2 * grain;
      light = mix(light, patient.muscle + 6 * grain, cover(radius - d, 1.2) * shown * 0.92);
    }
    return light;
  }

  /** A crescent on the picture's left that ends before the apex; `depth` is positive inside. */
  private rightVentricle(u: number, v: number): { depth: number } {
    const { patient, ventricle, slice } = this;
    const size = patient.rightSize * (1 - 0.18 * slice.contraction) * (1 - 0.95 * slice.level ** 1.6);
    const width = ventricle.outer * 0.78 * size;
    const height = ventricle.outer * 1.02 * Math.sqrt(Math.max(0, size));
    const turn = Math.PI + patient.rightTurn;
    const reach = ventricle.outer * (0.72 + 0.28 * size);
    const du = u - reach * Math.cos(turn);
    const dv = v - reach * Math.sin(turn);
    const c = Math.cos(turn);
    const s = Math.sin(turn);
    if (width < 4) return { depth: -40 };
    const q = length((du * c + dv * s) / width, (dv * c - du * s) / height);
    const ellipse = (1 - q) * Math.min(width, height);
    const septum = length(u, v) - ventricle.outer;
    return { depth: Math.min(ellipse, septum) };
  }

  private aorta(under: number, u: number, v: number): number {
    const { outer } = this.ventricle;
    const { patient } = this;
    const d = length(u - outer * 0.75 - 6, v - outer - 22 - 4 * patient.rightSize);
    let light = mix(under, patient.muscle + 20, cover(10.2 - d));
    light = mix(light, patient.blood * 0.95, cover(8.4 - d));
    return light;
  }
}

/** Math.hypot is many times slower. */
function length(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}

function gridCell(x: number, y: number): number {
  return Math.floor(x / 8) * 4096 + Math.floor(y / 8);
}
