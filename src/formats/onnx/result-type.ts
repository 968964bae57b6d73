/**
 * @file The types of what nodes compute. Our graph computes floats alone; where a model computes whole
 * numbers or booleans, some operators do something else with them.
 */
import type { DType } from '../safetensors-bytes.ts'
import type { Operation } from './operation.ts'
import { dtypes } from './tensor.ts'

const BOOLEAN = new Set([
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'And',
  'Or',
  'Xor',
  'Not',
  'IsNaN',
  'IsInf',
])
const PLACES = new Set(['Shape', 'Size', 'ArgMax', 'ArgMin', 'NonZero'])
/** The input whose type the results have, where it is not the first. */
const LIKE: Readonly<Record<string, number>> = {
  CastLike: 1,
  Where: 1,
  OneHot: 2,
  QLinearConv: 7,
  QLinearMatMul: 7,
  DequantizeLinear: 1,
  'com.microsoft.EmbedLayerNormalization': 2,
}

/** The type of output `i` of a node, by the types of its inputs (undefined where one is missing). */
export function resultType(operation: Operation, i: number, inputs: readonly (DType | undefined)[]): DType {
  const { op } = operation
  if (op === 'Cast') return dtypes[operation.integer('to', 1)] ?? 'F32'
  if (BOOLEAN.has(op)) return 'BOOL'
  if (PLACES.has(op) || (op === 'TopK' && i === 1)) return 'I64'
  if (op === 'ConvInteger' || op === 'MatMulInteger') return 'I32'
  if (op === 'com.microsoft.EmbedLayerNormalization' && i === 1) return 'I32'
  if (op === 'DynamicQuantizeLinear') return i === 1 ? 'F32' : 'U8'
  if (op === 'QuantizeLinear') return inputs[2] ?? dtypes[operation.integer('output_dtype', 0)] ?? 'U8'
  return inputs[LIKE[op] ?? 0] ?? 'F32'
}
