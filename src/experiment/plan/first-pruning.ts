/**
 * @file What a run prunes before its first step, for dry runs: how many weights each layer keeps, as far as
 * that can be told without measuring gradients.
 */
import { methods } from '../../methods/index.ts'
import { prune } from '../../methods/prune.ts'
import type { SaliencyName } from '../../methods/saliency/index.ts'
import { type PruningSchedule, pruningEvents } from '../../sparsity/schedule.ts'
import { sparsitiesOf, tensorwise } from '../../sparsity/sparsities.ts'
import type { Network } from '../../train/network.ts'
import { percent } from '../../util/format.ts'
import { maskOptions } from '../recipe/mask-keys.ts'
import type { Recipe } from '../recipe/schema.ts'
import { prunedTensors } from './pruning.ts'

/**
 * Prunes the network of a recipe as its run does at step `first`, with which it begins, where nothing but
 * weights and sizes of layers says how many stay of each. Returns a sentence where something else does;
 * nothing where the run begins with all weights, or has pruned here.
 */
export function pruneFirst(
  { prune: asked, seed }: Recipe,
  network: Network,
  { schedule, first }: { schedule?: PruningSchedule; first: number },
): string | undefined {
  if (!asked || !schedule || schedule.start > first) return undefined
  const [{ sparsity, at }] = pruningEvents(schedule)
  const { method, scope, flops, granularity } = asked
  if (sparsity === 0 && !asked.sparsities && flops === undefined) return undefined
  const { stored, ranked } = methods[method]
  const alone = ranked && scope !== 'global' && granularity !== 'channel'
  if (flops !== undefined || !(stored || alone)) {
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
    onCollapse: masks.onCollapse === 'floor' ? 'floor' : 'warn',
    scope: own ? tensorwise((name) => at(own.get(name)!)) : scope,
    sparsity,
    seed,
  })
  return undefined
}
