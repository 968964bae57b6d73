/**
 * @file Batch normalization in WGSL. A channel is cut into parts, so that few channels of many values keep a
 * device busy: each part finds its own sums, and then all of them those of the channel, always in one order.
 */
import {
  batchNormGrad as gradKernel,
  batchNorm as normKernel,
  runningAverage as runningKernel,
  batchNormTrain as trainKernel,
} from '../kernels/norm.ts'
import { PASSED } from './functions.ts'
import { each, LANES, type Shader, TOTAL, together } from './shader.ts'

/** Up to so many values a channel is left whole; values of a part, and the most parts of a channel. */
const WHOLE = 32_768
const PART = 4096
const MOST_PARTS = 64

const partsOf = (n: number) => Math.min(Math.ceil(n / PART), MOST_PARTS)
const isWhole = ({ n }: Sizes) => n <= WHOLE

type Sizes = { channels: number; n: number }

/** Workgroups by parts, by whole channels, and by parts of those channels that are not left whole. */
const byParts = {
  items: ({ channels, n }: Sizes) => channels * partsOf(n),
  more: ({ n }: Sizes) => ({ parts: partsOf(n), each: Math.ceil(n / partsOf(n)) }),
}
const byChannels = {
  items: (p: Sizes) => (isWhole(p) ? p.channels : 0),
  more: ({ n }: Sizes) => ({ parts: 1, each: n }),
}
const byOthers = { ...byParts, items: (p: Sizes) => (isWhole(p) ? 0 : byParts.items(p)) }

const scratch = (p: Sizes) => 2 * byOthers.items(p)

/** Which values the workgroup `item` has: those of channel c from `first` to before `last`. */
const RANGE = `
  let c = item / u.parts;
  let part = item % u.parts;
  let first = part * u.each;
  let last = min(first + u.each, u.n);
  let row = c * u.n;`

/** Two sums of every part go through the scratch. */
const KEEP = (one: string, other: string) => `
  if (lane == 0u) {
    scratch[u.base + item * 2u] = bitcast<u32>(${one});
    scratch[u.base + item * 2u + 1u] = bitcast<u32>(${other});
  }`
const PARTIAL = `
fn partial(c: u32, part: u32, which: u32) -> f32 {
  return bitcast<f32>(scratch[p.base + (c * p.parts + part) * 2u + which]);
}`

const RECTIFY_AND_ADD = `
    if (u.hasResidual != 0u) { y += at(u.residual + row + i); }
    if (u.relu != 0u) { y = relu(y); }
    put(u.y + row + i, y);`

/** The mean of the values, and the sum of squares about it. */
const MOMENTS = `
  var sum = 0.0;
  for (var i = first + lane; i < last; i += ${LANES}u) { sum += at(u.x + row + i); }
  let mean = total(lane, sum) / f32(last - first);
  var apart = 0.0;
  for (var i = first + lane; i < last; i += ${LANES}u) {
    let d = at(u.x + row + i) - mean;
    apart += d * d;
  }
  let squares = total(lane, apart);`

const NORMALIZE = `
  let variance = squares / f32(u.n);
  if (part == 0u && lane == 0u) { put(u.mean + c, mean); put(u.var + c, variance); }
  let factor = at(u.scale + c) / sqrt(variance + float(u.epsilon));
  let bias = at(u.bias + c);
  for (var i = first + lane; i < last; i += ${LANES}u) {
    var y = (at(u.x + row + i) - mean) * factor + bias;${RECTIFY_AND_ADD}
  }`

export const batchNormTrain: Shader<(typeof trainKernel)['parameters'][number]> = {
  kernel: trainKernel,
  writes: ['y', 'mean', 'var'],
  scratch,
  passes: [
    together({ ...byChannels, functions: TOTAL, code: RANGE + MOMENTS + NORMALIZE }),
    together({ ...byOthers, functions: TOTAL, code: RANGE + MOMENTS + KEEP('mean', 'squares') }),
    // Those of the channel from those of its parts (Chan, Golub & LeVeque 1983), and its values.
    together({
      ...byOthers,
      functions: PARTIAL,
      code: `${RANGE}
  var taken = 0.0;
  var mean = 0.0;
  var squares = 0.0;
  for (var k = 0u; k < u.parts; k += 1u) {
    let more = f32(min((k + 1u) * u.each, u.n) - k * u.each);
    let apart = partial(c, k, 0u) - mean;
    mean += apart * more / (taken + more);
    squares += partial(c, k, 1u) + apart * apart * (taken * more / (taken + more));
    taken += more;
  }${NORMALIZE}`,
    }),
  ],
}

export const batchNorm: Shader<(typeof normKernel)['parameters'][number]> = {
  kernel: normKernel,
  writes: ['y'],
  passes: [
    together({
      ...byParts,
      code: `${RANGE}
  let factor = at(u.scale + c) / sqrt(at(u.var + c) + float(u.epsilon));
  let mean = at(u.mean + c);
  let bias = at(u.bias + c);
  for (var i = first + lane; i < last; i += ${LANES}u) {
    var y = (at(u.x + row + i) - mean) * factor + bias;${RECTIFY_AND_ADD}
  }`,
    }),
  ],
}

const STATISTICS = `
  let inverse = 1.0 / sqrt(at(u.var + c) + float(u.epsilon));
  let mean = at(u.mean + c);`

/** What arrives at the normalization, and its sums. */
const ARRIVING = `
  var sum = 0.0;
  var scaled = 0.0;
  for (var i = first + lane; i < last; i += ${LANES}u) {
    var g = at(u.dy + row + i);
    if (u.summed != 0u) { g += at(u.more + row + i); }
    if (u.masked != 0u) { g = passed(g, at(u.y + row + i)); }
    sum += g;
    scaled += g * ((at(u.x + row + i) - mean) * inverse);
    if (u.summed + u.masked != 0u) { put(u.g + row + i, g); }
  }`

const LEAVING = `
  if (part == 0u && lane == 0u) { put(u.dscale + c, dscale); put(u.dbias + c, dbias); }
  let factor = at(u.scale + c) * inverse;
  let n = f32(u.n);
  var start = u.dy;
  if (u.summed + u.masked != 0u) { start = u.g; }
  for (var i = first + lane; i < last; i += ${LANES}u) {
    let xh = (at(u.x + row + i) - mean) * inverse;
    put(u.dx + row + i, factor * (at(start + row + i) - dbias / n - xh * dscale / n));
  }`

const SUMS = `
  let dbias = total(lane, sum);
  let dscale = total(lane, scaled);`

export const batchNormGrad: Shader<(typeof gradKernel)['parameters'][number]> = {
  kernel: gradKernel,
  writes: ['g', 'dx', 'dscale', 'dbias'],
  scratch,
  passes: [
    together({ ...byChannels, functions: TOTAL + PASSED, code: RANGE + STATISTICS + ARRIVING + SUMS + LEAVING }),
    together({
      ...byOthers,
      functions: TOTAL + PASSED,
      code: RANGE + STATISTICS + ARRIVING + SUMS + KEEP('dbias', 'dscale'),
    }),
    together({
      ...byOthers,
      functions: PARTIAL,
      code: `${RANGE}${STATISTICS}
  var dbias = 0.0;
  var dscale = 0.0;
  for (var k = 0u; k < u.parts; k += 1u) { dbias += partial(c, k, 0u); dscale += partial(c, k, 1u); }${LEAVING}`,
    }),
  ],
}

export const runningAverage = each({
  kernel: runningKernel,
  writes: ['x'],
  merges: true,
  count: ({ n }) => n,
  code: 'put(p.x + i, at(p.x + i) + float(p.rate) * (float(p.factor) * at(p.y + i) - at(p.x + i)));',
})
