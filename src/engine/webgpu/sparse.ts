/**
 * @file Convolution with a sparse weight and its gradients in WGSL. An invocation adds up the nonzeros of a
 * row for one position of one sample: neighbours read the same nonzero, and inputs that lie side by side.
 */
import type { Sizes } from '../kernels/conv.ts'
import {
  sparseConvInputGrad as inputKernel,
  sparseConv as kernel,
  stripSamples,
  sparseConvWeightGrad as weightKernel,
} from '../kernels/sparse.ts'
import { ROW, START } from './pattern.ts'
import { each, type Shader, together, totalOver } from './shader.ts'

export const sparseConv = each({
  kernel,
  writes: ['y'],
  count: (p) => p.out * p.oh * p.ow * p.batch,
  functions: START,
  code: `
    let sample = i % p.batch;
    let column = i32(i / p.batch % p.ow * p.sx) - i32(p.left);
    let row = i32(i / (p.batch * p.ow) % p.oh * p.sy) - i32(p.top);
    let out = i / (p.batch * p.ow * p.oh);
    var sum = 0.0;
    if (p.hasBias != 0u) { sum = at(p.bias + out); }
    if (p.hasResidual != 0u) { sum += at(p.residual + i); }
    for (var e = start_of(out); e < start_of(out + 1u); e += 1u) {
      let place = word(p.places + e);
      let channel = place / (p.kh * p.kw);
      let tap = place % (p.kh * p.kw);
      let y = row + i32(tap / p.kw * p.dy);
      let x = column + i32(tap % p.kw * p.dx);
      if (channel < p.in && y >= 0 && x >= 0 && y < i32(p.h) && x < i32(p.w)) {
        sum += at(p.values + e) * at(p.x + ((channel * p.h + u32(y)) * p.w + u32(x)) * p.batch + sample);
      }
    }
    put(p.y + i, rectified(sum, p.relu));`,
})

export const sparseConvInputGrad = each({
  kernel: inputKernel,
  writes: ['dinput'],
  count: (p) => p.in * p.h * p.w * p.batch,
  functions: START,
  code: `
    let sample = i % p.batch;
    let column = i32(i / p.batch % p.w + p.left);
    let row = i32(i / (p.batch * p.w) % p.h + p.top);
    let channel = i / (p.batch * p.w * p.h);
    var sum = 0.0;
    for (var e = start_of(channel); e < start_of(channel + 1u); e += 1u) {
      let place = word(p.places + e);
      let out = place / (p.kh * p.kw);
      let tap = place % (p.kh * p.kw);
      let y = row - i32(tap / p.kw * p.dy);
      let x = column - i32(tap % p.kw * p.dx);
      let entry = word(p.entries + e);
      if (out < p.out && entry < p.capacity && y >= 0 && x >= 0 && y % i32(p.sy) == 0 && x % i32(p.sx) == 0) {
        let r = u32(y) / p.sy;
        let c = u32(x) / p.sx;
        if (r < p.oh && c < p.ow) {
          sum += at(p.values + entry) * at(p.gradient + ((out * p.oh + r) * p.ow + c) * p.batch + sample);
        }
      }
    }
    put(p.dinput + i, sum);`,
})

const chunksOf = (p: Sizes) => Math.ceil(p.batch / stripSamples(p.batch, p.ow))

type WeightP = (typeof weightKernel)['parameters'][number]

/** Up to so many terms an invocation adds those of a nonzero up alone, else a workgroup shares them. */
const FEW_TERMS = 256
const WEIGHT_LANES = 64
const isShared = (p: Sizes) => p.oh * p.ow * p.batch > FEW_TERMS
const more = (p: Sizes) => ({ strip: stripSamples(p.batch, p.ow), chunks: chunksOf(p) })

/** What nonzero e adds up over the samples of a part, from term `first` on, every `step`-th. */
const WEIGHT_GRADIENT = `${ROW}
fn gradient_of(e: u32, part: u32, first: u32, step: u32) -> f32 {
  let start = min(p.batch, p.chunks * part / p.parts * p.strip);
  let samples = min(p.batch, p.chunks * (part + 1u) / p.parts * p.strip) - start;
  let out = row_of(e);
  let place = word(p.places + e);
  let channel = place / (p.kh * p.kw);
  let tap = place % (p.kh * p.kw);
  var sum = 0.0;
  if (out >= p.out || channel >= p.in) { return sum; }
  for (var k = first; k < p.oh * p.ow * samples; k += step) {
    let n = start + k % samples;
    let r = k / (samples * p.ow);
    let c = k / samples % p.ow;
    let y = i32(r * p.sy + tap / p.kw * p.dy) - i32(p.top);
    let x = i32(c * p.sx + tap % p.kw * p.dx) - i32(p.left);
    if (y >= 0 && x >= 0 && y < i32(p.h) && x < i32(p.w)) {
      sum += at(p.x + ((channel * p.h + u32(y)) * p.w + u32(x)) * p.batch + n)
        * at(p.gradient + ((out * p.oh + r) * p.ow + c) * p.batch + n);
    }
  }
  return sum;
}`

/** `sums` beyond the nonzeros are 0. */
const alone = each<WeightP>({
  kernel: weightKernel,
  writes: ['sums'],
  more,
  count: (p) => (isShared(p) ? 0 : p.parts * p.capacity),
  functions: WEIGHT_GRADIENT,
  code: 'put(p.sums + i, gradient_of(i % p.capacity, i / p.capacity, 0u, 1u));',
})

export const sparseConvWeightGrad: Shader<WeightP> = {
  ...alone,
  passes: [
    ...alone.passes,
    together<WeightP>({
      items: (p) => (isShared(p) ? p.parts * p.capacity : 0),
      more,
      lanes: WEIGHT_LANES,
      functions: totalOver(WEIGHT_LANES) + WEIGHT_GRADIENT,
      code: `
  let all = total(lane, gradient_of(item % u.capacity, item / u.capacity, lane, ${WEIGHT_LANES}u));
  if (lane == 0u) { put(u.sums + item, all); }`,
    }),
  ],
}
