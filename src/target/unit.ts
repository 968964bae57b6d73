/**
 * @file What a search decides about where whole channels may go: the channels that the same layers make, and
 * single layers that keep theirs. A level of a unit is a number of channels, or a sparsity of the layers that
 * make them.
 */
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { type ChannelSpace, channelSpaces, eachWeight } from '../sparsity/granularity/channel-spaces.ts'
import { checkName, checkWhole } from '../util/checks.ts'
import { keeps, type Level } from './tensor-levels.ts'

/** `channel`: channels alone are levels; `auto`: sparsities of single weights, too. */
export const kinds = ['channel', 'auto'] as const
export type Kind = (typeof kinds)[number]

/**
 * What levels are where both kinds are wanted: channels alone where zeros save nothing of what is limited, as
 * in a file of all values, or on a runtime that multiplies with them.
 */
export function kindFor(
  { milliseconds, flops, drop }: Readonly<Partial<Record<'milliseconds' | 'flops' | 'drop', number>>>,
  { stored, skipsZeros = true }: { stored: 'dense' | 'brotli'; skipsZeros?: boolean },
): Kind {
  const bytesAlone = stored === 'dense' && [milliseconds, flops, drop].every((limit) => limit === undefined)
  return skipsZeros && !bytesAlone ? 'auto' : 'channel'
}

/** What a level asks for. */
export type Asked = { channels: number } | { sparsity: number }

export interface Unit {
  /** Of its channels (channel-spaces.ts), or of its only tensor. */
  name: string
  /** The tensors whose sparsity is meant. */
  makers: readonly Tensor[]
  /** How many channels there are; absent where they all stay. */
  channels?: number
  /** All tensors that lose weights with its channels, in order. */
  parts: readonly Tensor[]
  /** All levels but the dense one, those of a kind from the most that stays to the least. */
  asked: readonly Asked[]
}

/** A level of a unit; its mask is that of all parts, one behind the other. */
export interface UnitLevel extends Level {
  /** How many channels stay, where it is a level of channels. */
  channels?: number
}

export interface UnitLevels extends Unit {
  /** The dense one first, then as they were asked for. */
  levels: readonly UnitLevel[]
}

/** Channels go by these parts of their number: by small ones where few units share what a target leaves. */
const PARTS = { few: 16, many: 8 }
const FEW_UNITS = 4
/** Sparsities of single weights beside them. */
const SPARSITIES = [0.5, 0.7, 0.84, 0.91, 0.95, 0.975]

/**
 * The units of a network's prunable tensors. Numbers of channels are multiples of `multipleOf`. Throws
 * UserError where there is no such kind, or no such number.
 */
export function unitsOf(model: Model, tensors: readonly Tensor[], kind: Kind, multipleOf = 1): Unit[] {
  checkName('kind', kind, kinds)
  checkWhole('multipleOf', multipleOf, 1)
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const spaces = channelSpaces(model, new Set(byName.keys()))
  const sparsities = kind === 'auto' ? SPARSITIES.map((sparsity) => ({ sparsity })) : []
  const made = new Set(spaces.flatMap(({ makers }) => makers))
  const ofChannels = spaces.map((space): Unit => {
    const names = partsOf(space)
    const { length } = space.channels
    return {
      name: space.name,
      makers: space.makers.map((name) => byName.get(name)!),
      channels: length,
      parts: tensors.filter(({ name }) => names.has(name)),
      asked: [
        ...countsOf(length, multipleOf, spaces.length > FEW_UNITS ? PARTS.many : PARTS.few).map((channels) => ({
          channels,
        })),
        ...sparsities,
      ],
    }
  })
  // A layer may make channels of several spaces, whose weights then have one owner.
  const owned = new Set<Tensor>()
  const apart = ofChannels.map((unit) => {
    const makers = unit.makers.filter((tensor) => !owned.has(tensor))
    for (const tensor of makers) owned.add(tensor)
    const asked = makers.length > 0 ? unit.asked : unit.asked.filter((one) => 'channels' in one)
    return { ...unit, makers, asked }
  })
  const others = tensors
    .filter(({ name }) => !made.has(name))
    .map((tensor): Unit => ({ name: tensor.name, makers: [tensor], parts: [tensor], asked: sparsities }))
  return [...apart, ...others].filter(({ asked }) => asked.length > 0)
}

/** Numbers of channels below `count`, descending by one of so many parts, the nearest multiples. */
export function countsOf(count: number, multipleOf: number, parts = PARTS.many): number[] {
  const counts = Array.from({ length: parts - 1 }, (_, i) => {
    const kept = (1 - (i + 1) / parts) * count
    return Math.max(multipleOf, multipleOf * Math.round(kept / multipleOf))
  })
  return [...new Set(counts)].filter((kept) => kept < count)
}

function partsOf({ channels }: ChannelSpace): Set<string> {
  const names = new Set<string>()
  for (const channel of channels) eachWeight(channel, (name) => names.add(name))
  return names
}

/** Calls back for every weight that a level of a unit removes. */
export function eachRemoved({ parts }: Unit, level: UnitLevel, visit: (tensor: string, index: number) => void): void {
  let start = 0
  for (const { name, shape } of parts) {
    const size = sizeOf(shape)
    for (let i = 0; i < size; i++) if (!keeps(level, start + i)) visit(name, i)
    start += size
  }
}

/**
 * What every level of a unit adds to the loss. Of levels of one kind, pruning more never counts as less,
 * since what lies below is luck of the samples.
 */
export function unitLosses({ levels: [dense, ...rest] }: UnitLevels): number[] {
  const most = { channels: dense.loss, weights: dense.loss }
  return [
    0,
    ...rest.map(({ channels, loss }) => {
      const kind = channels === undefined ? 'weights' : 'channels'
      most[kind] = Math.max(most[kind], loss)
      return most[kind] - dense.loss
    }),
  ]
}

/** The level of every unit, as pruning is asked for it: channels by space, sparsities by tensor. */
export function askedAt(
  units: readonly UnitLevels[],
  tensors: readonly Tensor[],
  levels: ReadonlyMap<string, number>,
): { channels: Map<string, number>; sparsities: Map<string, number> } {
  const channels = new Map<string, number>()
  const sparsities = new Map(tensors.map(({ name }) => [name, 0]))
  for (const { name, makers, levels: all } of units) {
    const level = all[levels.get(name)!]
    if (level.channels !== undefined) channels.set(name, level.channels)
    else for (const maker of makers) sparsities.set(maker.name, level.sparsity)
  }
  return { channels, sparsities }
}
