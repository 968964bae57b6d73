/**
 * @file Rows of a sparse pattern with nonzeros in the same places, as weights pruned in blocks of outputs
 * have: what they read is read once for all of them. The pattern is data, which only the device sees; so a
 * first pass looks at it whenever the kernel runs, and writes down for every four rows how many are alike.
 */
import type { Kernel } from '../kernel.ts'
import { START } from './pattern.ts'
import { type Args, each, type Shader, together } from './shader.ts'

/** So many rows are looked at together, all of them or halves; they begin at a multiple of that. */
const EIGHT = 8
const FOUR = 4
const LANES = 64

const DIFFERS = `${START}
var<workgroup> found: atomic<u32>;
fn length_of(row: u32) -> u32 { return max(start_of(row), start_of(row + 1u)) - start_of(row); }
/* Whether row \`other\` does not exist or has other places, as far as this lane looks. */
fn differs(row: u32, other: u32, lane: u32) -> bool {
  if (other >= p.rows) { return true; }
  let length = length_of(row);
  if (length_of(other) != length) { return true; }
  let here = p.places + start_of(row);
  let there = p.places + start_of(other);
  for (var k = lane; k < length; k += ${LANES}u) {
    if (word(here + k) != word(there + k)) { return true; }
  }
  return false;
}`

/** Bits 0 and 1 of \`found\`: a half is not alike; bit 2: the halves are not. */
const FIND = `
  let first = item * ${EIGHT}u;
  for (var r = 1u; r < ${EIGHT}u; r += 1u) {
    let half = r / ${FOUR}u;
    let begins = r == ${FOUR}u;
    let row = first + select(half * ${FOUR}u, 0u, begins);
    if (differs(row, first + r, lane)) { atomicOr(&found, 1u << select(half, 2u, begins)); }
  }
  workgroupBarrier();
  if (lane == 0u) {
    let unlike = atomicLoad(&found);
    for (var half = 0u; half < 2u; half += 1u) {
      var size = ${FOUR}u;
      if (unlike == 0u) { size = ${EIGHT}u; }
      if ((unlike & (1u << half)) != 0u) { size = 1u; }
      scratch[u.base + item * 2u + half] = size;
    }
  }`

interface Given<P extends string> {
  kernel: Kernel<P>
  writes: readonly P[]
  /** Rows of the pattern, and values that are computed of each. */
  rows: (args: Args<P>) => number
  plane: (args: Args<P>) => number
  functions: string
  /** WGSL that computes value `k` of the plane for so many rows, from `row` on, which are alike. */
  code: (size: number) => string
}

/** A kernel that computes a plane of values for each row of p.starts and p.places. */
export function overRows<P extends string>({ kernel, writes, rows, plane, functions, code }: Given<P>): Shader<P> {
  const find = together<P>({
    items: (args) => Math.ceil(rows(args) / EIGHT),
    more: (args) => ({ rows: rows(args) }),
    lanes: LANES,
    functions: DIFFERS,
    code: FIND,
  })
  // A dispatch for each size, so that none takes the registers of another. Rows of another size end at once.
  const computed = [EIGHT, FOUR, 1].map((size) =>
    each<P>({
      kernel,
      writes,
      count: (args) => Math.floor(rows(args) / size) * plane(args),
      more: (args) => ({ plane: plane(args) }),
      functions: START + functions,
      code: `
    let row = i / p.plane * ${size}u;
    let k = i % p.plane;
    if (scratch[p.base + row / ${FOUR}u] != ${size}u) { return; }
    ${code(size)}`,
    }),
  )
  return {
    kernel,
    writes,
    scratch: (args) => (EIGHT / FOUR) * Math.ceil(rows(args) / EIGHT),
    passes: [find, ...computed.flatMap(({ passes }) => passes)],
  }
}
