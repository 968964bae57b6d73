/**
 * @file Weights that are stored as bytes around 0, with a scale for each output, in the model that a network
 * was read from. -128 is none of them, since TensorFlow Lite has none there.
 */
import type { OnnxFile } from '../onnx/file.ts'
import { Operation } from '../onnx/operation.ts'
import type { Origin } from '../onnx/scope.ts'
import { numbersOf } from '../onnx/tensor.ts'

/** Scales of a tensor: one, or one for each place of an axis. */
export interface WeightGrid {
  scales: ArrayLike<number>
  axis: number
}

/** By the names of parameters and constants: those that a DequantizeLinear makes of stored bytes around 0. */
export function weightGrids(file: OnnxFile, origins: ReadonlyMap<string, Origin>): Map<string, WeightGrid> {
  const { graph, stored, opset } = file
  const makers = new Map(
    graph.node.flatMap((node) => (node.opType === 'DequantizeLinear' ? [[node.output[0], node] as const] : [])),
  )
  const found = new Map<string, WeightGrid>()
  for (const [name, { reads }] of origins) {
    const [read] = reads
    const maker = read && makers.get(read.slot.node.input[read.slot.input])
    if (!maker) continue
    const [codes, scale, zero] = maker.input
    const [type, scales] = [stored.get(codes)?.().dtype, stored.get(scale)?.()]
    const zeros = zero ? stored.get(zero)?.() : undefined
    if (type !== 'I8' || !scales || (zero && (!zeros || numbersOf(zeros).some((value) => value !== 0)))) continue
    const axis = new Operation(maker, opset).integer('axis', 1)
    const { length } = stored.get(codes)!().shape
    const at = axis < 0 ? axis + length : axis
    found.set(name, { scales: numbersOf(scales), axis: read.transposed ? 1 - at : at })
  }
  return found
}

/** Floats as codes of a grid, row-major; undefined where they are none of its numbers. */
export function codesOf(
  values: ArrayLike<number>,
  shape: readonly number[],
  { scales, axis }: WeightGrid,
): Int8Array | undefined {
  if (scales.length !== 1 && scales.length !== shape[axis]) return undefined
  const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1)
  const codes = new Int8Array(values.length)
  for (let i = 0; i < codes.length; i++) {
    const code = values[i] / scales[scales.length === 1 ? 0 : Math.floor(i / inner) % shape[axis]]
    const whole = Math.round(code)
    if (!(Math.abs(code - whole) < 1e-3 && Math.abs(whole) <= 127)) return undefined
    codes[i] = whole
  }
  return codes
}
