/**
 * @file Channels that the same layers make, such as all of a residual stream: those among which a choice is
 * made, and of which so many stay.
 */
import type { Model } from '../../models/model.ts'
import { type ChannelGroup, type ChannelPart, channelGroups } from './channel-groups.ts'

export interface ChannelSpace {
  /** The weight of the first layer that makes them; of all, where that is not enough to tell spaces apart. */
  name: string
  /** The weights of the layers that make them. */
  makers: string[]
  /** One for each channel, in order. */
  channels: ChannelGroup[]
}

/** The channels of a network that may be removed, in the order in which they are made. */
export function channelSpaces(model: Model, prunable: ReadonlySet<string>): ChannelSpace[] {
  const spaces = new Map<string, ChannelSpace>()
  for (const group of channelGroups(model, prunable).groups) {
    const makers = [...new Set(group.filters.map(({ parameter }) => parameter))]
    const key = makers.join(' + ')
    const space = spaces.get(key) ?? { name: makers[0], makers, channels: [] }
    spaces.set(key, space)
    space.channels.push(group)
  }
  const all = [...spaces.values()]
  return all.map((space) => {
    const isAlone = all.filter(({ name }) => name === space.name).length === 1
    return isAlone ? space : { ...space, name: space.makers.join(' + ') }
  })
}

/** The weights of a channel: its filters and what is of no use without it. */
export function eachWeight({ filters, rest }: ChannelGroup, visit: (parameter: string, index: number) => void): void {
  for (const part of [...filters, ...rest]) eachOf(part, (i) => visit(part.parameter, i))
}

/** The places of a part in its tensor. */
export function eachOf({ start, length, step, times }: ChannelPart, visit: (index: number) => void): void {
  for (let t = 0; t < times; t++) for (let i = 0; i < length; i++) visit(start + t * step + i)
}
