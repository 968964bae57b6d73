/** @file Values moved along one axis, in WGSL. */
import {
  gather as gatherKernel,
  resample as resampleKernel,
  SCATTER,
  scatter as scatterKernel,
} from '../kernels/moving.ts'
import { FUNCTIONS } from './functions.ts'
import { each, LIST } from './shader.ts'

export const resample = each({
  kernel: resampleKernel,
  writes: ['y'],
  takes: ({ m, count }) => m + 1 + 2 * count <= LIST,
  count: ({ outer, m, inner }) => outer * m * inner,
  code: `
    let row = i / p.inner % p.m;
    let start = p.x + i / (p.inner * p.m) * p.n * p.inner + i % p.inner;
    var sum = 0.0;
    for (var t = p.list[row]; t < p.list[row + 1u]; t += 1u) {
      sum += float(p.list[p.m + 1u + p.count + t]) * at(start + p.list[p.m + 1u + t] * p.inner);
    }
    put(p.y + i, sum);`,
})

/** The place of n that an index names, counting from the end where it is negative; n where it names none. */
const NAMED = `
fn named(index: f32, n: u32) -> u32 {
  var place = index;
  if (place < 0.0) { place += f32(n); }
  if (place >= 0.0 && place < f32(n)) { return u32(place); }
  return n;
}`

export const gather = each({
  kernel: gatherKernel,
  writes: ['y'],
  count: ({ outer, k, inner }) => outer * k * inner,
  functions: NAMED,
  code: `
    var start = p.index + i / p.inner % p.k;
    if (p.each != 0u) { start = p.index + i; }
    let place = named(at(start), p.n);
    if (place < p.n) { set_word(p.y + i, word(p.x + (i / (p.inner * p.k) * p.n + place) * p.inner + i % p.inner)); }
    else { set_word(p.y + i, 0u); }`,
})

/** Updates of one place come one after the other: an invocation has all of one line. */
export const scatter = each({
  kernel: scatterKernel,
  writes: ['y'],
  count: ({ outer, inner }) => outer * inner,
  functions: FUNCTIONS + NAMED,
  code: `
    let o = i / p.inner;
    for (var j = 0u; j < p.k; j += 1u) {
      let moved = (o * p.k + j) * p.inner + i % p.inner;
      var start = p.index + j;
      if (p.each != 0u) { start = p.index + moved; }
      let place = named(at(start), p.n);
      if (place < p.n) {
        let to = p.y + (o * p.n + place) * p.inner + i % p.inner;
        let old = at(to);
        let value = at(p.updates + moved);
        switch (p.mode) {
          case ${SCATTER.set}u: { set_word(to, word(p.updates + moved)); }
          case ${SCATTER.add}u: { put(to, old + value); }
          case ${SCATTER.mul}u: { put(to, old * value); }
          case ${SCATTER.max}u: { if (is_less(old, value)) { put(to, value); } }
          default: { if (is_less(value, old)) { put(to, value); } }
        }
      }
    }`,
})
