/** @file Convolution and its two gradients (kernels/conv.c). Tensors lie [channel][row][column][sample]. */

import { UserError } from '../../util/errors.ts'
import type { Extent, Kernel } from '../kernel.ts'
import { limits } from './limits.ts'
import { rectified } from './rectify.ts'

export const sizes = [
  'batch',
  'groups',
  'in',
  'out',
  'h',
  'w',
  'oh',
  'ow',
  'kh',
  'kw',
  'sy',
  'sx',
  'dy',
  'dx',
  'top',
  'left',
] as const
export type Size = (typeof sizes)[number]
export type Sizes = Readonly<Record<Size, number>>

const { MOST_TAPS, MOST_SAMPLE_TAPS, STRIP_FLOATS, WIDEST_TILE, WIDEST_VECTOR } = limits
/** Rows are counted in 32 bits. */
export const FARTHEST = 2 ** 30

export const inputFloats = (p: Sizes) => p.batch * p.groups * p.in * p.h * p.w
export const outputFloats = (p: Sizes) => p.batch * p.groups * p.out * p.oh * p.ow
const weightFloats = (p: Sizes) => p.groups * p.out * p.in * p.kh * p.kw

/**
 * The most floats that C needs for the input columns of one output row, whatever the vectors: as
 * `strip_layout` has it. Tap k of output position r reads input position (r * mul + k * step + shift) / div.
 */
function rowFloats(
  samples: number,
  out: number,
  taps: number,
  mul: number,
  div: number,
  step: number,
  shift: number,
): number {
  const [first, last] = [shift, shift + (taps - 1) * step].sort((a, b) => a - b)
  const low = Math.min(0, Math.floor(first / (mul * div)))
  const high = Math.max(0, Math.floor(((out - 1) * mul + last) / (mul * div)))
  return mul * ((high - low + 2) * samples + WIDEST_TILE)
}

/** Throws where sizes make no sense. */
function checkSizes(p: Sizes): void {
  if (sizes.slice(0, 14).some((name) => p[name] < 1)) throw new Error('sizes, strides and dilations must be 1 or more')
  if ((p.oh - 1) * p.sy + (p.kh - 1) * p.dy > FARTHEST) throw new Error(`a window begins beyond row ${FARTHEST}`)
}

/**
 * Throws where the C side could not hold one row: kernels of more than MOST_TAPS taps, or very wide images.
 */
function checkRoom(p: Sizes, result: 'y' | 'dx' | 'dw by sample' = 'y'): void {
  if (p.kh * p.kw > MOST_TAPS) throw new Error(`a kernel of ${p.kh} x ${p.kw} has more than ${MOST_TAPS} taps`)
  const reach = (p.kh - 1) * p.dy
  // C takes whole vectors of samples where it cannot fuse them with columns, and small batches whole
  // otherwise.
  const vectors = p.batch <= WIDEST_VECTOR ? WIDEST_VECTOR : WIDEST_TILE
  const fused = Math.min(p.batch, WIDEST_TILE)
  const rows = (result === 'dx' ? Math.floor(reach / p.sy) : reach) + 2
  const row =
    result === 'dx'
      ? rowFloats(p.sx === 1 ? fused : vectors, p.w, p.kw, 1, p.sx, -p.dx, p.left)
      : rowFloats(result === 'y' ? fused : vectors, p.ow, p.kw, p.sx, 1, p.dx, -p.left)
  const columns = result === 'dx' ? p.ow : p.w
  const gradients = result === 'dw by sample' ? p.ow * WIDEST_VECTOR * limits.MOST_GRAD_OUTS : 0
  if (rows * row > STRIP_FLOATS || gradients > limits.WEIGHT_FLOATS)
    throw new UserError(
      `a convolution of ${p.batch} samples needs ${rows} rows of ${columns} columns, more than the engine's buffer holds: expected smaller batches or narrower inputs`,
    )
  if (result === 'dw by sample' && p.kh * p.kw > MOST_SAMPLE_TAPS)
    throw new Error(`a kernel of ${p.kh} x ${p.kw} has more than ${MOST_SAMPLE_TAPS} taps`)
}

/** Visits every tap that lies inside the input: element numbers of y, x and weight, for sample 0. */
function forEachTap(p: Sizes, visit: (y: number, x: number, weight: number) => void): void {
  for (let g = 0; g < p.groups; g++)
    for (let o = 0; o < p.out; o++)
      for (let r = 0; r < p.oh; r++)
        for (let c = 0; c < p.ow; c++)
          for (let i = 0; i < p.in; i++)
            for (let ky = 0; ky < p.kh; ky++)
              for (let kx = 0; kx < p.kw; kx++) {
                const row = r * p.sy + ky * p.dy - p.top
                const column = c * p.sx + kx * p.dx - p.left
                if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue
                const out = g * p.out + o
                visit(
                  ((out * p.oh + r) * p.ow + c) * p.batch,
                  (((g * p.in + i) * p.h + row) * p.w + column) * p.batch,
                  ((out * p.in + i) * p.kh + ky) * p.kw + kx,
                )
              }
}

const at = (offset: number, length: number): Extent => ({ offset, length })

/**
 * y = convolution of x with weight (correlation, as in ONNX), plus bias[channel] if `hasBias`, then ReLU if
 * `relu`. `in` and `out` count channels per group; padding at the bottom and right follows from the sizes.
 */
export const conv: Kernel<Size | 'x' | 'weight' | 'y' | 'bias' | 'hasBias' | 'relu'> = {
  name: 'conv',
  parameters: [...sizes, 'x', 'weight', 'y', 'bias', 'hasBias', 'relu'],
  room: (p) => checkRoom(p),
  extents: (p) => {
    checkSizes(p)
    const bias = p.hasBias ? [at(p.bias, p.groups * p.out)] : []
    return [at(p.x, inputFloats(p)), at(p.weight, weightFloats(p)), at(p.y, outputFloats(p)), ...bias]
  },
  reference: (p, { floats }) => {
    const plane = p.oh * p.ow * p.batch
    for (let i = 0; i < outputFloats(p); i++) floats[p.y + i] = p.hasBias ? floats[p.bias + Math.floor(i / plane)] : 0
    forEachTap(p, (y, x, weight) => {
      for (let n = 0; n < p.batch; n++) floats[p.y + y + n] += floats[p.weight + weight] * floats[p.x + x + n]
    })
    if (p.relu) for (let i = 0; i < outputFloats(p); i++) floats[p.y + i] = rectified(floats[p.y + i], p.relu)
  },
}

/** dx of a convolution with the given sizes, from dy and weight. */
export const convInputGrad: Kernel<Size | 'gradient' | 'weight' | 'dinput'> = {
  name: 'conv_input_grad',
  parameters: [...sizes, 'gradient', 'weight', 'dinput'],
  room: (p) => checkRoom(p, 'dx'),
  extents: (p) => {
    checkSizes(p)
    return [at(p.gradient, outputFloats(p)), at(p.weight, weightFloats(p)), at(p.dinput, inputFloats(p))]
  },
  reference: (p, { floats }) => {
    floats.fill(0, p.dinput, p.dinput + inputFloats(p))
    forEachTap(p, (y, x, weight) => {
      for (let n = 0; n < p.batch; n++)
        floats[p.dinput + x + n] += floats[p.weight + weight] * floats[p.gradient + y + n]
    })
  },
}

/** dw of a convolution with the given sizes, from x and dy: summed over the batch. */
export const convWeightGrad: Kernel<Size | 'x' | 'gradient' | 'dweight'> = {
  name: 'conv_weight_grad',
  parameters: [...sizes, 'x', 'gradient', 'dweight'],
  room: (p) => checkRoom(p),
  extents: (p) => {
    checkSizes(p)
    return [at(p.x, inputFloats(p)), at(p.gradient, outputFloats(p)), at(p.dweight, weightFloats(p))]
  },
  reference: (p, { floats }) => {
    floats.fill(0, p.dweight, p.dweight + weightFloats(p))
    forEachTap(p, (y, x, weight) => {
      for (let n = 0; n < p.batch; n++) floats[p.dweight + weight] += floats[p.x + x + n] * floats[p.gradient + y + n]
    })
  },
}

/**
 * Per-sample weight gradients: dweight [weight][sample], or with `squares` 1 dweight [weight] = the sum over
 * samples of the square of each sample's gradient (times the number of samples, the diagonal of the empirical
 * Fisher matrix). If `hasSum`, also sum [weight] = their sum over samples, as of {@link convWeightGrad}.
 */
export const convSampleGrads: Kernel<Size | 'x' | 'gradient' | 'dweight' | 'squares' | 'sum' | 'hasSum'> = {
  name: 'conv_sample_grads',
  parameters: [...sizes, 'x', 'gradient', 'dweight', 'squares', 'sum', 'hasSum'],
  room: (p) => checkRoom(p, 'dw by sample'),
  extents: (p) => {
    checkSizes(p)
    const length = weightFloats(p) * (p.squares ? 1 : p.batch)
    const sum = p.hasSum ? [at(p.sum, weightFloats(p))] : []
    return [at(p.x, inputFloats(p)), at(p.gradient, outputFloats(p)), at(p.dweight, length), ...sum]
  },
  reference: (p, { floats }) => {
    const apart = new Float64Array(weightFloats(p) * p.batch)
    forEachTap(p, (y, x, weight) => {
      for (let n = 0; n < p.batch; n++) apart[weight * p.batch + n] += floats[p.x + x + n] * floats[p.gradient + y + n]
    })
    if (!p.squares) floats.set(apart, p.dweight)
    for (let w = 0; w < weightFloats(p); w++) {
      const ofWeight = apart.subarray(w * p.batch, (w + 1) * p.batch)
      if (p.squares) floats[p.dweight + w] = ofWeight.reduce((total, g) => total + g * g, 0)
      if (p.hasSum) floats[p.sum + w] = ofWeight.reduce((total, g) => total + g, 0)
    }
  },
}
