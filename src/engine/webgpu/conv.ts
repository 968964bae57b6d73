/**
 * @file Convolution and its gradients in WGSL: products over windows. Positions run over rows, columns and
 * samples, which lie side by side.
 */
import {
  convInputGrad as inputKernel,
  conv as kernel,
  type Sizes,
  convSampleGrads as sampleKernel,
  convWeightGrad as weightKernel,
} from '../kernels/conv.ts'
import { product, productScratch } from './product.ts'
import { each, type Shader, together, totalOver } from './shader.ts'

const forward = (p: Sizes) => ({ m: p.out, n: p.oh * p.ow * p.batch, k: p.in * p.kh * p.kw, groups: p.groups })
const backward = (p: Sizes) => ({ m: p.in, n: p.h * p.w * p.batch, k: p.out * p.kh * p.kw, groups: p.groups })
const weights = (p: Sizes) => ({ m: p.out, n: p.in * p.kh * p.kw, k: p.oh * p.ow * p.batch, groups: p.groups })

/** The sample, row and column that a place of [row][column][sample] is at. */
const POSITION = `
var<private> sample: u32;
var<private> row: i32;
var<private> column: i32;
fn position(place: u32, width: u32) {
  sample = place % p.batch;
  column = i32(place / p.batch % width);
  row = i32(place / (p.batch * width));
}`

/** x of a channel where tap (ky, kx) of the output at the position reads it; 0 in the padding. */
const INPUT = `
fn input(channel: u32, tap: u32) -> f32 {
  let y = row * i32(p.sy) + i32(tap / p.kw * p.dy) - i32(p.top);
  let x = column * i32(p.sx) + i32(tap % p.kw * p.dx) - i32(p.left);
  if (y < 0 || x < 0 || y >= i32(p.h) || x >= i32(p.w)) { return 0.0; }
  return at(p.x + ((channel * p.h + u32(y)) * p.w + u32(x)) * p.batch + sample);
}`

export const conv: Shader<(typeof kernel)['parameters'][number]> = {
  kernel,
  writes: ['y'],
  scratch: (p) => productScratch(forward(p)),
  passes: product({
    sizes: forward,
    functions: POSITION + INPUT,
    a: 'at(p.weight + (group * p.out + m) * p.in * p.kh * p.kw + k)',
    column: 'position(n, p.ow);',
    b: 'input(group * p.in + k / (p.kh * p.kw), k % (p.kh * p.kw))',
    store: `
  let channel = group * p.out + m;
  var y = sum;
  if (p.hasBias != 0u) { y += at(p.bias + channel); }
  put(p.y + channel * p.oh * p.ow * p.batch + n, rectified(y, p.relu));`,
  }),
}

/** The gradient of an output channel that reached the position through a tap; 0 where there is none. */
const GRADIENT = `
fn reached(channel: u32, tap: u32) -> f32 {
  let y = row + i32(p.top) - i32(tap / p.kw * p.dy);
  let x = column + i32(p.left) - i32(tap % p.kw * p.dx);
  if (y < 0 || x < 0 || y % i32(p.sy) != 0 || x % i32(p.sx) != 0) { return 0.0; }
  let r = u32(y) / p.sy;
  let c = u32(x) / p.sx;
  if (r >= p.oh || c >= p.ow) { return 0.0; }
  return at(p.gradient + ((channel * p.oh + r) * p.ow + c) * p.batch + sample);
}`

export const convInputGrad: Shader<(typeof inputKernel)['parameters'][number]> = {
  kernel: inputKernel,
  writes: ['dinput'],
  scratch: (p) => productScratch(backward(p)),
  passes: product({
    sizes: backward,
    functions: POSITION + GRADIENT,
    a: `at(p.weight + ((group * p.out + k / (p.kh * p.kw)) * p.in + m) * p.kh * p.kw + k % (p.kh * p.kw))`,
    column: 'position(n, p.w);',
    b: 'reached(group * p.out + k / (p.kh * p.kw), k % (p.kh * p.kw))',
    store: 'put(p.dinput + (group * p.in + m) * p.h * p.w * p.batch + n, sum);',
  }),
}

export const convWeightGrad: Shader<(typeof weightKernel)['parameters'][number]> = {
  kernel: weightKernel,
  writes: ['dweight'],
  scratch: (p) => productScratch(weights(p)),
  passes: product({
    sizes: weights,
    functions: `${POSITION}${INPUT}
fn input_at(place: u32, channel: u32, tap: u32) -> f32 { position(place, p.ow); return input(channel, tap); }`,
    a: 'at(p.gradient + (group * p.out + m) * p.oh * p.ow * p.batch + k)',
    b: 'input_at(k, group * p.in + n / (p.kh * p.kw), n % (p.kh * p.kw))',
    alongDepth: 'true',
    later: true,
    store: 'put(p.dweight + (group * p.out + m) * p.in * p.kh * p.kw + n, sum);',
  }),
}

type SampleP = (typeof sampleKernel)['parameters'][number]

/** Below so many samples an invocation adds those of a weight up alone, else a workgroup shares them. */
const SHARED = 32
const SAMPLE_LANES = 64
const weightsOf = (p: Sizes) => p.groups * p.out * p.in * p.kh * p.kw

const SAMPLE_GRADIENT = `${POSITION}${INPUT}
fn gradient_of(n: u32, weight: u32) -> f32 {
  let taps = p.kh * p.kw;
  let out = weight / (p.in * taps);
  let channel = out / p.out * p.in + weight / taps % p.in;
  var sum = 0.0;
  for (var place = 0u; place < p.oh * p.ow; place += 1u) {
    position(place * p.batch + n, p.ow);
    sum += input(channel, weight % taps) * at(p.gradient + (out * p.oh * p.ow + place) * p.batch + n);
  }
  return sum;
}`

/** Takes in sample n of a weight. */
const TAKE_SAMPLE = (weight: string) => `
    let g = gradient_of(n, ${weight});
    if (p.squares == 0u) { put(p.dweight + ${weight} * p.batch + n, g); }
    squares += g * g;
    sum += g;`

const alone = each<SampleP>({
  kernel: sampleKernel,
  writes: ['dweight', 'sum'],
  count: (p) => (p.batch < SHARED ? weightsOf(p) : 0),
  functions: SAMPLE_GRADIENT,
  code: `
    var squares = 0.0;
    var sum = 0.0;
    for (var n = 0u; n < p.batch; n += 1u) { ${TAKE_SAMPLE('i')} }
    if (p.squares != 0u) { put(p.dweight + i, squares); }
    if (p.hasSum != 0u) { put(p.sum + i, sum); }`,
})

export const convSampleGrads: Shader<SampleP> = {
  ...alone,
  passes: [
    ...alone.passes,
    together<SampleP>({
      items: (p) => (p.batch < SHARED ? 0 : weightsOf(p)),
      lanes: SAMPLE_LANES,
      functions: totalOver(SAMPLE_LANES) + SAMPLE_GRADIENT,
      code: `
  var squares = 0.0;
  var sum = 0.0;
  for (var n = lane; n < u.batch; n += ${SAMPLE_LANES}u) { ${TAKE_SAMPLE('item')} }
  let all_squares = total(lane, squares);
  let all = total(lane, sum);
  if (lane == 0u) {
    if (u.squares != 0u) { put(u.dweight + item, all_squares); }
    if (u.hasSum != 0u) { put(u.sum + item, all); }
  }`,
    }),
  ],
}
