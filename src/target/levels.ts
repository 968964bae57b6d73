/**
 * @file The database of a search: what every prunable tensor comes to at every level of sparsity, measured by
 * really pruning exactly that.
 */
import type { Floats } from '../engine/machine.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { patternOf } from '../sparsity/granularity/index.ts'
import type { Level, TensorLevels } from './tensor-levels.ts'
import type { Judged, Trials } from './trials.ts'

/** Where levels are kept. */
export interface KeptLevels {
  /** A level of a tensor, by its name; undefined where it is not there. */
  read(name: string, sparsity: number): Level | undefined
  write(name: string, level: Level): void
}

export interface LevelOptions {
  /** Default: as many as {@link Trials.effort} says. */
  sparsities?: readonly number[]
  /** Where levels are looked up before they are measured, and kept as soon as they are. */
  store?: KeptLevels
  /**
   * Called after each level, with the tensor, such as `fc1.weight, 1 of 3`: the share that is done of all.
   */
  progress?(tensor: string, share: number): void
}

/** Sparsities of single tensors: in a pattern that, and what is beyond it; else the `usual` ones. */
export function levelsFor(granularity: string | undefined, usual: readonly number[]): readonly number[] {
  const pattern = granularity === undefined ? undefined : patternOf(granularity)
  if (!pattern) return usual
  const least = 1 - pattern.n / pattern.m
  return [least, ...usual.filter((level) => level > least)]
}

/** All levels of some tensors. */
export async function measureLevels(
  trials: Trials,
  tensors: readonly Tensor[],
  { sparsities = trials.effort.sparsities, store, progress }: LevelOptions = {},
): Promise<TensorLevels[]> {
  const all = [0, ...sparsities]
  const found = new Map(
    tensors.map(({ name }) => [name, new Map(all.map((sparsity) => [sparsity, store?.read(name, sparsity)]))]),
  )
  const lacking = new Map(
    tensors.map(({ name }) => [name, sparsities.filter((sparsity) => !found.get(name)!.get(sparsity))]),
  )
  const keep = (name: string, level: Level) => {
    store?.write(name, level)
    found.get(name)!.set(level.sparsity, level)
  }
  const undone = tensors.filter(({ name }) => [...found.get(name)!.values()].includes(undefined))
  if (undone.length > 0) {
    const { judged, weights } = await denseOf(trials, undone)
    for (const { name } of undone) keep(name, { sparsity: 0, ...judged, ...maskOf(weights.get(name)!) })
    const total = tensors.length * sparsities.length
    let left = [...lacking.values()].reduce((sum, { length }) => sum + length, 0)
    for await (const { tensor, sparsity, network } of trials.alone(undone, lacking)) {
      const { name } = tensor
      keep(name, { sparsity, ...trials.judge(network), ...maskOf(network.weights.whole(name)) })
      left--
      progress?.(`${name}, ${tensors.indexOf(tensor) + 1} of ${tensors.length}`, 1 - left / total)
    }
  }
  return tensors.map(({ name, shape }) => {
    const levels = all.map((sparsity) => found.get(name)!.get(sparsity)!)
    return { name, size: sizeOf(shape), levels }
  })
}

/** The network before, and what its tensors hold. */
export interface Dense {
  judged: Judged
  weights: ReadonlyMap<string, Floats>
}

export async function denseOf(trials: Trials, tensors: readonly Tensor[]): Promise<Dense> {
  const network = await trials.dense()
  const weights = new Map(tensors.map(({ name }) => [name, network.weights.whole(name).slice()]))
  return { judged: trials.judge(network), weights }
}

/** Which weights are not zero. */
export function maskOf(weights: Floats): Pick<Level, 'kept' | 'mask'> {
  const mask = new Uint8Array(Math.ceil(weights.length / 8))
  let kept = 0
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue
    mask[i >> 3] |= 1 << (i & 7)
    kept++
  }
  return { kept, mask }
}
