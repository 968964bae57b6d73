/**
 * @file SRigL (Lasby et al. 2024, arXiv 2305.02299): RigL at constant fan-in, so that all outputs of a tensor
 * that have weights have equally many. At an event, in every tensor of n weights,
 *
 * 1. the share f of the smallest |w| is to go, and all that are zero: d weights;
 * 2. a place is salient if its weight is among the n - d others, or its |gradient| among the d largest of the
 *    tensor. An output is *ablated* if fewer places of it are salient than the share `salient` of the fan-in
 *    at the start, or none is; but as many outputs stay as the weights need, and the layer that makes the
 *    network's output keeps all of its own;
 * 3. the fan-in becomes k = floor(N / outputs that stay), N the weights that the tensor began with;
 * 4. of the outputs that stay, the n - d largest |w| do, at most k of each, and every one grows at its
 *    largest |gradient|, just pruned places included, until it has k.
 *
 * Ablated outputs may come back: step 2 counts their gradients. f falls like a cosine, as in rigl.ts. Where
 * normalizations follow, |gradient| is relative to its row in step 2 (row-normalized.ts; in step 4 that makes
 * no difference), unless `growth: gradient` says otherwise.
 */
import { z } from 'zod'
import type { Floats } from '../../engine/machine.ts'
import { largest } from './largest.ts'
import { fraction, type Moves, type Rewiring, rewiringMethod, type SparseLayer, survivors } from './rewiring.ts'
import { growth, growthScores } from './row-normalized.ts'
import { smallest } from './smallest.ts'

export const srigl = rewiringMethod({
  summary: 'as rigl, with equally many weights of every output that has some (Lasby et al. 2024)',
  settings: z.object({
    fraction: fraction(0.3),
    growth,
    salient: z
      .number()
      .min(0)
      .max(1)
      .default(0.3)
      .describe('share of its fan-in that has to be salient, or an output loses all of its weights; 0: never (0.3)'),
  }),
  gradients: 'batch',
  granularities: ['fan-in'],
  make: ({ fraction, growth: kind, salient }) => structured(fraction, kind, salient),
})

function structured(fraction: number, kind: z.output<typeof growth>, salient: number): Rewiring {
  /** Weights that each tensor began with. */
  let budgets: Record<string, number> = {}
  return {
    event(layers, context) {
      const scoresOf = growthScores(context, kind)
      const share = (fraction / 2) * (1 + Math.cos(Math.PI * context.elapsed))
      return layers.map((layer) => {
        const { name, values, size, rows } = layer
        budgets[name] ??= values.length
        const scores = scoresOf(layer)
        const zeros = values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0)
        const going = smallest(values.map(Math.abs), Math.max(Math.floor(share * values.length), zeros))
        const fanIn = Math.floor(budgets[name] / rows)
        const least = name === context.outputLayer || salient === 0 ? 0 : Math.max(1, Math.floor(salient * fanIn))
        const counts = salientPlaces(layer, survivors(layer, going), scores, going.length)
        const stays = enough(counts, least, Math.floor((budgets[name] * rows) / size))
        return movesOf(layer, scores, stays, values.length - going.length, budgets[name])
      })
    },
    state: () => ({ ...budgets }),
    restore: (state) => {
      budgets = { ...state }
    },
  }
}

/** How many places of each output are salient. */
function salientPlaces({ size, rows }: SparseLayer, left: Int32Array, scores: Floats, growing: number): Int32Array {
  const salient = new Uint8Array(size)
  for (const place of left) salient[place] = 1
  for (const place of largest(scores, new Int32Array(0), growing)) salient[place] = 1
  const counts = new Int32Array(rows)
  salient.forEach((is, place) => {
    counts[Math.floor((place * rows) / size)] += is
  })
  return counts
}

/** Which outputs have `least` salient places, or fewer where else no more than `most` outputs were left. */
function enough(counts: Int32Array, least: number, most: number): boolean[] {
  const descending = counts.toSorted().reverse()
  const bound = Math.min(least, descending[Math.min(most, counts.length - 1)])
  return Array.from(counts, (count) => count >= bound)
}

/** Steps 3 and 4, where `stays` says which outputs do, and `staying` how many weights at most. */
function movesOf(layer: SparseLayer, scores: Floats, stays: boolean[], staying: number, budget: number): Moves {
  const { positions, values, size, rows } = layer
  const columns = size / rows
  const k = Math.min(columns, Math.floor(budget / stays.filter(Boolean).length))
  const rowOf = (e: number) => Math.floor(positions[e] / columns)
  const largestFirst = [...values.keys()]
    .filter((e) => stays[rowOf(e)])
    .sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b)
  const kept: number[][] = stays.map(() => [])
  for (const e of largestFirst.slice(0, staying)) if (kept[rowOf(e)].length < k) kept[rowOf(e)].push(e)
  const grown = kept.flatMap((own, row) => {
    const from = row * columns
    const taken = Int32Array.from(own, (e) => positions[e] - from).sort()
    const count = stays[row] ? k - own.length : 0
    return Array.from(largest(scores.subarray(from, from + columns), taken, count), (place) => from + place)
  })
  const all = new Set(kept.flat())
  return { pruned: Int32Array.from(values.keys()).filter((e) => !all.has(e)), grown: Int32Array.from(grown) }
}
