/**
 * @file Sparse evolutionary training (Mocanu et al. 2018): in every tensor a share of the smallest positive
 * and of the negative weights closest to zero is taken away, and as many grow at random in the same tensor.
 * `set-magnitude` is what the code of DSR calls SET: the smallest |w| whatever their sign, floor(share of the
 * weights) + 1 of them.
 */
import { z } from 'zod'
import { growInLayer } from './growth.ts'
import { fraction, type Rewiring, rewiringMethod, type SparseLayer } from './rewiring.ts'
import { smallest } from './smallest.ts'

const settings = z.object({ fraction: fraction(0.3) })

export const set = rewiringMethod({
  summary: 'smallest positive and negative weights of every tensor, regrown at random (Mocanu et al. 2018)',
  settings,
  make: ({ fraction }) =>
    inEveryTensor(({ values }) => {
      const all = Array.from(values.keys())
      const smallestOf = (indices: number[]) => {
        const scores = indices.map((e) => Math.abs(values[e]))
        return Array.from(smallest(scores, Math.floor(fraction * indices.length)), (i) => indices[i])
      }
      return [...smallestOf(all.filter((e) => values[e] > 0)), ...smallestOf(all.filter((e) => values[e] <= 0))]
    }),
})

export const setMagnitude = rewiringMethod({
  summary: 'SET as the code of DSR has it: smallest |w| of every tensor, regrown at random',
  settings,
  make: ({ fraction }) =>
    inEveryTensor(({ values }) => {
      const count = Math.min(Math.floor(fraction * values.length) + 1, values.length)
      return Array.from(smallest(values.map(Math.abs), count))
    }),
})

/**
 * Grows in every tensor as many as it loses, at places that were free before: where there are too few, it
 * loses only the smallest of them.
 */
function inEveryTensor(prunedOf: (layer: SparseLayer) => number[]): Rewiring {
  return {
    state: () => ({}),
    restore: () => {},
    event: (layers, { draw }) =>
      layers.map((layer) => {
        const { name, size, positions, values } = layer
        const wanted = prunedOf(layer)
        const scores = wanted.map((e) => Math.abs(values[e]))
        const some = smallest(scores, Math.min(wanted.length, size - positions.length))
        const pruned = Int32Array.from(some, (i) => wanted[i]).sort()
        return { pruned, grown: growInLayer(draw(name), layer, positions, pruned.length) }
      }),
  }
}
