/**
 * @file New statistics of batch normalizations after pruning, which methods of every family take on request.
 */
import { BatchNormRefresh, hasBatchNorm } from '../train/refresh-batch-norm.ts'
import { UserError } from '../util/errors.ts'
import { grouped } from '../util/format.ts'
import { random } from '../util/random.ts'
import type { PruningPlan, PruningRequest } from './method.ts'
import { USUAL_JUDGE } from './samples.ts'

/**
 * The plan, which then also takes new statistics from `images` training images; undefined: as it was.
 * `judging`: the places, among the training samples, of those whose loss is told before and after (default:
 * drawn by the seed). Throws UserError where there is no batch normalization or there are not as many images.
 */
export function withRefresh(
  plan: PruningPlan,
  images: number | undefined,
  { model, data: { name, samples }, seed, nameOf }: PruningRequest,
  judging = () => random(seed, 'judging samples').permutation(samples).slice(0, USUAL_JUDGE),
): PruningPlan {
  if (images === undefined) return plan
  const key = nameOf('refreshBatchNorm')
  if (!hasBatchNorm(model)) throw new UserError(`${key}: ${model.name} has no batch normalization`)
  if (images > samples)
    throw new UserError(
      `${key}: expected at most the ${grouped(samples)} training samples of ${name}, found ${grouped(images)}`,
    )
  const refresh = new BatchNormRefresh(images)
  const { network } = plan
  return {
    ...plan,
    settings: { ...plan.settings, refreshBatchNorm: images },
    network: {
      ...network,
      programs: { ...network.programs, ...refresh.programs },
      judged: network.judged ?? Math.min(USUAL_JUDGE, samples),
    },
    refresh(network, progress = () => {}) {
      const training = network.indices.train
      const places = (list: Uint32Array) => list.map((i) => training[i])
      const judges = places(judging())
      const before = network.evaluateTraining(judges).loss
      progress('statistics', '', 0)
      const order = random(seed, 'batch normalization samples').permutation(training.length)
      refresh.run(network, places(order.slice(0, images)), (done, total) =>
        progress('statistics', `${grouped(done)} of ${grouped(total)} images`, done / total),
      )
      return { images, before, after: network.evaluateTraining(judges).loss }
    },
  }
}
