/** @file Chooses how many samples go through a network at a time. */
import type { Graph } from '../graph/graph.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'

/**
 * The bytes that the operands of an operator may take. Measured with caches of 1 MiB per core and 32 MiB for
 * all cores: ResNet-20 takes 1.1 times as long per image with twice as many, 1.7 times with four times as
 * many.
 */
const CACHE = 4 * 2 ** 20
/** The smallest chunk: fewer samples would leave vectors half empty. */
const LEAST = 16

/**
 * The number of samples in a chunk, by the graph for one sample: a power of two with which the operands of
 * the largest operator, weights aside, take at most {@link CACHE} bytes.
 */
export function chunkOf(graph: Graph): number {
  const bytes = (tensors: readonly (Tensor | undefined)[]) =>
    tensors.reduce((sum, tensor) => sum + (tensor?.batched ? 4 * sizeOf(tensor.shape) : 0), 0)
  const largest = Math.max(1, ...graph.nodes.map(({ inputs, outputs }) => bytes([...inputs, ...outputs])))
  return Math.max(LEAST, 2 ** Math.floor(Math.log2(CACHE / largest)))
}
