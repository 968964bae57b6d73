/** @file Casts of known numbers from one type to another. */
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { limitsOf } from '../element-type.ts'
import { Unsupported } from '../scope.ts'
import { dtypes, isFloating } from '../tensor.ts'
import { Known } from '../value.ts'
import { computed, type Fold, needed } from './fold.ts'

/** The largest half and the largest single. */
const LARGEST = { F16: 65_504, BF16: 3.3895313892515355e38, F32: 3.4028234663852886e38, F64: Number.MAX_VALUE }

/**
 * Floats lose their fraction on the way to whole numbers, whole numbers wrap around on the way to narrower
 * ones. What a type cannot hold is refused: what becomes of it is not defined (whole numbers) or infinite
 * (floats).
 */
export const cast: Fold = (operation, [x]) => {
  const known = needed(x, operation)
  const to = operation.integer('to', DataType.UNDEFINED)
  // Both are about floats of 8 bits.
  operation.ignore('saturate', 'round_mode')
  const type = dtypes[to]
  if (!type) throw new Unsupported(`${operation.label}: a cast to ${DataType[to] ?? to} is not supported`)
  if (type === known.type) return [known]
  const { values, shape } = known
  const refuse = (found: number) =>
    new Unsupported(`${operation.label}: the constant ${found} does not fit into ${DataType[to]}`)
  if (!isFloating(type)) {
    const limits = known.whole ? undefined : limitsOf[type]
    return [
      computed(shape, type, operation, (out) => {
        for (let i = 0; i < out.length; i++) {
          const value = limits ? Math.trunc(values[i]) : values[i]
          if (limits && !(value >= limits[0] && value <= limits[1])) throw refuse(values[i])
          out[i] = type === 'BOOL' ? Number(value !== 0) : value
        }
      }),
    ]
  }
  const found = computed(shape, type, operation, (out) => out.set(values as ArrayLike<number>))
  const largest = LARGEST[type as keyof typeof LARGEST]
  for (let i = 0; i < values.length; i++)
    if (Number.isFinite(values[i]) && !(Math.abs(found.values[i]) <= largest)) throw refuse(values[i])
  // A stored weight stays one, whatever the floats that its file computes with: here all are of single
  // precision.
  return [new Known(shape, () => found.values, { type, source: known.source, read: known.read })]
}
