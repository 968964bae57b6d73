/** @file How many samples go through a network at a time. */
import type { Graph } from '../graph/graph.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'

/**
 * Bytes. Measured with caches of 1 MiB per core and 32 MiB for all: ResNet-20 takes 1.1 times as long per
 * image with twice as many, 1.7 times with four times as many.
 */
const CACHE = 4 * 2 ** 20
/** Fewer would leave vectors half empty. */
const LEAST = 16

/**
 * Of a graph for one sample: the power of two whose largest operator has operands, weights aside, of so many
 * bytes at most.
 */
export function chunkOf(graph: Graph): number {
  const bytes = (tensors: readonly (Tensor | undefined)[]) =>
    tensors.reduce((sum, tensor) => sum + (tensor?.batched ? 4 * sizeOf(tensor.shape) : 0), 0)
  const most = Math.max(1, ...graph.nodes.map(({ inputs, outputs }) => bytes([...inputs, ...outputs])))
  return Math.max(LEAST, 2 ** Math.floor(Math.log2(CACHE / most)))
}
