/**
 * @file Whole channels: a score per channel, the mean over the weights of its filters (with |w| the ranking
 * of Li et al. 2017 within a layer; a mean, not a sum, since a budget of weights is spent best on what scores
 * most per weight), and everything that is tied to it goes with it, so that what is left is a smaller dense
 * network. The budget counts weights and is met to within one channel, or as many as go at a time, from
 * below. Weights shared by two channels go with the first of them, so what a channel costs depends on what
 * has gone before.
 */
import type { Model } from '../../models/model.ts'
import { checkWhole } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { countNonzeros, keptCount } from '../count.ts'
import { leastOf, raiseToFloor } from '../floor.ts'
import { countKept, type MaskedLayer } from '../mask.ts'
import type { ChannelGroup } from './channel-groups.ts'
import { type ChannelSpace, channelSpaces, eachOf, eachWeight } from './channel-spaces.ts'
import type { Budget, Granularity } from './granularity.ts'
import { removeUnits, type Units } from './units.ts'

export const channel = (model: Model): Granularity => ({
  summary: 'whole channels with all that is tied to them',
  write(layers, budget) {
    const { sparsity, count = keptCount, floor, channels, multipleOf = 1 } = budget
    const numbers = new Map(layers.map(({ name }, i) => [name, i]))
    const spaces = channelSpaces(model, new Set(numbers.keys())).map((space) => ranked(space, layers, numbers))
    if (channels) {
      checkCounts(channels, spaces)
      return writeCounts(layers, spaces, { ...budget, counts: channels, numbers })
    }
    const present = layers.map((layer) => ({ ...layer, left: countKept(layer.mask) }))
    const size = layers.reduce((sum, { mask }) => sum + mask.length, 0)
    const keep = count(size, sparsity)
    if (floor) raiseToFloor([{ layers: present, keep }], floor) // Only to refuse what cannot be.
    const least = present.map((layer) => leastOf(layer, floor))
    removeUnits(layers, unitsOf(spaces, layers, numbers, { ...budget, multipleOf }), keep, least)
  },
})

/** The channels of a space that are still there, the best first. */
interface Ranked extends ChannelSpace {
  scores: number[]
  /** Those that are not. */
  gone: ChannelGroup[]
}

function ranked(space: ChannelSpace, layers: readonly MaskedLayer[], numbers: ReadonlyMap<string, number>): Ranked {
  const scored = space.channels.map((group, place) => ({ group, place, ...scoreOf(group, layers, numbers) }))
  const present = scored.filter(({ left }) => left > 0).sort((a, b) => b.score - a.score || a.place - b.place)
  return {
    ...space,
    channels: present.map(({ group }) => group),
    scores: present.map(({ score }) => score),
    gone: scored.filter(({ left }) => left === 0).map(({ group }) => group),
  }
}

function scoreOf({ filters }: ChannelGroup, layers: readonly MaskedLayer[], numbers: ReadonlyMap<string, number>) {
  let [sum, size, left] = [0, 0, 0]
  for (const part of filters) {
    const { scores, mask } = layers[numbers.get(part.parameter)!]
    eachOf(part, (i) => {
      if (mask[i] === 1) {
        sum += scores[i]
        left++
      }
      size++
    })
  }
  return { score: sum / size, left }
}

/**
 * What goes at a time: a channel, or as many as keep the number in its space a multiple; of each space the
 * last `multipleOf` stay. With a share of channels by the scope the one of rank r (1 is the best) among n
 * stays where min(1, c share) n >= r, for the largest c that the budget allows.
 */
function unitsOf(
  spaces: readonly Ranked[],
  layers: readonly MaskedLayer[],
  numbers: ReadonlyMap<string, number>,
  { scope, multipleOf }: Pick<Budget, 'scope'> & { multipleOf: number },
): Units {
  const units = spaces.flatMap(({ channels, scores }) => {
    const shapes =
      channels.length === 0 ? [] : channels[0].filters.map((part) => layers[numbers.get(part.parameter)!].shape)
    const share = scope.channelShare && channels.length > 0 ? scope.channelShare(shapes) : undefined
    const keys = share === undefined ? scores : scores.map((_, i) => -(i + 1) / (channels.length * share))
    return blocks(channels.length, multipleOf).map(([from, to]) => {
      const part = keys.slice(from, to)
      return { groups: channels.slice(from, to), score: part.reduce((sum, key) => sum + key, 0) / part.length }
    })
  })
  return {
    scores: Float64Array.from(units, ({ score }) => score),
    each(unit, visit) {
      for (const group of units[unit].groups) eachWeight(group, (name, i) => visit(numbers.get(name)!, i))
    },
  }
}

/** What can go of `count` ranked channels, each from one place to another, the best first. */
function blocks(count: number, multipleOf: number): [number, number][] {
  const first = multipleOf > 1 ? multipleOf : 0
  const found: [number, number][] = []
  for (let from = first; from < count; from += multipleOf) found.push([from, Math.min(from + multipleOf, count)])
  return found
}

/** Throws UserError where a number is of no group, or none that it can have. */
function checkCounts(counts: ReadonlyMap<string, number>, spaces: readonly Ranked[]): void {
  const sizes = new Map(spaces.map(({ name, channels, gone }) => [name, channels.length + gone.length]))
  for (const [name, count] of counts) {
    const size = sizes.get(name)
    if (size === undefined)
      throw new UserError(
        `channels: expected names of ${[...sizes.keys()].join(', ')}, the first layers that make some, found ${name}`,
      )
    checkWhole(`channels: ${name}`, count, 1, size)
  }
}

interface Counts extends Budget {
  counts: ReadonlyMap<string, number>
  numbers: ReadonlyMap<string, number>
}

/**
 * Keeps so many channels of each space that is named, and all of the others. Of the weights that channels
 * leave of a layer the scope keeps its share, whether they went before or go now.
 */
function writeCounts(
  layers: readonly MaskedLayer[],
  spaces: readonly Ranked[],
  { counts, numbers, scope, sparsity, count = keptCount, select }: Counts,
): void {
  const inChannels = layers.map(({ mask }) => new Uint8Array(mask.length).fill(1))
  for (const { name, channels, gone } of spaces) {
    const kept = counts.get(name)
    // Where all stay, those whose weights went one by one are none that went as a whole.
    if (kept === undefined) continue
    for (const group of [...gone, ...channels.slice(kept)])
      eachWeight(group, (parameter, i) => {
        const layer = numbers.get(parameter)!
        inChannels[layer][i] = 0
        layers[layer].mask[i] = 0
        layers[layer].scores[i] = Number.NEGATIVE_INFINITY
      })
  }
  for (const [l, layer] of layers.entries()) {
    const [{ keep }] = scope.groups([layer], sparsity, count)
    const size = layer.mask.length
    if (keep < size) select([layer], Math.round((countNonzeros(inChannels[l]) * keep) / size))
  }
}
