/**
 * @file What a recipe leaves to a target, sparsities by tensor and channels that stay: chosen from the
 * weights that the network has when it is pruned for the first time. Every later event follows, the schedule
 * of each ending at its own.
 */
import { openMachine } from '../../engine/machines/open.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { graphOf, type Model } from '../../models/model.ts'
import { type ChooseOptions, chooseSparsities } from '../../target/choose.ts'
import { type ChosenUnits, chooseUnits } from '../../target/choose-units.ts'
import { CompactedCosts } from '../../target/compacted-costs.ts'
import type { LevelStore } from '../../target/level-store.ts'
import { levelsFor } from '../../target/levels.ts'
import type { Limits } from '../../target/limits.ts'
import { onnxRuntime } from '../../target/onnx-runtime.ts'
import { espalierRuntime, type Runtime } from '../../target/runtimes.ts'
import { shareOf, Trials } from '../../target/trials.ts'
import { kindFor, unitsOf } from '../../target/unit.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import { foundIn } from '../../train/find-network.ts'
import type { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { percent } from '../../util/format.ts'
import { methodOf } from '../recipe/checks.ts'
import { removesChannels } from '../recipe/mask-keys.ts'
import type { Recipe } from '../recipe/schema.ts'
import { TARGET_NAMES, type TargetSettings } from '../recipe/sections/target.ts'

/** What is to be chosen. The plan of the pruning reads it at every event. */
export interface TargetPlan {
  tensors: readonly Tensor[]
  /** By tensor: 0 until they are chosen. */
  sparsities: Map<string, number>
  /** Where whole channels go: how many stay of a group, by name. Empty until they are chosen. */
  channels?: Map<string, number>
  /** The share of the weights that goes; 0 until it is chosen. */
  share: number
  /** What the network then takes, in words; absent until it is chosen, and where nothing measures it. */
  reached?: string
}

/** Throws UserError where it is known before training that there is nothing to do. */
export function targetPlan(
  prune: NonNullable<Recipe['prune']>,
  tensors: readonly Tensor[],
  model: Model,
): TargetPlan | undefined {
  if (!prune.target) return undefined
  refuseIdle(prune.target, model)
  return {
    tensors,
    sparsities: new Map(tensors.map(({ name }) => [name, 0])),
    ...(removesChannels(prune) && { channels: new Map() }),
    share: 0,
  }
}

/** What a file takes besides its values, at most: a share of them, and bytes. */
const BESIDE = { share: 0.05, bytes: 50_000 }

function refuseIdle({ kb, ms, flops, drop }: TargetSettings, model: Model): void {
  if (kb === undefined || [ms, flops, drop].some((one) => one !== undefined)) return
  const bytes =
    4 *
    graphOf(model)
      .stored()
      .reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  if (1000 * kb > (1 + BESIDE.share) * bytes + BESIDE.bytes)
    throw new UserError(
      `${TARGET_NAMES.bytes}: there is nothing to do: all values of ${model.name} take ${(bytes / 1000).toFixed(1)} kB as they are`,
    )
}

export interface ChoiceOptions {
  store?: LevelStore
  onProgress?: ChooseOptions['onProgress'] & Parameters<typeof chooseUnits>[0]['onProgress']
}

/**
 * Chooses for the weights of the network, which stays as it is, and writes that into the plan. Throws
 * UserError, naming the key, where a target cannot be met.
 */
export async function chooseForTarget(
  recipe: Recipe,
  plan: TargetPlan,
  network: Network,
  { store, onProgress }: ChoiceOptions,
): Promise<void> {
  const { prune, seed, data } = recipe
  const target = prune!.target!
  const { granularity } = prune!
  const { section } = methodOf(prune!)
  const weights = weightsOf(network)
  const source = 'the network'
  // A network of an ONNX file has that for its name.
  const file = { ...weights, onnx: foundIn(weights, source).onnx }
  const { model, machine } = network
  const { tensors } = plan
  const trials = new Trials({
    machine,
    model,
    data: network.data,
    weights,
    source,
    tensors,
    method: prune!.method,
    settings: prune![section] ?? {},
    granularity: plan.channels || granularity === 'weight' ? undefined : granularity,
    seed,
    judges: target.judges,
    validation: data.validation,
    stratify: data.stratify,
    nameOf: (setting) => `prune.${section}.${setting}`,
  })
  const common = { trials, tensors, limits: limitsOf(target), names: TARGET_NAMES, store, onProgress }
  if (plan.channels) return chooseChannels(recipe, plan, { network, file, source, common })
  const chosen = await chooseSparsities({
    ...common,
    model,
    file,
    source,
    sparsities: levelsFor(granularity, trials.effort.sparsities),
    timing: { machine: await timedOn(target, machine), batch: target.batch },
    stored: target.stored,
  })
  fill(plan.sparsities, chosen.sparsities)
  plan.share = shareOf(tensors, plan.sparsities)
  plan.reached = chosen.milliseconds === undefined ? undefined : milliseconds(chosen.milliseconds)
}

interface Given {
  network: Network
  file: WeightsFile
  source: string
  common: Omit<Parameters<typeof chooseUnits>[0], 'units' | 'costs'>
}

async function chooseChannels(
  { prune }: Recipe,
  plan: TargetPlan,
  { network, file, source, common }: Given,
): Promise<void> {
  const target = prune!.target!
  const { model, machine } = network
  const runtime = target.ms === undefined ? undefined : await runtimeOf(target, machine)
  const stored = target.stored === 'brotli' ? 'brotli' : 'dense'
  const { multipleOf } = target
  const isAuto = prune!.granularity === 'auto'
  const kind = isAuto ? kindFor(common.limits, { stored, skipsZeros: runtime?.skipsZeros }) : 'channel'
  const units = unitsOf(model, plan.tensors, kind, multipleOf)
  if (units.length === 0) throw new UserError('prune.target: the network has no channels that may go')
  const costs = await CompactedCosts.open({ file, model, source, multipleOf, stored }, runtime)
  try {
    const chosen = await chooseUnits({ ...common, units, costs })
    fill(plan.sparsities, chosen.sparsities)
    fill(plan.channels!, chosen.channels)
    plan.share = chosen.share
    plan.reached = reachedText(chosen)
  } finally {
    await costs.close()
  }
}

/** What a choice comes to, as a sentence without an end. */
export const metText = ({ share, reached }: TargetPlan): string =>
  `the target is met with ${percent(share)} of the pruned weights zero${reached ? `: ${reached}` : ''}`

const milliseconds = (ms: number): string => `${ms.toPrecision(3)} ms`

/** Of the network without its channels. */
function reachedText({ choice: { costs }, dense }: ChosenUnits): string {
  return [
    ...(costs.milliseconds === undefined ? [] : [milliseconds(costs.milliseconds)]),
    `${(costs.bytes / 1000).toFixed(1)} kB`,
    `${percent(costs.multiplyAdds / dense.multiplyAdds)} of the multiply-adds`,
  ].join(', ')
}

function fill<T>(map: Map<string, T>, values: ReadonlyMap<string, T>): void {
  for (const [name, value] of values) map.set(name, value)
}

const limitsOf = ({ ms, kb, flops, drop }: TargetSettings): Limits => ({
  milliseconds: ms,
  bytes: kb === undefined ? undefined : 1000 * kb,
  flops,
  drop,
})

/** The machine that a target of time is of, where that is no other runtime. */
async function timedOn({ runtime, threads }: TargetSettings, own: Network['machine']) {
  const isOwn = runtime === undefined && threads === undefined
  return isOwn ? own : openMachine({ engine: runtime === 'wasm' ? 'wasm' : undefined, threads })
}

async function runtimeOf(target: TargetSettings, own: Network['machine']): Promise<Runtime> {
  const { runtime, threads, batch = 1 } = target
  if (runtime === 'onnxruntime') return onnxRuntime(batch, threads, 'prune.target.runtime: onnxruntime')
  return espalierRuntime(await timedOn(target, own), batch)
}
