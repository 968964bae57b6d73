/**
 * @file Products c [m][n] = sum over k of a [m][k] b [k][n], by tiles in the memory of a workgroup, of
 * operands that are found by code: matrices, or the windows of a convolution, which are never written out.
 * Where there are few tiles, the depth is cut into parts whose sums are added afterwards, in order.
 */
import { type Args, LANES, type Pass } from './shader.ts'

/** Of one product; there are `groups` of them, one after the other. */
export interface ProductSizes {
  m: number
  n: number
  k: number
  groups: number
}

export interface Product<P extends string> {
  sizes: (args: Args<P>) => ProductSizes
  /** Functions for the rest. */
  functions?: string
  /** WGSL: `a_at(group, m, k)` as an expression. */
  a: string
  /** WGSL statements that prepare for column `n`, in variables of a module; run before each use of `b`. */
  column?: string
  /** WGSL: b at (k, n), as an expression of group, k and n. */
  b: string
  /** Whether neighbours along k lie side by side in b, rather than those along n. WGSL, uniform. */
  alongDepth?: string
  /** WGSL: what becomes of `sum` at (group, m, n). */
  store: string
  /** Whether sums of parts may be added later, with those of other products. */
  later?: boolean
}

/** Tiles of rows by columns, of which each invocation has four by four, and their depth in memory. */
const TILES = [
  { rows: 4, columns: 256, depth: 8 },
  { rows: 16, columns: 64, depth: 16 },
  { rows: 16, columns: 256, depth: 8 },
  { rows: 64, columns: 64, depth: 16 },
]
type Tile = (typeof TILES)[number]
const lanesOf = ({ rows, columns }: Tile) => (rows / 4) * (columns / 4)

/** What loading a value costs beside multiplying and adding. */
const LOAD = 16

/** The tile that does the least for a product, what lies beyond its edges included. */
function tileFor({ m, n }: ProductSizes): Tile {
  const cost = ({ rows, columns }: Tile) =>
    Math.ceil(m / rows) * Math.ceil(n / columns) * (rows * columns + LOAD * (rows + columns))
  return TILES.reduce((best, tile) => (cost(tile) <= cost(best) ? tile : best))
}

/** From so many tiles on the depth is left whole; else there are so many workgroups, of at least a depth. */
const ENOUGH = 64
const BUSY = 256
const LEAST_DEPTH = 256

function shapeOf(sizes: ProductSizes) {
  const { m, n, k, groups } = sizes
  const tile = tileFor(sizes)
  const [down, across] = [Math.ceil(m / tile.rows), Math.ceil(n / tile.columns)]
  const tiles = down * across * groups
  const most = tiles >= ENOUGH ? 1 : Math.floor(BUSY / tiles)
  const parts = Math.max(1, Math.min(most, Math.floor(k / LEAST_DEPTH)))
  return { tile, down, across, tiles, parts, each: Math.ceil(k / parts) }
}

/** Words that the parts of a product need. */
export function productScratch(sizes: ProductSizes): number {
  const { parts } = shapeOf(sizes)
  return parts === 1 ? 0 : parts * sizes.groups * sizes.m * sizes.n
}

export function product<P extends string>(given: Product<P>): Pass<P>[] {
  const more = (args: Args<P>) => {
    const sizes = given.sizes(args)
    const { down, across, parts, each } = shapeOf(sizes)
    return { rows: sizes.m, columns: sizes.n, depth: sizes.k, down, across, parts, each, of: sizes.groups }
  }
  const tiled = TILES.map(
    (tile): Pass<P> => ({
      more,
      groups: (args) => {
        const shape = shapeOf(given.sizes(args))
        return shape.tile === tile ? shape.tiles * shape.parts : 0
      },
      code: tiledCode(given, tile),
    }),
  )
  const added: Pass<P> = {
    more,
    later: given.later,
    groups: (args) => {
      const { m, n, groups } = given.sizes(args)
      return productScratch(given.sizes(args)) > 0 ? Math.ceil((groups * m * n) / LANES) : 0
    },
    code: `${functionsOf(given)}
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) lane: u32) {
  call = wid.z;
  let i = (wid.y * grid.x + wid.x) * ${LANES}u + lane;
  let all = p.of * p.rows * p.columns;
  if (i >= all) { return; }
  var sum = 0.0;
  for (var part = 0u; part < p.parts; part += 1u) { sum += bitcast<f32>(scratch[p.base + part * all + i]); }
  store(i / (p.rows * p.columns), i / p.columns % p.rows, i % p.columns, sum);
}`,
  }
  return [...tiled, added]
}

const functionsOf = ({ functions = '', store }: Product<never> | Product<string>) => `${functions}
fn store(group: u32, m: u32, n: u32, sum: f32) { ${store} }`

function tiledCode<P extends string>(given: Product<P>, tile: Tile): string {
  const { rows, columns, depth } = tile
  const lanes = lanesOf(tile)
  const { a, b, column = '', alongDepth = 'false' } = given
  const across = columns / 4
  return `${functionsOf(given as Product<string>)}
fn a_at(group: u32, m: u32, k: u32) -> f32 { return ${a}; }
fn prepare(n: u32) { ${column} }
fn b_at(group: u32, k: u32, n: u32) -> f32 { return ${b}; }
var<workgroup> left: array<f32, ${rows * depth}>;
var<workgroup> right: array<f32, ${columns * depth}>;
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) lane: u32) {
  call = wid.z;
  let item = wid.y * grid.x + wid.x;
  let tile = item / u.parts;
  let part = item % u.parts;
  if (tile >= u.of * u.down * u.across) { return; }
  let group = tile / (u.down * u.across);
  let m0 = tile / u.across % u.down * ${rows}u;
  let n0 = tile % u.across * ${columns}u;
  let first = part * u.each;
  let last = min(first + u.each, u.depth);
  let row = lane / ${across}u * 4u;
  let side = lane % ${across}u;
  let along = ${alongDepth};
  var sums: array<vec4f, 4>;
  if (!along && ${lanes % columns === 0}) { prepare(min(n0 + lane % ${columns}u, u.columns - 1u)); }
  for (var k0 = first; k0 < last; k0 += ${depth}u) {
    for (var e = lane; e < ${rows * depth}u; e += ${lanes}u) {
      let k = k0 + e % ${depth}u;
      let m = m0 + e / ${depth}u;
      var value = 0.0;
      if (m < u.rows && k < last) { value = a_at(group, m, k); }
      left[e % ${depth}u * ${rows}u + e / ${depth}u] = value;
    }
    for (var e = lane; e < ${columns * depth}u; e += ${lanes}u) {
      var at_k = e / ${columns}u;
      var at_n = e % ${columns}u;
      if (along) { at_k = e % ${depth}u; at_n = e / ${depth}u; }
      if (along || ${lanes % columns !== 0}) { prepare(min(n0 + at_n, u.columns - 1u)); }
      let k = k0 + at_k;
      let n = n0 + at_n;
      var value = 0.0;
      if (n < u.columns && k < last) { value = b_at(group, k, n); }
      right[at_k * ${columns}u + at_n] = value;
    }
    workgroupBarrier();
    for (var k = 0u; k < ${depth}u; k += 1u) {
      let start = k * ${columns}u + side;
      let b = vec4f(right[start], right[start + ${across}u], right[start + ${2 * across}u], right[start + ${3 * across}u]);
      let down = k * ${rows}u + row;
      sums[0] += left[down] * b;
      sums[1] += left[down + 1u] * b;
      sums[2] += left[down + 2u] * b;
      sums[3] += left[down + 3u] * b;
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r += 1u) {
    for (var c = 0u; c < 4u; c += 1u) {
      let m = m0 + row + r;
      let n = n0 + side + c * ${across}u;
      if (m < u.rows && n < u.columns) {
        if (u.parts == 1u) { store(group, m, n, sums[r][c]); }
        else { scratch[u.base + ((part * u.of + group) * u.rows + m) * u.columns + n] = bitcast<u32>(sums[r][c]); }
      }
    }
  }
}`
}
