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
  /** Called after each tensor: so many of `total` are done. */
  progress?(tensor: string, done: number, total: number): void
}

/** All levels of some tensors. */
export async function measureLevels(
  trials: Trials,
  tensors: readonly Tensor[],
  { sparsities = USUAL_LEVELS, store, progress }: LevelOptions = {},
): Promise<TensorLevels[]> {
  const found: TensorLevels[] = []
  let dense: Dense | undefined
  for (const tensor of tensors) {
    const known = store?.read(tensor.name)
    if (known) found.push(known)
    else {
      dense ??= await denseOf(trials, tensors)
      const measured = await levelsOf(trials, tensor, sparsities, dense)
      store?.write(measured)
      found.push(measured)
    }
    progress?.(tensor.name, found.length, tensors.length)
  }
  return found
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

async function levelsOf(
  trials: Trials,
  tensor: Tensor,
  sparsities: readonly number[],
  { judged, weights }: Dense,
): Promise<TensorLevels> {
  const { name, shape } = tensor
  const levels: Level[] = [{ sparsity: 0, ...judged, ...maskOf(weights.get(name)!) }]
  for (const sparsity of sparsities) {
    const { network } = await trials.prune([tensor], new Map([[name, sparsity]]))
    levels.push({ sparsity, ...trials.judge(network), ...maskOf(network.weights.whole(name)) })
  }
  return { name, size: sizeOf(shape), levels }
}

function maskOf(weights: Floats): Pick<Level, 'kept' | 'mask'> {
  const mask = new Uint8Array(Math.ceil(weights.length / 8))
  let kept = 0
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue
    mask[i >> 3] |= 1 << (i & 7)
    kept++
  }
  return { kept, mask }
}
