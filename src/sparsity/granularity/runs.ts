/**
 * @file Runs: parts of a weight whose values lie side by side. A kernel [out, in, kh, kw] has rows of kw
 * weights, slices of kh kw (one for each pair of channels: `kernel`) and filters of all that makes an output
 * channel. Linear layers have single weights only. A run's score is the mean over its weights, since a budget
 * of weights is spent best on what scores most per weight; the scope's count is met to within one run, from
 * below.
 */
import { type Shape, sizeOf } from '../../graph/tensor.ts'
import { leastOf } from '../floor.ts'
import type { MaskedLayer } from '../mask.ts'
import { type Granularity, plannedGroups } from './granularity.ts'
import { type LayerUnits, removeUnits, type Units, unitsOfLayers } from './units.ts'

/** Which runs there are, by how many axes of a kernel they lie behind. */
const axes = { weight: 4, row: 3, kernel: 2, filter: 1 } as const

export type RunName = keyof typeof axes
export const runNames = Object.keys(axes) as [RunName, ...RunName[]]
export const isRun = (name: string): name is RunName => Object.hasOwn(axes, name)

/** Weights of one run of a tensor. */
export const runLength = (name: RunName, shape: Shape): number =>
  shape.length === 4 ? sizeOf(shape.slice(axes[name])) : 1

export const runs = (name: RunName): Granularity => ({
  summary: `${name}s of convolutions, scored by their mean`,
  write(layers, budget) {
    for (const { layers: group, keep } of plannedGroups(layers, budget)) {
      const least = group.map((layer) => leastOf(layer, budget.floor))
      removeUnits(group, unitsOf(group, name), keep, least)
    }
  },
})

/** The runs of all layers in order. Weights that had been removed count as 0. */
function unitsOf(layers: readonly MaskedLayer[], name: RunName): Units {
  const parts = layers.map(({ shape }): LayerUnits => {
    const length = runLength(name, shape)
    return {
      count: sizeOf(shape) / length,
      each(run, visit) {
        for (let k = 0; k < length; k++) visit(run * length + k)
      },
    }
  })
  return unitsOfLayers(layers, parts, (sum, length) => sum / length)
}
