/**
 * @file Whole channels: a score per channel, the mean over the weights of its filters (with |w| the ranking
 * of Li et al. 2017 within a layer; a mean, not a sum, since a budget of weights is spent best on what scores
 * most per weight), and everything that is tied to it goes with it, so that what is left is a smaller dense
 * network. The budget counts weights and is met to within one channel, from below. Weights shared by two
 * channels go with the first of them, so what a channel costs depends on what has gone before.
 */
import type { Model } from '../../models/model.ts'
import { keptCount } from '../count.ts'
import { leastOf, raiseToFloor } from '../floor.ts'
import { countKept, type MaskedLayer } from '../mask.ts'
import type { Scope } from '../scope.ts'
import { type ChannelGroup, type ChannelPart, channelGroups } from './channel-groups.ts'
import type { Granularity } from './granularity.ts'
import { removeUnits } from './units.ts'

export const channel = (model: Model): Granularity => ({
  summary: 'whole channels with all that is tied to them',
  write(layers, { scope, sparsity, count = keptCount, floor }) {
    const numbers = new Map(layers.map(({ name }, i) => [name, i]))
    const { groups } = channelGroups(model, new Set(numbers.keys()))
    const means = Float64Array.from(groups, (group) => scoreOf(group, layers, numbers))
    const present = layers.map((layer) => ({ ...layer, left: countKept(layer.mask) }))
    const size = layers.reduce((sum, { mask }) => sum + mask.length, 0)
    const keep = count(size, sparsity)
    if (floor) raiseToFloor([{ layers: present, keep }], floor) // Only to refuse what cannot be.
    removeUnits(
      layers,
      {
        scores: scope.channelShare ? byShare(groups, means, layers, numbers, scope) : means,
        each(unit, visit) {
          const { filters, rest } = groups[unit]
          for (const part of [...filters, ...rest]) {
            const layer = numbers.get(part.parameter)!
            eachOf(part, (i) => visit(layer, i))
          }
        },
      },
      keep,
      present.map((layer) => leastOf(layer, floor)),
    )
  },
})

function scoreOf({ filters }: ChannelGroup, layers: readonly MaskedLayer[], numbers: ReadonlyMap<string, number>) {
  let [sum, size] = [0, 0]
  for (const part of filters) {
    const { scores, mask } = layers[numbers.get(part.parameter)!]
    eachOf(part, (i) => {
      if (mask[i] === 1) sum += scores[i]
      size++
    })
  }
  return sum / size
}

/**
 * Scores by which the channels that the same layers make keep the shares of the scope: the one of rank r (1
 * is the best) among n stays where min(1, c share) n >= r, for the largest c that the budget allows.
 */
function byShare(
  groups: readonly ChannelGroup[],
  means: Float64Array,
  layers: readonly MaskedLayer[],
  numbers: ReadonlyMap<string, number>,
  scope: Scope,
): Float64Array {
  const spaces = new Map<string, number[]>()
  groups.forEach(({ filters }, i) => {
    const makers = filters.map(({ parameter }) => parameter).join()
    spaces.set(makers, [...(spaces.get(makers) ?? []), i])
  })
  const keys = new Float64Array(means.length)
  for (const members of spaces.values()) {
    const shapes = groups[members[0]].filters.map(({ parameter }) => layers[numbers.get(parameter)!].shape)
    const share = scope.channelShare!(shapes)
    members
      .sort((a, b) => means[b] - means[a] || a - b)
      .forEach((unit, i) => {
        keys[unit] = -(i + 1) / (members.length * share)
      })
  }
  return keys
}

function eachOf({ start, length, step, times }: ChannelPart, visit: (index: number) => void): void {
  for (let t = 0; t < times; t++) for (let i = 0; i < length; i++) visit(start + t * step + i)
}
