/**
 * @file The database of a search that may remove channels: what every unit comes to at every level, measured
 * by really pruning exactly that, with the layers that read removed channels solved anew.
 */
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Network } from '../train/network.ts'
import type { LevelStore } from './level-store.ts'
import { maskOf } from './levels.ts'
import type { Trials } from './trials.ts'
import type { Unit, UnitLevel, UnitLevels } from './unit.ts'

export interface UnitLevelOptions {
  store?: LevelStore
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
    const size = unit.parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    const known = store?.read(unit.name)
    const levels: UnitLevel[] = known?.levels ?? [await levelOf(trials, unit, await trials.dense(), { sparsity: 0 })]
    if (!known) {
      for (const [l, asked] of unit.asked.entries()) {
        const network =
          'channels' in asked
            ? await trials.pruneChannels(new Map([[unit.name, asked.channels]]))
            : (await trials.prune(unit.makers, new Map(unit.makers.map(({ name }) => [name, asked.sparsity])))).network
        const facts = 'channels' in asked ? { ...asked, sparsity: 1 - asked.channels / unit.channels! } : asked
        levels.push(await levelOf(trials, unit, network, facts))
        progress?.(`${unit.name}, ${i + 1} of ${units.length}`, (done + l + 1) / total)
      }
      store?.write({ name: unit.name, size, levels })
    }
    done += unit.asked.length
    found.push({ ...unit, levels })
  }
  return found
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
