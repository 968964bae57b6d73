/**
 * @file Repair of a pruned network without normalizations: scale and shift of every output, layer after layer
 * from the input on, give it the mean and the deviation that it had in the dense network (Jordan et al. 2023,
 * REPAIR; Zhan et al. 2026, Adaptive Signal Resuscitation):
 *
 *     w <- s w,   b <- s (b - m) + m0,   s = d0 / d,
 *
 * with mean m and deviation d of the output now, m0 and d0 before pruning; without a bias, the scale alone.
 * No labels are needed for it; those of held-out samples say, layer by layer, whether it stays.
 */
import type { Network } from '../train/network.ts'
import { random } from '../util/random.ts'
import type { RefreshedStatistics } from './masks.ts'
import type { PruningPlan, PruningProgress, PruningRequest } from './method.ts'
import { type Moments, type OutputLayer, OutputMoments } from './output-moments.ts'
import { judgingPlaces } from './samples.ts'

/** Images that outputs are measured on, at most. */
const IMAGES = 1000

/**
 * The plan, which then also repairs outputs where that lowers the loss. `judging`: the places, among the
 * training samples, of those whose loss decides (default: drawn by the seed).
 */
export function withRepair(
  plan: PruningPlan,
  { model, data: { samples }, tensors, seed }: PruningRequest,
  judging = () => judgingPlaces(samples, seed),
): PruningPlan {
  const images = Math.min(IMAGES, samples)
  const moments = new OutputMoments(
    tensors.map(({ name }) => name),
    images,
    model,
  )
  const places = (network: Network) => {
    const training = network.indices.train
    const order = random(seed, 'repair samples').permutation(training.length)
    return order.slice(0, images).map((place) => training[place])
  }
  let dense: Moments[] | undefined
  const refresh = (network: Network, progress: PruningProgress = () => {}): RefreshedStatistics => {
    network.densify()
    const judges = judging().map((place) => network.indices.train[place])
    const samples = places(network)
    const loss = () => network.trainingLoss(judges)
    const before = loss()
    let [after, outputs] = [before, 0]
    moments.layers.forEach((layer, l) => {
      progress('statistics', layer.matrix.name, l / moments.layers.length)
      const old = valuesOf(network, layer).map((values) => values.slice())
      const changed = adapt(network, layer, dense![l], moments.measure(network, samples)[l])
      const now = loss()
      if (now < after) {
        after = now
        outputs += changed
      } else valuesOf(network, layer).forEach((values, i) => void values.set(old[i]))
    })
    network.fitKernels()
    return { images, before, after, taken: outputs > 0, outputs }
  }
  const { network } = plan
  return {
    ...plan,
    settings: { ...plan.settings, refreshBatchNorm: 'auto' },
    network: {
      ...network,
      programs: { ...network.programs, ...moments.programs },
      judged: network.judged ?? judging().length,
    },
    prune(network, event, index, progress) {
      network.densify()
      dense = moments.measure(network, places(network))
      return plan.prune(network, event, index, progress)
    },
    refresh,
  }
}

const valuesOf = (network: Network, { matrix: { name }, bias }: OutputLayer) =>
  [name, ...(bias === undefined ? [] : [bias])].map((each) => network.values(each))

/** Gives outputs of a layer their dense moments, unless they do not vary; how many changed. */
function adapt(network: Network, { matrix, bias }: OutputLayer, dense: Moments, now: Moments): number {
  const scale = dense.deviation.map((d0, c) => (now.deviation[c] > 0 ? d0 / now.deviation[c] : 1))
  const weights = network.values(matrix.name)
  const { rows, columns, transposed } = matrix
  for (let i = 0; i < weights.length; i++) weights[i] *= scale[transposed ? i % rows : Math.floor(i / columns)]
  const shifts = bias === undefined ? undefined : network.values(bias)
  shifts?.forEach((b, c) => {
    if (now.deviation[c] > 0) shifts[c] = scale[c] * (b - now.mean[c]) + dense.mean[c]
  })
  return now.deviation.filter((d) => d > 0).length
}
