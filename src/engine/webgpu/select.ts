/**
 * @file Exact top-k over several tensors in WGSL, by one workgroup: four rounds of counting find the bits of
 * the least score that is kept, eight at a time, and ties are taken in the order of their places.
 */
import { selectTopKernel } from '../kernels/select.ts'
import { LANES, LIST, type Shader, together } from './shader.ts'

export const selectTop: Shader<'keep' | 'count'> = {
  kernel: selectTopKernel,
  writes: [],
  takes: ({ count }) => 3 * count <= LIST,
  passes: [
    together({
      items: () => 1,
      functions: `
var<workgroup> counts: array<atomic<u32>, ${LANES}>;
var<workgroup> found: vec2u;
var<workgroup> before: array<u32, ${LANES}>;
/* In the order of the scores. Of two zeros none is larger. */
fn key_of(i: u32) -> u32 {
  let bits = word(i);
  if ((bits & 0x7fffffffu) == 0u) { return 0x80000000u; }
  if (bits >= 0x80000000u) { return ~bits; }
  return bits | 0x80000000u;
}`,
      code: `
  var prefix = 0u;
  var left = u.keep;
  for (var shift = 24u; shift <= 24u; shift -= 8u) {
    atomicStore(&counts[lane], 0u);
    workgroupBarrier();
    for (var s = 0u; s < u.count; s += 1u) {
      let start = calls[wid.z].list[3u * s];
      for (var i = lane; i < calls[wid.z].list[3u * s + 1u]; i += ${LANES}u) {
        let key = key_of(start + i);
        if (shift == 24u || (key >> (shift + 8u)) == prefix) { atomicAdd(&counts[(key >> shift) & 255u], 1u); }
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      var digit = 255u;
      var kept = left;
      loop {
        let here = atomicLoad(&counts[digit]);
        if (here >= kept || digit == 0u) { break; }
        kept -= here;
        digit -= 1u;
      }
      found = vec2u(digit, kept);
    }
    let next = workgroupUniformLoad(&found);
    prefix = (prefix << 8u) | next.x;
    left = next.y;
    if (shift == 0u) { break; }
  }
  /* Of those that equal the least, the first \`left\` are kept. */
  var passed = 0u;
  for (var s = 0u; s < u.count; s += 1u) {
    let start = calls[wid.z].list[3u * s];
    let n = calls[wid.z].list[3u * s + 1u];
    let mask = calls[wid.z].list[3u * s + 2u];
    let each = (n + ${LANES - 1}u) / ${LANES}u;
    let first = min(lane * each, n);
    let last = min(first + each, n);
    var ties = 0u;
    for (var i = first; i < last; i += 1u) { if (key_of(start + i) == prefix) { ties += 1u; } }
    before[lane] = ties;
    workgroupBarrier();
    var rank = passed;
    for (var l = 0u; l < lane; l += 1u) { rank += before[l]; }
    for (var i = first; i < last; i += 1u) {
      let key = key_of(start + i);
      var kept = key > prefix;
      if (key == prefix) { kept = rank < left; rank += 1u; }
      put(mask + i, select(0.0, 1.0, kept && u.keep > 0u));
    }
    workgroupBarrier();
    if (lane == ${LANES - 1}u) { found = vec2u(rank, 0u); }
    passed = workgroupUniformLoad(&found).x;
  }`,
    }),
  ],
}
