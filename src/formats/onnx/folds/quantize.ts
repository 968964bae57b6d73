/** @file Quantized numbers that are known, as floats and back. */
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { nearest } from '../../../util/functions.ts'
import { limitsOf } from '../element-type.ts'
import type { Operation } from '../operation.ts'
import { eachKnown, scalesFor } from '../operators/scales.ts'
import { axisOf } from '../operators/sizes.ts'
import { Unsupported } from '../scope.ts'
import { dtypes } from '../tensor.ts'
import { Known, type Steps } from '../value.ts'
import { type Fold, needed } from './fold.ts'

/** The whole numbers that a QuantizeLinear gives, and their range. */
export function quantizedType(operation: Operation, zeroPoint: Known['type'] | undefined) {
  const asked = operation.integer('output_dtype', 0)
  operation.ignore('saturate', 'precision')
  const type = zeroPoint ?? (asked === 0 ? 'U8' : dtypes[asked])
  const limits = type && limitsOf[type]
  if (!type || !limits) throw new Unsupported(`${operation.label}: quantizing to ${DataType[asked]} is not supported`)
  return { type, limits }
}

/** What numbers are multiples of that have one scale, or one for each place of an axis. */
function stepsOf(scale: Known, shape: readonly number[], operation: Operation): Steps | undefined {
  if (scale.size === 1) return { values: scale.values }
  const axis = axisOf(operation.integer('axis', 1), shape.length, operation)
  return scale.shape.length === 1 && scale.size === shape[axis] ? { axis, values: scale.values } : undefined
}

export const quantizeFolds: Record<string, Fold> = {
  /** (x - zero point) scale. */
  DequantizeLinear: (operation, [x, scale, zero]) => {
    operation.ignore('output_dtype')
    const known = needed(x, operation)
    const parts = [needed(scale, operation), zero ?? new Known([], () => [0])]
    const broadcast = parts.map((part) => scalesFor(part, known.shape, operation))
    const found = eachKnown(known, broadcast, operation, (value, [by, from]) => Math.fround(value - from) * by)
    const steps = stepsOf(parts[0], known.shape, operation)
    return [new Known(found.shape, () => found.values, { type: found.type, steps })]
  },
  /** round(x / scale) + zero point, kept within the type. */
  QuantizeLinear: (operation, [x, scale, zero]) => {
    const known = needed(x, operation)
    const { type, limits } = quantizedType(operation, zero?.type)
    const parts = [needed(scale, operation), zero ?? new Known([], () => [0])]
    const broadcast = parts.map((part) => scalesFor(part, known.shape, operation))
    const rounded = eachKnown(known, broadcast, operation, (value, [by, from]) =>
      Math.min(Math.max(nearest(Math.fround(value / by)) + from, limits[0]), limits[1]),
    )
    return [new Known(rounded.shape, () => rounded.values, { type })]
  },
}
