/** @file Reductions in WGSL: a workgroup for each result where there are few, else an invocation. */
import { reduce as kernel, REDUCE } from '../kernels/reduce.ts'
import { FUNCTIONS } from './functions.ts'
import { each, LANES, type Shader, strided, together } from './shader.ts'

type P = (typeof kernel)['parameters'][number]
type Sizes = Readonly<Record<P, number>>
const results = (p: Sizes) => p.d0 * p.d1 * p.d2 * p.d3
const terms = (p: Sizes) => p.r0 * p.r1 * p.r2 * p.r3

/** Below so many terms a workgroup has nothing to share, and from so many results on there are enough. */
const FEW_TERMS = 64
const MANY_RESULTS = 4096
const isShared = (p: Sizes) => terms(p) >= FEW_TERMS && results(p) < MANY_RESULTS

const TAKE = `${FUNCTIONS}
fn first_of(kind: u32) -> f32 {
  switch (kind) {
    case ${REDUCE.Max}u: { return bitcast<f32>(infinity | 0x80000000u); }
    case ${REDUCE.Min}u: { return bitcast<f32>(infinity); }
    case ${REDUCE.Prod}u: { return 1.0; }
    default: { return 0.0; }
  }
}
fn take(kind: u32, sum: f32, x: f32) -> f32 {
  switch (kind) {
    case ${REDUCE.Max}u: { return larger(sum, x); }
    case ${REDUCE.Min}u: { return smaller(sum, x); }
    case ${REDUCE.Prod}u: { return sum * x; }
    default: { return sum + x; }
  }
}
fn place_of(i: u32) -> u32 { return ${strided('d', 's')}; }
fn term(i: u32) -> u32 { return ${strided('r', 't')}; }
fn ended(kind: u32, sum: f32) -> f32 {
  if (kind == ${REDUCE.Mean}u) { return sum / f32(p.r0 * p.r1 * p.r2 * p.r3); }
  return sum;
}`

const alone = each<P>({
  kernel,
  writes: ['y'],
  count: (p) => (isShared(p) ? 0 : results(p)),
  functions: TAKE,
  code: `
    let start = p.x + place_of(i);
    let count = p.r0 * p.r1 * p.r2 * p.r3;
    var sum = first_of(p.kind);
    for (var k = 0u; k < count; k += 1u) { sum = take(p.kind, sum, at(start + term(k))); }
    put(p.y + i, ended(p.kind, sum));`,
})

export const reduce: Shader<P> = {
  kernel,
  writes: ['y'],
  passes: [
    ...alone.passes,
    together<P>({
      items: (p) => (isShared(p) ? results(p) : 0),
      functions: `${TAKE}
var<workgroup> taken: array<f32, ${LANES}>;`,
      code: `
  let start = u.x + place_of(item);
  let terms = u.r0 * u.r1 * u.r2 * u.r3;
  var sum = first_of(u.kind);
  for (var k = lane; k < terms; k += ${LANES}u) { sum = take(u.kind, sum, at(start + term(k))); }
  taken[lane] = sum;
  workgroupBarrier();
  for (var width = ${LANES / 2}u; width > 0u; width /= 2u) {
    if (lane < width) { taken[lane] = take(u.kind, taken[lane], taken[lane + width]); }
    workgroupBarrier();
  }
  if (lane == 0u) { put(u.y + item, ended(u.kind, taken[0])); }`,
    }),
  ],
}
