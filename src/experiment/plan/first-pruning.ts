/**
 * @file What a run prunes before its first step, for dry runs: how many weights each layer keeps, as far as
 * that can be told in seconds.
 */
import { methods } from '../../methods/index.ts'
import type { PruningPlan } from '../../methods/method.ts'
import { prune } from '../../methods/prune.ts'
import { type SaliencyName, saliencyOf } from '../../methods/saliency/index.ts'
import { type ScoringSettings, usesLoss } from '../../methods/saliency/settings.ts'
import type { OnCollapse } from '../../sparsity/collapse.ts'
import { pruningEvents } from '../../sparsity/schedule.ts'
import { sparsitiesOf, tensorwise } from '../../sparsity/sparsities.ts'
import type { Network } from '../../train/network.ts'
import { grouped, percent } from '../../util/format.ts'
import { maskOptions } from '../recipe/mask-keys.ts'
import { prunedTensors, pruningPlan } from './pruning.ts'
import type { RunPlan } from './resolve.ts'

/** How a run begins. */
export interface Beginning extends Pick<RunPlan, 'recipe' | 'schedule' | 'first'> {
  /** The plan of its first pruning, where that takes seconds: see {@link withFewSamples}. */
  short?: PruningPlan
}

/** The samples that a dry run takes scores of, at most, unless a mini-batch is larger. */
const FEW = 64

/**
 * Whether the first event comes before the first step, and what it measures decides how many stay of each.
 */
function decides({ recipe: { prune: asked }, schedule, first }: Beginning): boolean {
  if (!asked || !schedule || schedule.start > first) return false
  const { stored, ranked } = methods[asked.method]
  const alone = ranked && asked.scope !== 'global' && asked.granularity !== 'channel'
  return asked.flops !== undefined || !(stored || alone)
}

/**
 * A plan whose first pruning takes seconds: by the scores of a few samples, without what follows a pruning.
 * `counted` says so where the run would take more.
 */
export async function withFewSamples(plan: RunPlan): Promise<{ plan: RunPlan & Beginning; counted?: string }> {
  const { recipe, model, data } = plan
  const { prune: asked } = recipe
  if (!asked || asked.target || !decides(plan) || !methods[asked.method].ranked) return { plan }
  const method = asked.method as SaliencyName
  const scoring: ScoringSettings = { ...asked.scoring, refreshBatchNorm: 'none', polish: 0 }
  const { samples: all } = plan.pruning?.settings ?? {}
  if (!usesLoss(saliencyOf(method)) || typeof all !== 'number') return { plan: await replanned(scoring) }
  const samples = Math.min(all, Math.max(FEW, scoring.miniBatch ?? 1))
  const counted = `layers are counted as ${method} leaves them by ${grouped(samples)} training samples; the run takes ${grouped(all)}`
  return { plan: await replanned({ ...scoring, samples }), ...(samples < all && { counted }) }

  async function replanned(settings: ScoringSettings): Promise<RunPlan & Beginning> {
    const light = { ...recipe, prune: { ...asked!, scoring: settings, onCollapse: onlyWarned(asked!.onCollapse) } }
    const pruning = await pruningPlan(light, model, data)
    return { ...plan, recipe: light, pruning, short: pruning }
  }
}

/** A dry run goes on where layers collapse. */
const onlyWarned = (onCollapse: OnCollapse | undefined): OnCollapse => (onCollapse === 'floor' ? 'floor' : 'warn')

/**
 * Prunes the network of a recipe as its run does at step `first`, with which it begins. Returns a sentence
 * where what decides how many weights stay of each layer is not known or takes long; nothing where the run
 * begins with all weights, or has pruned here.
 */
export function pruneFirst(network: Network, beginning: Beginning): string | undefined {
  const { schedule, first } = beginning
  const { prune: asked, seed } = beginning.recipe
  if (!asked || !schedule || schedule.start > first) return undefined
  if (asked.target)
    return 'layers are counted with all their weights: prune.target decides before the first step how many stay in each, in a time that is not counted'
  const [{ sparsity, at }] = pruningEvents(schedule)
  const { method, scope, flops } = asked
  if (sparsity === 0 && !asked.sparsities && flops === undefined) return undefined
  const { stored } = methods[method]
  if (beginning.short) {
    beginning.short.prune(network, pruningEvents(schedule)[0], 0)
    return undefined
  }
  if (decides(beginning)) {
    const deciding = flops === undefined ? 'what it measures decides' : 'the budget of multiply-adds decides'
    return `layers are counted with all their weights: ${method} prunes them to ${percent(sparsity)} before the first step, and ${deciding} how many stay in each`
  }
  const own =
    asked.sparsities &&
    sparsitiesOf(prunedTensors(asked, network.model), asked.sparsity, asked.sparsities, 'prune.sparsities')
  const masks = maskOptions(asked)
  prune(network, {
    ...masks,
    // Which weights stay does not matter where every layer has a number of its own.
    method: stored ? (method as SaliencyName) : 'random',
    onCollapse: onlyWarned(masks.onCollapse),
    scope: own ? tensorwise((name) => at(own.get(name)!)) : scope,
    sparsity,
    seed,
  })
  return undefined
}
