/**
 * @file Sparse evolutionary training (Mocanu et al. 2018): in every tensor a share of the smallest positive
 * and of the negative weights closest to zero is taken away, and as many grow at random in the same tensor.
 * `set-magnitude` is what the code of DSR calls SET: the smallest |w| whatever their sign, floor(share of the
 * weights) + 1 of them; with `reallocate` what grows is divided among the tensors as DSR does.
 */
import { z } from 'zod'
import { growInLayer } from './growth.ts'
import { freeOf, growthInProportion } from './in-proportion.ts'
import { drawn, fraction, newWeights, type Rewiring, rewiringMethod, type SparseLayer, survivors } from './rewiring.ts'
import { smallest } from './smallest.ts'

const settings = z.object({ fraction: fraction(0.3), newWeights })

export const set = rewiringMethod({
  summary: 'smallest positive and negative weights of every tensor, regrown at random (Mocanu et al. 2018)',
  settings,
  make: ({ fraction, ...others }) => ({
    ...stateless,
    drawn: drawn(others),
    event: inEveryTensor(({ values }) => {
      const all = Array.from(values.keys())
      const smallestOf = (indices: number[]) => {
        const scores = indices.map((e) => Math.abs(values[e]))
        return Array.from(smallest(scores, Math.floor(fraction * indices.length)), (i) => indices[i])
      }
      return [...smallestOf(all.filter((e) => values[e] > 0)), ...smallestOf(all.filter((e) => values[e] <= 0))]
    }),
  }),
})

export const setMagnitude = rewiringMethod({
  summary: 'SET as the code of DSR has it: smallest |w| of every tensor, regrown at random',
  settings: settings.extend({
    reallocate: z
      .boolean()
      .default(false)
      .describe('whether weights move between tensors, in proportion to what each has left, which is one at least'),
    faithful: z
      .boolean()
      .default(false)
      .describe('times, counts and momentum as in the published code, for comparisons; only on dense kernels'),
  }),
  make: ({ fraction, reallocate, faithful, ...others }) => {
    const prunedOf = ({ values: { length }, values }: SparseLayer) => {
      const most = reallocate ? length - 1 : length
      return smallest(values.map(Math.abs), Math.min(Math.floor(fraction * length) + 1, most))
    }
    const event = reallocate
      ? betweenTensors(prunedOf, faithful)
      : inEveryTensor((layer) => Array.from(prunedOf(layer)), faithful)
    return { ...stateless, drawn: drawn(others), event }
  },
})

const stateless = { state: () => ({}), restore: () => {} } satisfies Partial<Rewiring>

/**
 * Grows in every tensor as many as it loses, at places that were free before: where there are too few, it
 * loses only the smallest of them, or `faithful` all of them.
 */
const inEveryTensor =
  (prunedOf: (layer: SparseLayer) => number[], faithful = false): Rewiring['event'] =>
  (layers, { draw }) =>
    layers.map((layer) => {
      const { name, size, positions, values } = layer
      const wanted = prunedOf(layer)
      const free = Math.min(wanted.length, size - positions.length)
      const scores = wanted.map((e) => Math.abs(values[e]))
      const some = faithful ? wanted.keys() : smallest(scores, free)
      const pruned = Int32Array.from(some, (i) => wanted[i]).sort()
      return { pruned, grown: growInLayer(draw(name), layer, positions, free) }
    })

/** Grows in each tensor in proportion to what it has left, at places that were free before. */
const betweenTensors =
  (prunedOf: (layer: SparseLayer) => Int32Array, faithful: boolean): Rewiring['event'] =>
  (layers, context) => {
    const pruned = layers.map(prunedOf)
    const counts = growthInProportion(layers, pruned, context, faithful)
    const free = freeOf(layers)
    return layers.map((layer, i) => {
      const taken = free[i] >= counts[i] ? layer.positions : survivors(layer, pruned[i])
      return { pruned: pruned[i], grown: growInLayer(context.draw(layer.name), layer, taken, counts[i]) }
    })
  }
