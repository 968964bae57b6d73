/**
 * @file Which zeros XNNPACK does not multiply with (Elsen et al. 2020, "Fast Sparse ConvNets"): those of 1x1
 * convolutions, where enough of all their weights are zero, and where maps come from a layer that it has a
 * kernel for with channels first.
 */
import type { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { convOptions } from '../../graph/operators/conv.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { percent } from '../../util/format.ts'
import { allOf, type Numbers } from './known.ts'

/** Zeros are skipped where at least this share of the weights of 1x1 convolutions is zero. */
const LEAST_ZEROS = 2 / 3

/** The weights of a convolution of all channels at all places, each place by itself. */
function mixing({ operator, inputs: [, weight], attributes }: Node): Tensor | undefined {
  if (operator.name !== 'Conv' || weight.shape[2] * weight.shape[3] !== 1) return undefined
  const { strides, pads, group } = convOptions('Conv', attributes)
  const plain = group === 1 && strides.every((n) => n === 1) && pads.every((n) => n === 0)
  return plain ? weight : undefined
}

/**
 * Whether the weights of a node are stored as nonzeros. Without any nonzero there would be nothing to store.
 */
export function isEncoded(node: Node, values: ArrayLike<number>): boolean {
  const zeros = mixing(node) ? zerosOf(values) : 0
  return zeros >= LEAST_ZEROS * values.length && zeros < values.length && zeros > 0
}

function zerosOf(values: ArrayLike<number>): number {
  let zeros = 0
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++
  return zeros
}

/** What nonzeros alone are stored of, and why XNNPACK multiplies with the zeros all the same, if it does. */
export interface Skips {
  encodes: boolean
  note?: string
}

export function skipsOf({ nodes }: Graph, known: ReadonlyMap<Tensor, Numbers>): Skips {
  let [size, zeros, encodes] = [0, 0, false]
  for (const node of nodes) {
    const weight = mixing(node)
    const numbers = weight && known.get(weight)
    if (!weight || numbers === undefined) continue
    const values = allOf(numbers, weight.shape)
    encodes ||= isEncoded(node, values)
    size += values.length
    zeros += zerosOf(values)
  }
  if (!encodes) return { encodes }
  const behind = 'XNNPACK does not skip zeros here:'
  if (zeros < LEAST_ZEROS * size)
    return {
      encodes,
      note: `${behind} ${percent(zeros / size)} of the weights of all 1x1 convolutions are zero, expected two thirds`,
    }
  if (nodes.some(isStem)) return { encodes }
  return {
    encodes,
    note: `${behind} expected a 3x3 convolution over 3 channels with stride 2 and padding 1, found none`,
  }
}

/** The layer from images [N, H, W, C] to maps with channels first. */
function isStem({ operator, inputs: [, weight], attributes }: Node): boolean {
  if (operator.name !== 'Conv' || String(weight.shape.slice(1)) !== '3,3,3') return false
  const { strides, pads, dilations } = convOptions('Conv', attributes)
  return strides.every((n) => n === 2) && pads.every((n) => n === 1) && dilations.every((n) => n === 1)
}
