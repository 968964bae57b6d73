/**
 * @file Sparsities that a recipe leaves to a target: they are chosen from the weights that the network has
 * when it is pruned for the first time. Every later event follows them, each tensor's schedule ending at its
 * own.
 */
import { openMachine } from '../../engine/machines/open.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { type ChooseOptions, chooseSparsities } from '../../target/choose.ts'
import type { LevelStore } from '../../target/level-store.ts'
import { shareOf, Trials } from '../../target/trials.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import { foundIn } from '../../train/find-network.ts'
import type { Network } from '../../train/network.ts'
import { methodOf } from '../recipe/checks.ts'
import type { Recipe } from '../recipe/schema.ts'
import { TARGET_NAMES } from '../recipe/sections/target.ts'

/** Sparsities that are to be chosen. */
export interface TargetPlan {
  tensors: readonly Tensor[]
  /** By tensor: 0 until they are chosen. The plan of the pruning reads them at every event. */
  sparsities: Map<string, number>
}

export const targetPlan = (prune: Recipe['prune'], tensors: readonly Tensor[]): TargetPlan | undefined =>
  prune?.target && { tensors, sparsities: new Map(tensors.map(({ name }) => [name, 0])) }

/** The share of zeros that sparsities come to. */
export const shareOfTarget = ({ tensors, sparsities }: TargetPlan): number => shareOf(tensors, sparsities)

/**
 * Chooses the sparsities for the weights of the network, which stays as it is. Throws UserError, naming the
 * key, where a target cannot be met.
 */
export async function chooseForTarget(
  recipe: Recipe,
  { tensors, sparsities }: TargetPlan,
  network: Network,
  { store, onProgress }: { store?: LevelStore; onProgress?: ChooseOptions['onProgress'] },
): Promise<void> {
  const { prune, seed, data } = recipe
  const { ms, kb, flops, drop, runtime, threads, batch, stored, judges } = prune!.target!
  const { section } = methodOf(prune!)
  const weights = weightsOf(network)
  const source = 'the network'
  // A network of an ONNX file has that for its name.
  const { onnx } = foundIn(weights, source)
  const { model, machine } = network
  const trials = new Trials({
    machine,
    model,
    data: network.data,
    weights,
    source,
    tensors,
    method: prune!.method,
    settings: prune![section] ?? {},
    seed,
    judges,
    validation: data.validation,
    stratify: data.stratify,
    nameOf: (setting) => `prune.${section}.${setting}`,
  })
  const own = runtime === undefined && threads === undefined
  const timed = own ? machine : await openMachine({ engine: runtime === 'wasm' ? 'wasm' : undefined, threads })
  const chosen = await chooseSparsities({
    trials,
    model,
    file: { ...weights, onnx },
    source,
    tensors,
    limits: { milliseconds: ms, bytes: kb === undefined ? undefined : 1000 * kb, flops, drop },
    names: TARGET_NAMES,
    timing: { machine: timed, batch },
    stored,
    store,
    onProgress,
  })
  for (const [name, sparsity] of chosen.sparsities) sparsities.set(name, sparsity)
}
