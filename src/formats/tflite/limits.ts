/** @file Limits on values that are operators of TensorFlow Lite, and can be part of others. */
import type { Node } from '../../graph/operator.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { type Numbers, oneOf } from './known.ts'

const LIMITS = [
  [0, 6, 'RELU6'],
  [-1, 1, 'RELU_N1_TO_1'],
] as const

/** The operator that a limit is; undefined where a node is none. */
export function limitOf({ operator, inputs }: Node, known: ReadonlyMap<Tensor, Numbers>) {
  if (operator.name === 'Relu') return 'RELU'
  if (operator.name !== 'Clip') return undefined
  const [low, high] = inputs.slice(1).map((limit) => oneOf(known.get(limit)))
  return LIMITS.find(([least, most]) => least === low && most === high)?.[2]
}
