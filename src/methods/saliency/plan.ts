/** @file Pruning by the scores of a saliency, as methods are planned. */
import { raiseToFloor } from '../../sparsity/floor.ts'
import { channelSpaces } from '../../sparsity/granularity/channel-spaces.ts'
import type { PruningEvent } from '../../sparsity/schedule.ts'
import { type Scope, scopes } from '../../sparsity/scope.ts'
import { tensorwise } from '../../sparsity/sparsities.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { samplesAtOnce } from '../../train/samples-at-once.ts'
import { withAfterwards } from '../afterwards.ts'
import { flopsAt } from '../flops.ts'
import type { PruningPlan, PruningRequest } from '../method.ts'
import { prune } from '../prune.ts'
import type { SaliencyName } from './index.ts'
import { Scoring } from './scoring/scoring.ts'
import type { ScoringSettings } from './settings.ts'

/** Throws UserError where settings do not fit, or floors do not fit the sparsity. */
export function scoresPlan(
  method: SaliencyName,
  { samples, reconstruct, refreshBatchNorm, polish, ...settings }: ScoringSettings,
  request: PruningRequest,
): PruningPlan {
  const { model, data, tensors, sparsities, seed, masks, nameOf } = request
  const all = prunableTensors(model)
  const chosen = tensors.length === all.length && tensors.every(({ name }, i) => name === all[i].name)
  const prunable = chosen ? undefined : tensors.map(({ name }) => name)
  const scoring = new Scoring({
    ...settings,
    method,
    available: data.samples,
    atOnce: samplesAtOnce(model),
    prunable,
    samples: samples === 'all' ? data.samples : samples,
    nameOf,
  })
  const plan: PruningPlan = {
    settings: { ...scoring.settings },
    network: { programs: scoring.programs, prunable },
    budgets: request.flops !== undefined || sparsities !== undefined,
    ...(scoring.rounds === 1 && {
      scores(network) {
        network.densify()
        const layers = network.layers().map(({ name, mask }) => {
          const weights = network.values(name).slice()
          return { name, weights, mask: mask.slice(), scores: weights.slice() }
        })
        scoring.score(network, layers, { seed, event: 0, round: 0 })
        return new Map(layers.map(({ name, scores }) => [name, scores]))
      },
    }),
    prune(network, event, index, tell = () => {}) {
      const { sparsity, at } = event
      const started = performance.now()
      tell('scoring', '', 0)
      const progress = (done: number, total: number) => tell('scoring', `${done} of ${total}`, done / total)
      const scope = sparsities ? tensorwise((name) => at(sparsities.get(name)!)) : request.scope
      const flops = flopsAt(event, request.flops)
      const channels = masks?.channels && channelsAt(event, masks.channels, request)
      const options = { method: scoring, scope, sparsity, ...masks, channels, flops, seed, progress }
      const result = prune(network, options, index)
      const { gradients } = scoring
      return {
        ...result,
        ...(gradients > 0 && { gradients }),
        seconds: { scoring: (performance.now() - started) / 1000 },
      }
    },
  }
  return withAfterwards(plan, { reconstruct, refreshBatchNorm, polish }, request)
}

/** Channels that stay after an event on the way to their final numbers. */
function channelsAt(
  { at }: PruningEvent,
  finals: ReadonlyMap<string, number>,
  { model, tensors }: PruningRequest,
): Map<string, number> {
  const spaces = channelSpaces(model, new Set(tensors.map(({ name }) => name)))
  return new Map(
    spaces.flatMap(({ name, channels: { length } }) => {
      const kept = finals.get(name)
      return kept === undefined ? [] : [[name, length - Math.round(length * at(1 - kept / length))]]
    }),
  )
}

/**
 * Whether the floor of every layer fits a final sparsity, as far as that can be said before there is a
 * network. Throws UserError.
 */
export function checkFloor({ tensors, masks, scope, sparsities }: PruningRequest, sparsity: number): void {
  // Of whole channels other counts are due.
  if (!masks?.floor || masks.granularity === 'channel') return
  const finals: Scope = sparsities ? tensorwise((name) => sparsities.get(name)!) : scopes[scope]
  raiseToFloor(finals.groups(tensors, sparsity, masks.count), masks.floor)
}
