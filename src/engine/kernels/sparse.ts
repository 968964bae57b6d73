/**
 * @file Convolution with a sparse weight and its two gradients (kernels/sparse_conv.c, sparse_weight.c); a
 * linear layer is the 1 x 1 case. What a pattern is, see src/engine/pattern.ts: 32-bit integers in the arena.
 * C trusts none of them: a nonzero that lies outside is left out.
 */

import type { Extent, Kernel, ReferenceMemory } from '../kernel.ts'
import { FARTHEST, inputFloats, outputFloats, type Size, type Sizes, sizes } from './conv.ts'
import { limits } from './limits.ts'
import { rectified } from './rectify.ts'

const { MOST_TAPS, SPARSE_MOST_STRIDE: MOST_STRIDE, WIDEST_VECTOR } = limits

/**
 * Samples that lie side by side in a strip for rows of `columns` outputs; as sparse_strip in C, before it
 * pads to whole vectors.
 */
export function stripSamples(batch: number, columns: number): number {
  let samples: number = limits.SPARSE_SAMPLES
  while (columns * samples < limits.SPARSE_ROW) samples *= 2
  return Math.min(samples, batch)
}

/**
 * Floats of the strip for one row of outputs and one channel, the most that any instruction set needs. Tap k
 * of output r reads (r mul + k step + shift) / div.
 */
function stripFloats(row: Axis, col: Axis, batch: number): number {
  const columns = Math.ceil(col.out / col.div)
  const samples = stripSamples(batch, columns)
  const padded = col.div === 1 ? samples : Math.ceil(samples / WIDEST_VECTOR) * WIDEST_VECTOR
  const width = columns + spanOf(col)
  return Math.min(row.mul, row.taps) * (1 + spanOf(row)) * Math.min(col.mul, col.taps) * width * padded
}

interface Axis {
  out: number
  taps: number
  mul: number
  div: number
  step: number
}

/**
 * At least the number of places between the first and the last that the taps of one output read, within one
 * phase.
 */
const spanOf = ({ taps, mul, div, step }: Axis) => Math.ceil(((taps - 1) * step + div - 1) / (mul * div)) + 1

/** Throws where sizes make no sense. */
function checkSizes(p: Sizes): void {
  if (sizes.slice(0, 14).some((name) => p[name] < 1)) throw new Error('sizes, strides and dilations must be 1 or more')
  if (p.groups !== 1) throw new Error(`sparse weights have no groups, found ${p.groups}`)
  if ((p.oh - 1) * p.sy + (p.kh - 1) * p.dy > FARTHEST) throw new Error(`a window begins beyond row ${FARTHEST}`)
}

/** Throws where the C side could not hold one row. */
function checkRoom(p: Sizes, result: 'y' | 'dx' = 'y'): void {
  if (p.kh * p.kw > MOST_TAPS) throw new Error(`a kernel of ${p.kh} x ${p.kw} has more than ${MOST_TAPS} taps`)
  if (Math.max(p.sx, p.sy) > MOST_STRIDE) throw new Error(`a stride of ${p.sy} x ${p.sx} is more than ${MOST_STRIDE}`)
  const forward = result === 'y'
  const axis = (out: number, taps: number, stride: number, step: number): Axis => ({
    out,
    taps,
    step,
    ...(forward ? { mul: stride, div: 1 } : { mul: 1, div: stride }),
  })
  const row = axis(forward ? p.oh : p.h, p.kh, p.sy, p.dy)
  const col = axis(forward ? p.ow : p.w, p.kw, p.sx, p.dx)
  if (stripFloats(row, col, p.batch) + limits.WIDEST_SPARSE_TILE > limits.SPARSE_STRIP_FLOATS)
    throw new Error(`one row of the result needs more rows of the input than the engine's buffer holds`)
}

/** Whether the kernels take a convolution of these sizes. */
export function sparseFits(p: Sizes): boolean {
  try {
    checkSizes(p)
    checkRoom(p, 'y')
    checkRoom(p, 'dx')
    return true
  } catch {
    return false
  }
}

const at = (offset: number, length: number): Extent => ({ offset, length })

/**
 * The nonzeros of a pattern: their row, the channel and tap that they belong to, and their number among the
 * values.
 */
function* nonzeros(
  memory: ReferenceMemory,
  rows: number,
  kernel: number,
  starts: number,
  places: number,
  entries = -1,
) {
  const ints = new Int32Array(memory.bytes.buffer, memory.bytes.byteOffset)
  for (let row = 0; row < rows; row++)
    for (let e = ints[starts + row]; e < ints[starts + row + 1]; e++) {
      const place = ints[places + e]
      yield { row, other: Math.floor(place / kernel), tap: place % kernel, entry: entries < 0 ? e : ints[entries + e] }
    }
}

/** Visits the positions that a nonzero connects: offsets in the output and in the input, for sample 0. */
function forEachPosition(p: Sizes, o: number, i: number, tap: number, visit: (y: number, x: number) => void): void {
  const [ky, kx] = [Math.floor(tap / p.kw), tap % p.kw]
  for (let r = 0; r < p.oh; r++)
    for (let c = 0; c < p.ow; c++) {
      const row = r * p.sy + ky * p.dy - p.top
      const column = c * p.sx + kx * p.dx - p.left
      if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue
      visit(((o * p.oh + r) * p.ow + c) * p.batch, ((i * p.h + row) * p.w + column) * p.batch)
    }
}

/**
 * y = convolution of x with the weight whose nonzeros are `values`, plus bias[channel] if `hasBias`, plus
 * `residual` (as y) if `hasResidual`, then ReLU if `relu`.
 */
export const sparseConv: Kernel<
  | Size
  | ('x' | 'values' | 'starts' | 'places' | 'capacity' | 'y' | 'bias' | 'hasBias' | 'relu' | 'residual' | 'hasResidual')
> = {
  name: 'sparse_conv',
  parameters: [
    ...sizes,
    ...(['x', 'values', 'starts', 'places', 'capacity', 'y', 'bias', 'hasBias', 'relu'] as const),
    ...(['residual', 'hasResidual'] as const),
  ],
  room: (p) => checkRoom(p),
  extents: (p) => {
    checkSizes(p)
    const bias = p.hasBias ? [at(p.bias, p.out)] : []
    const residual = p.hasResidual ? [at(p.residual, outputFloats(p))] : []
    const pattern = [at(p.values, p.capacity), at(p.starts, p.out + 1), at(p.places, p.capacity)]
    return [at(p.x, inputFloats(p)), ...pattern, at(p.y, outputFloats(p)), ...bias, ...residual]
  },
  reference: (p, memory) => {
    const { floats } = memory
    const plane = p.oh * p.ow * p.batch
    for (let i = 0; i < outputFloats(p); i++) {
      const bias = p.hasBias ? floats[p.bias + Math.floor(i / plane)] : 0
      floats[p.y + i] = bias + (p.hasResidual ? floats[p.residual + i] : 0)
    }
    for (const { row, other, tap, entry } of nonzeros(memory, p.out, p.kh * p.kw, p.starts, p.places))
      forEachPosition(p, row, other, tap, (y, x) => {
        for (let n = 0; n < p.batch; n++) floats[p.y + y + n] += floats[p.values + entry] * floats[p.x + x + n]
      })
    if (p.relu) for (let i = 0; i < outputFloats(p); i++) floats[p.y + i] = rectified(floats[p.y + i], p.relu)
  },
}

/** dx of such a convolution, from dy and the transposed pattern: rows are input channels. */
export const sparseConvInputGrad: Kernel<
  Size | 'gradient' | 'values' | 'starts' | 'places' | 'entries' | 'capacity' | 'dinput'
> = {
  name: 'sparse_conv_input_grad',
  parameters: [...sizes, 'gradient', 'values', 'starts', 'places', 'entries', 'capacity', 'dinput'],
  room: (p) => checkRoom(p, 'dx'),
  extents: (p) => {
    checkSizes(p)
    const pattern = [at(p.values, p.capacity), at(p.starts, p.in + 1), at(p.places, p.capacity)]
    return [at(p.gradient, outputFloats(p)), ...pattern, at(p.entries, p.capacity), at(p.dinput, inputFloats(p))]
  },
  reference: (p, memory) => {
    const { floats } = memory
    floats.fill(0, p.dinput, p.dinput + inputFloats(p))
    for (const { row, other, tap, entry } of nonzeros(memory, p.in, p.kh * p.kw, p.starts, p.places, p.entries))
      forEachPosition(p, other, row, tap, (y, x) => {
        for (let n = 0; n < p.batch; n++)
          floats[p.dinput + x + n] += floats[p.values + entry] * floats[p.gradient + y + n]
      })
  },
}

/**
 * The gradient of every nonzero, zero in the rest of the capacity: `sums` [parts][capacity], each part over
 * some of the samples. Into how many parts a batch is cut changes the last bits, so it must not depend on the
 * machine.
 */
export const sparseConvWeightGrad: Kernel<
  Size | 'x' | 'gradient' | 'starts' | 'places' | 'capacity' | 'parts' | 'sums'
> = {
  name: 'sparse_conv_weight_grad',
  parameters: [...sizes, 'x', 'gradient', 'starts', 'places', 'capacity', 'parts', 'sums'],
  room: (p) => checkRoom(p),
  extents: (p) => {
    checkSizes(p)
    if (p.parts < 1) throw new Error('expected at least one part')
    const pattern = [at(p.starts, p.out + 1), at(p.places, p.capacity)]
    return [at(p.x, inputFloats(p)), at(p.gradient, outputFloats(p)), ...pattern, at(p.sums, p.parts * p.capacity)]
  },
  reference: (p, memory) => {
    const { floats } = memory
    floats.fill(0, p.sums, p.sums + p.parts * p.capacity)
    const samples = stripSamples(p.batch, p.ow)
    const chunks = Math.ceil(p.batch / samples)
    const firstOf = (part: number) => Math.min(p.batch, Math.floor((chunks * part) / p.parts) * samples)
    for (const { row, other, tap, entry } of nonzeros(memory, p.out, p.kh * p.kw, p.starts, p.places))
      forEachPosition(p, row, other, tap, (y, x) => {
        for (let part = 0; part < p.parts; part++)
          for (let n = firstOf(part); n < firstOf(part + 1); n++)
            floats[p.sums + part * p.capacity + entry] += floats[p.x + x + n] * floats[p.gradient + y + n]
      })
  },
}
