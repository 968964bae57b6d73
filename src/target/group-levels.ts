/**
 * @file What whole channels do to a network that goes without them: those that the same layers make, level by
 * level, by really pruning them. Channels that are tied go together, so the layers that make them are a row.
 */
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { countNonzeros } from '../sparsity/count.ts'
import { channelGroups } from '../sparsity/granularity/channel-groups.ts'
import type { Network } from '../train/network.ts'
import type { Judged, Trials } from './trials.ts'

/** Layers whose output channels can only go together. */
export interface TiedLayers {
  /** Their names, joined by ` + `. */
  name: string
  tensors: Tensor[]
  /** How many channels they make. */
  channels: number
}

export interface GroupLevel extends Judged {
  /** Share of zeros that was asked for; 0 is the dense network. */
  sparsity: number
  /** Weights of these layers that are left. */
  kept: number
  /** Of a batch of the network without the channels that are gone, where that is measured. */
  milliseconds?: number
}

export interface GroupLevels extends Omit<TiedLayers, 'tensors'> {
  tensors: string[]
  /** Weights of these layers. */
  size: number
  levels: GroupLevel[]
}

/** Which layers make the same channels, and for each of which channels stay, why, in a sentence. */
export function tiedLayers(
  model: Model,
  tensors: readonly Tensor[],
): { tied: TiedLayers[]; stay: ReadonlyMap<string, string> } {
  const { groups, stay } = channelGroups(model, new Set(tensors.map(({ name }) => name)))
  const counts = new Map<string, number>()
  for (const { filters } of groups) {
    const makers = new Set(filters.map(({ parameter }) => parameter))
    const key = JSON.stringify(tensors.map(({ name }) => name).filter((name) => makers.has(name)))
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const tied = [...counts].map(([key, channels]) => {
    const names: string[] = JSON.parse(key)
    return { name: names.join(' + '), tensors: tensors.filter(({ name }) => names.includes(name)), channels }
  })
  return { tied, stay }
}

export interface GroupOptions {
  /** Milliseconds of a network, its zero channels left out. Default: no times. */
  time?(network: Network): Promise<number>
  /** Called after each level, with the row, and the share that is done of all. */
  progress?(row: string, share: number): void
}

/** All levels of some rows, the dense network first. `trials` has granularity channel. */
export async function measureGroups(
  trials: Trials,
  tied: readonly TiedLayers[],
  sparsities: readonly number[],
  { time, progress = () => {} }: GroupOptions = {},
): Promise<GroupLevels[]> {
  const timed = async (network: Network) => time && { milliseconds: await time(network) }
  const network = await trials.dense()
  const dense = { ...trials.judge(network), ...(await timed(network)) }
  const found: GroupLevels[] = []
  for (const { tensors, ...row } of tied) {
    const size = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    const levels: GroupLevel[] = [{ sparsity: 0, kept: size, ...dense }]
    for (const sparsity of sparsities) {
      const { network: pruned } = await trials.prune(tensors, new Map(tensors.map(({ name }) => [name, sparsity])))
      const kept = tensors.reduce((sum, { name }) => sum + countNonzeros(pruned.weights.whole(name)), 0)
      levels.push({ sparsity, kept, ...trials.judge(pruned), ...(await timed(pruned)) })
      progress(row.name, (found.length * sparsities.length + levels.length - 1) / (tied.length * sparsities.length))
    }
    found.push({ ...row, tensors: tensors.map(({ name }) => name), size, levels })
  }
  return found
}
