/**
 * @file The database of a search that may remove channels: what every unit comes to at every level, measured
 * by really pruning exactly that, with the layers that read removed channels solved anew.
 */
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Network } from '../train/network.ts'
import { type KeptLevels, maskOf } from './levels.ts'
import type { Trials } from './trials.ts'
import type { Asked, Unit, UnitLevel, UnitLevels } from './unit.ts'

export interface UnitLevelOptions {
  store?: KeptLevels
  /** Called after each level, with the unit, such as `fc1.weight, 1 of 3`: the share that is done of all. */
  progress?(unit: string, share: number): void
}

/** All levels of some units. */
export async function measureUnits(
  trials: Trials,
  units: readonly Unit[],
  { store, progress }: UnitLevelOptions = {},
): Promise<UnitLevels[]> {
  const found: UnitLevels[] = []
  const total = units.reduce((sum, { asked }) => sum + asked.length, 0)
  let done = 0
  for (const [i, unit] of units.entries()) {
    const levels: UnitLevel[] = []
    for (const asked of [{ sparsity: 0 }, ...unit.asked]) {
      const facts = 'channels' in asked ? { ...asked, sparsity: 1 - asked.channels / unit.channels! } : asked
      const called = `${unit.name}, ${'channels' in asked ? 'channels' : 'weights'}`
      const known: UnitLevel | undefined = store?.read(called, facts.sparsity)
      const level = known ?? (await levelOf(trials, unit, await pruned(trials, unit, asked), facts))
      if (!known) store?.write(called, level)
      levels.push(level)
      if (facts.sparsity > 0) progress?.(`${unit.name}, ${i + 1} of ${units.length}`, ++done / total)
    }
    found.push({ ...unit, levels })
  }
  return found
}

async function pruned(trials: Trials, { name, makers }: Unit, asked: Asked): Promise<Network> {
  if ('channels' in asked) return trials.pruneChannels(new Map([[name, asked.channels]]))
  if (asked.sparsity === 0) return trials.dense()
  return (await trials.prune(makers, new Map(makers.map((maker) => [maker.name, asked.sparsity])))).network
}

async function levelOf(
  trials: Trials,
  { parts }: Unit,
  network: Network,
  facts: Pick<UnitLevel, 'channels' | 'sparsity'>,
): Promise<UnitLevel> {
  const size = parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const whole = new Float32Array(size)
  let start = 0
  for (const { name } of parts as readonly Tensor[]) {
    const values = network.weights.whole(name)
    whole.set(values, start)
    start += values.length
  }
  return { ...facts, ...trials.judge(network), ...maskOf(whole) }
}
