/**
 * @file New statistics of batch normalizations after pruning, which methods of every family take on request.
 */
import { batchTaken } from '../train/batch-limit.ts'
import { BatchNormRefresh, hasBatchNorm, MOST_TOGETHER } from '../train/refresh-batch-norm.ts'
import { UserError } from '../util/errors.ts'
import { grouped } from '../util/format.ts'
import { random } from '../util/random.ts'
import type { PruningPlan, PruningRequest } from './method.ts'
import { judgingPlaces } from './samples.ts'
import type { Refresh } from './settings.ts'

/** Images where no number is asked for. */
const USUAL_IMAGES = 1000

/**
 * The plan, which then also takes new statistics from some training images: as many as asked for, or with
 * `auto` where they lower the loss; `none`, and `auto` where there is no batch normalization: as it was.
 * `judging`: the places, among the training samples, of those whose loss is told before and after (default:
 * drawn by the seed). Throws UserError where there is no batch normalization or there are not as many images.
 */
export function withRefresh(
  plan: PruningPlan,
  wanted: Refresh = 'none',
  { model, data: { name, samples }, seed, nameOf }: PruningRequest,
  judging = () => judgingPlaces(samples, seed),
): PruningPlan {
  const auto = wanted === 'auto'
  if (wanted === 'none' || (auto && (!hasBatchNorm(model) || samples < 2))) return plan
  const images = auto ? Math.min(USUAL_IMAGES, samples) : wanted
  const key = nameOf('refreshBatchNorm')
  if (!hasBatchNorm(model)) throw new UserError(`${key}: ${model.name} has no batch normalization`)
  if (images > samples)
    throw new UserError(
      `${key}: expected at most the ${grouped(samples)} training samples of ${name}, found ${grouped(images)}`,
    )
  const refresh = new BatchNormRefresh(images, { atOnce: batchTaken(model, MOST_TOGETHER) })
  const { network } = plan
  return {
    ...plan,
    settings: { ...plan.settings, refreshBatchNorm: wanted },
    network: {
      ...network,
      programs: { ...network.programs, ...refresh.programs },
      judged: network.judged ?? judging().length,
    },
    refresh(network, progress = () => {}) {
      const training = network.indices.train
      const places = (list: Uint32Array) => list.map((i) => training[i])
      const judges = places(judging())
      const old = network.stored.flatMap(({ name, role }) =>
        role === 'buffer' ? [[name, network.values(name).slice()] as const] : [],
      )
      const before = network.trainingLoss(judges)
      progress('statistics', '', 0)
      const order = random(seed, 'batch normalization samples').permutation(training.length)
      refresh.run(network, places(order.slice(0, images)), (done, total) =>
        progress('statistics', `${grouped(done)} of ${grouped(total)} images`, done / total),
      )
      const after = network.trainingLoss(judges)
      const taken = !auto || after < before
      if (!taken) for (const [name, values] of old) network.values(name).set(values)
      return { images, before, after, taken }
    },
  }
}
