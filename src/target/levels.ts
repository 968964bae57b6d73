/**
 * @file The database of a search: what every prunable tensor comes to at every level of sparsity, measured by
 * really pruning exactly that.
 */
import type { Floats } from '../engine/machine.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { LevelStore } from './level-store.ts'
import type { Level, TensorLevels } from './tensor-levels.ts'
import type { Judged, Trials } from './trials.ts'

/** Levels where nobody says which. Each removes a quarter of what the one before leaves, or a little more. */
export const USUAL_LEVELS = [0.25, 0.4, 0.5, 0.6, 0.7, 0.78, 0.84, 0.88, 0.91, 0.935, 0.95, 0.965, 0.975, 0.985, 0.99]

export interface LevelOptions {
  /** Default {@link USUAL_LEVELS}. */
  sparsities?: readonly number[]
  /** Where tensors are looked up before they are measured, and kept afterwards. */
  store?: LevelStore
  /**
   * Called after each level, with the tensor, such as `fc1.weight, 1 of 3`: the share that is done of all.
   */
  progress?(tensor: string, share: number): void
}

/** All levels of some tensors. */
export async function measureLevels(
  trials: Trials,
  tensors: readonly Tensor[],
  { sparsities = USUAL_LEVELS, store, progress }: LevelOptions = {},
): Promise<TensorLevels[]> {
  const found = new Map<string, TensorLevels>()
  for (const { name } of tensors) {
    const known = store?.read(name)
    if (known) found.set(name, known)
  }
  const unknown = tensors.filter(({ name }) => !found.has(name))
  if (unknown.length > 0) {
    const { judged, weights } = await denseOf(trials, unknown)
    let levels: Level[] = []
    for await (const { tensor, sparsity, network } of trials.alone(unknown, sparsities)) {
      const { name, shape } = tensor
      if (levels.length === 0) levels.push({ sparsity: 0, ...judged, ...maskOf(weights.get(name)!) })
      levels.push({ sparsity, ...trials.judge(network), ...maskOf(network.weights.whole(name)) })
      const done = found.size + (levels.length - 1) / sparsities.length
      progress?.(`${name}, ${found.size + 1} of ${tensors.length}`, done / tensors.length)
      if (levels.length <= sparsities.length) continue
      const measured = { name, size: sizeOf(shape), levels }
      store?.write(measured)
      found.set(name, measured)
      levels = []
    }
  }
  return tensors.map(({ name }) => found.get(name)!)
}

/** The network before, and what its tensors hold. */
interface Dense {
  judged: Judged
  weights: ReadonlyMap<string, Floats>
}

async function denseOf(trials: Trials, tensors: readonly Tensor[]): Promise<Dense> {
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
