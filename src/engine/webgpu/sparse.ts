/**
 * @file Convolution with a sparse weight and its gradients in WGSL. An invocation adds up the nonzeros of a
 * row for one position of one sample: neighbours read the same nonzero, and inputs that lie side by side.
 * Rows that are alike (alike.ts) are added up together, each in the order in which it is alone.
 */
import type { Sizes } from '../kernels/conv.ts'
import {
  sparseConvInputGrad as inputKernel,
  sparseConv as kernel,
  stripSamples,
  sparseConvWeightGrad as weightKernel,
} from '../kernels/sparse.ts'
import { overRows } from './alike.ts'
import { ROW } from './pattern.ts'
import { each, type Shader, together, totalOver } from './shader.ts'

type P = (typeof kernel)['parameters'][number]
type InputP = (typeof inputKernel)['parameters'][number]

/** WGSL of each of some rows: `r` is its number among them. */
const perRow = (size: number, code: string) =>
  Array.from({ length: size }, (_, r) => code.replaceAll('{r}', `${r}`)).join('\n')

/** Where a nonzero of the output at a position reads in x; nowhere in the padding. */
const READS = `
const NOWHERE = 0xffffffffu;
fn reads(place: u32, row: i32, column: i32, sample: u32) -> u32 {
  let channel = place / (p.kh * p.kw);
  let tap = place % (p.kh * p.kw);
  let y = row + i32(tap / p.kw * p.dy);
  let x = column + i32(tap % p.kw * p.dx);
  if (channel >= p.in || y < 0 || x < 0 || y >= i32(p.h) || x >= i32(p.w)) { return NOWHERE; }
  return ((channel * p.h + u32(y)) * p.w + u32(x)) * p.batch + sample;
}`

export const sparseConv = overRows<P>({
  kernel,
  writes: ['y'],
  rows: (p) => p.out,
  plane: (p) => p.oh * p.ow * p.batch,
  functions: READS,
  code: (size) => `
    let sample = k % p.batch;
    let left = i32(k / p.batch % p.ow * p.sx) - i32(p.left);
    let top = i32(k / (p.batch * p.ow) * p.sy) - i32(p.top);
    ${perRow(
      size,
      `
    let y{r} = (row + {r}u) * p.plane + k;
    let e{r} = start_of(row + {r}u);
    var sum{r} = 0.0;
    if (p.hasBias != 0u) { sum{r} = at(p.bias + row + {r}u); }
    if (p.hasResidual != 0u) { sum{r} += at(p.residual + y{r}); }`,
    )}
    let end = start_of(row + 1u);
    for (var e = e0; e < end; e += 1u) {
      let place = reads(word(p.places + e), top, left, sample);
      if (place != NOWHERE) {
        let x = at(p.x + place);
        ${perRow(size, 'sum{r} += at(p.values + e{r} + (e - e0)) * x;')}
      }
    }
    ${perRow(size, 'put(p.y + y{r}, rectified(sum{r}, p.relu));')}`,
})

/** Where a nonzero of the transposed pattern reads in the gradient, for the input at a position. */
const GRADIENT_READS = `
const NOWHERE = 0xffffffffu;
fn reads(place: u32, row: i32, column: i32, sample: u32) -> u32 {
  let out = place / (p.kh * p.kw);
  let tap = place % (p.kh * p.kw);
  let y = row - i32(tap / p.kw * p.dy);
  let x = column - i32(tap % p.kw * p.dx);
  if (out >= p.out || y < 0 || x < 0 || y % i32(p.sy) != 0 || x % i32(p.sx) != 0) { return NOWHERE; }
  let r = u32(y) / p.sy;
  let c = u32(x) / p.sx;
  if (r >= p.oh || c >= p.ow) { return NOWHERE; }
  return ((out * p.oh + r) * p.ow + c) * p.batch + sample;
}`

/** What lies outside of the values is left out, whatever entries there are. */
export const sparseConvInputGrad = overRows<InputP>({
  kernel: inputKernel,
  writes: ['dinput'],
  rows: (p) => p.in,
  plane: (p) => p.h * p.w * p.batch,
  functions: GRADIENT_READS,
  code: (size) => `
    let sample = k % p.batch;
    let left = i32(k / p.batch % p.w + p.left);
    let top = i32(k / (p.batch * p.w) + p.top);
    ${perRow(size, 'let e{r} = start_of(row + {r}u); var sum{r} = 0.0;')}
    let end = start_of(row + 1u);
    for (var e = e0; e < end; e += 1u) {
      let place = reads(word(p.places + e), top, left, sample);
      if (place != NOWHERE) {
        let g = at(p.gradient + place);
        ${perRow(
          size,
          `
        let entry{r} = word(p.entries + e{r} + (e - e0));
        if (entry{r} < p.capacity) { sum{r} += at(p.values + entry{r}) * g; }`,
        )}
      }
    }
    ${perRow(size, 'put(p.dinput + (row + {r}u) * p.plane + k, sum{r});')}`,
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
