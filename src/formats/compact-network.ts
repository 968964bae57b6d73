/** @file A network without the channels that it does not need, proven to compute the same before it is written. */
import { distance, type Valued } from '../engine/agreement.ts'
import type { Machine } from '../engine/machine.ts'
import { type CompactLayer, compact } from '../graph/compact.ts'
import { foldBatchNorm } from '../graph/fold-batch-norm.ts'
import type { Graph } from '../graph/graph.ts'
import { multiplications } from '../graph/multiplications.ts'
import { sizeOf } from '../graph/tensor.ts'
import { UserError } from '../util/errors.ts'

/** Random images that both networks are run on. */
const IMAGES = 8
/** The largest difference that rounding explains. */
const MOST = 1e-4

export interface CompactReport {
  layers: CompactLayer[]
  /** Weights and biases, scales included. */
  parameters: { before: number; after: number }
  /** Of one image. */
  multiplications: { before: number; after: number }
  /** max |before - after| / max |before| of the outputs for so many random images. */
  difference: number
  images: number
}

/** The smaller network, where asked for with batch normalizations folded in. Throws UserError where its outputs differ. */
export function compactNetwork(
  machine: Machine,
  whole: Valued,
  { folding, path }: { folding: boolean; path: string },
): Valued & { report: CompactReport } {
  const { layers, ...compacted } = compact(whole.graph, whole.values)
  const small = folding ? foldBatchNorm(compacted.graph, compacted.values) : compacted
  const difference = distance(machine, [whole, small], IMAGES)
  if (!(difference <= MOST))
    throw new UserError(
      `${path} is not written: without the channels that it does not need the network computes something else (max|Δ|/max|y| is ${difference}, expected at most ${MOST})`,
    )
  const sizes = (of: (graph: Graph) => number) => ({ before: of(whole.graph), after: of(compacted.graph) })
  const report = {
    layers,
    parameters: sizes(parameters),
    multiplications: sizes((graph) => [...multiplications(graph).values()].reduce((sum, n) => sum + n, 0)),
    ...{ difference, images: IMAGES },
  }
  return { ...small, report }
}

const parameters = (graph: Graph) => graph.withRole('parameter').reduce((sum, { shape }) => sum + sizeOf(shape), 0)
