/**
 * @file How tensors lie in memory. A batched tensor [N, ...rest] is stored as [...rest][N] (batch-innermost,
 * so that every kernel vectorizes over samples); all others are row-major. Outside the engine shapes are
 * always the logical ones.
 */
import { rowMajorStrides, type Shape, sizeOf, type Tensor } from '../graph/tensor.ts'

type Laid = Pick<Tensor, 'shape' | 'batched'>

/** The axes from outermost to innermost in memory. */
export function memoryOrder({ shape, batched }: Laid): number[] {
  const axes = shape.map((_, i) => i)
  return batched ? [...axes.slice(1), 0] : axes
}

/** The distance in memory between neighbours along each logical axis. */
export function strides({ shape, batched }: Laid): number[] {
  if (!batched) return rowMajorStrides(shape)
  return [1, ...rowMajorStrides(shape.slice(1)).map((s) => s * shape[0])]
}

/** Sizes and, per operand, strides of a loop nest, outermost first. */
export interface Loops {
  dims: number[]
  strides: number[][]
}

/** The dimensions that strided kernels take. */
const FOUR = 4

/** Drops loops of one turn, merges neighbours that every operand walks as one, and pads to four with such. */
export function collapse(loops: Loops): Loops {
  const dims: number[] = []
  const merged: number[][] = loops.strides.map(() => [])
  loops.dims.forEach((n, i) => {
    if (n === 1) return
    const step = loops.strides.map((s) => s[i])
    const last = dims.length - 1
    if (last >= 0 && merged.every((s, k) => s[last] === step[k] * n)) {
      dims[last] *= n
      for (const [k, s] of merged.entries()) s[last] = step[k]
    } else {
      dims.push(n)
      for (const [k, s] of merged.entries()) s.push(step[k])
    }
  })
  const padding = Math.max(0, FOUR - dims.length)
  return {
    dims: [...Array(padding).fill(1), ...dims],
    strides: merged.map((s) => [...Array(padding).fill(0), ...s]),
  }
}

/** Four loops, from where each operand is then, and after how many turns of the innermost loop. */
export interface FourLoops extends Loops {
  starts: number[]
  done: number
}

/** The most calls that loops beyond four are written out as. */
const MOST_CALLS = 65_536

/** Collapsed loops by fours: those further outside are written out. Throws where these are too many. */
export function byFours({ dims, strides }: Loops): FourLoops[] {
  const outer = dims.length - FOUR
  const [outside, inside] = [dims.slice(0, outer), dims.slice(outer)]
  const calls = sizeOf(outside)
  if (calls > MOST_CALLS) throw new Error(`a strided operation over [${dims}] needs ${calls} calls`)
  const turns = sizeOf(inside)
  return Array.from({ length: calls }, (_, call) => {
    const starts = strides.map(() => 0)
    for (let axis = outer - 1, left = call; axis >= 0; axis--) {
      const at = left % outside[axis]
      left = (left - at) / outside[axis]
      for (const [k, s] of strides.entries()) starts[k] += at * s[axis]
    }
    return { dims: inside, strides: strides.map((s) => s.slice(outer)), starts, done: call * turns }
  })
}

/** The loops that write `out` in memory order while reading operands broadcast to its shape. */
export function broadcastLoops(out: Laid, operands: readonly Laid[]): Loops {
  const order = memoryOrder(out)
  return collapse({
    dims: order.map((axis) => out.shape[axis]),
    strides: operands.map((operand) => {
      const own = strides(operand)
      const extra = out.shape.length - operand.shape.length
      return order.map((axis) => (axis < extra || operand.shape[axis - extra] === 1 ? 0 : own[axis - extra]))
    }),
  })
}

/** Copies values between logical row-major order and a tensor's memory. */
export function permuteIn(tensor: Laid, logical: ArrayLike<number>, memory: { [i: number]: number }): void {
  const [samples, rest] = samplesAndRest(tensor)
  for (let n = 0; n < samples; n++)
    for (let i = 0, l = n * rest, m = n; i < rest; i++, l++, m += samples) memory[m] = logical[l]
}

export function permuteOut(tensor: Laid, memory: ArrayLike<number>, logical: { [i: number]: number }): void {
  const [samples, rest] = samplesAndRest(tensor)
  for (let n = 0; n < samples; n++)
    for (let i = 0, l = n * rest, m = n; i < rest; i++, l++, m += samples) logical[l] = memory[m]
}

const samplesAndRest = ({ shape, batched }: { shape: Shape; batched: boolean }): [number, number] => [
  batched ? shape[0] : 1,
  shape.slice(batched ? 1 : 0).reduce((a, b) => a * b, 1),
]
