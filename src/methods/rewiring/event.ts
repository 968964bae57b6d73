/** @file What an event of rewiring did, for logs, and so that a network that starves is seen. */
import type { Moves, SparseLayer } from './rewiring.ts'

/** What an event did. */
export interface RewiringEvent {
  step: number
  /** Weights taken away and grown, over all tensors. */
  pruned: number
  grown: number
  /** What the method carries along, such as DSR's threshold. */
  state: Record<string, number>
  layers: RewiredLayer[]
  /** Share of the places of sparse tensors that have ever held a weight. */
  explored: number
  /** Of the weights that there are, the share that was there at the start. */
  remaining: number
  seconds: number
}

/** What an event did to a tensor. */
export interface RewiredLayer {
  name: string
  /** Weights taken away and grown. */
  pruned: number
  grown: number
  /** Weights after the event, and the shares of its places that hold one. */
  weights: number
  before: number
  after: number
  /** Outputs of the tensor; those that hold a weight after the event; those where one grew. */
  rows: number
  aliveRows: number
  grownRows: number
  /** The fewest outputs that took half of what grew. */
  halfRows: number
}

/** The record of a tensor, which holds weights at `after` now. */
export function rewiredLayer(
  { name, size, rows, positions }: SparseLayer,
  moves: Moves,
  after: Int32Array,
): RewiredLayer {
  const perRow = (places: Int32Array) => {
    const counts = new Int32Array(rows)
    for (const place of places) counts[Math.floor((place * rows) / size)]++
    return counts
  }
  const [held, grown] = [perRow(after), perRow(moves.grown)]
  const most = grown.toSorted().reverse()
  let halfRows = 0
  for (let sum = 0; 2 * sum < moves.grown.length; halfRows++) sum += most[halfRows]
  const nonzero = (counts: Int32Array) => counts.filter((count) => count > 0).length
  return {
    name,
    pruned: moves.pruned.length,
    grown: moves.grown.length,
    weights: after.length,
    before: positions.length / size,
    after: after.length / size,
    rows,
    aliveRows: nonzero(held),
    grownRows: nonzero(grown),
    halfRows,
  }
}
