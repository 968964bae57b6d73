/**
 * @file espalier prune --finetune without labels: the weights that are left are trained so that the results
 * come nearer to those of the dense network (distillation, Hinton et al. 2015), by the train section of a
 * recipe. What was pruned stays zero.
 */
import { firstStep, rateSchedule } from '../../experiment/plan/times.ts'
import type { Recipe } from '../../experiment/recipe/recipe.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { loadWeights, weightsOf } from '../../train/checkpoint.ts'
import type { Metric } from '../../train/metric.ts'
import { Network } from '../../train/network.ts'
import { train } from '../../train/train.ts'
import { UserError } from '../../util/errors.ts'
import { interruptible } from '../display/interruptible.ts'
import { measured } from '../display/measured.ts'
import type { PruneDisplay } from './progress.ts'

/** Keys of the train section that say how weights are trained by their gradients, and nothing else. */
const TAKEN = new Set(
  'epochs batch learningRate momentum nesterov weightDecay biasDecay l1 schedule warmup drops factor kernels'.split(
    ' ',
  ),
)

/** Throws UserError, naming the key, where a recipe asks for what needs labels, or for more than training. */
export function checkDistillation({ train: section, data }: Recipe): void {
  const other = Object.entries(section).find(([key, value]) => value !== undefined && !TAKEN.has(key))
  if (other) throw new UserError(`--finetune without labels: train.${other[0]} has no meaning here, expected none`)
  if (data.augment !== 'none')
    throw new UserError(
      `--finetune without labels: expected data.augment none, since the dense network saw no other images, found ${data.augment}`,
    )
}

/**
 * Trains a network that was pruned, beside it; `dense` are its weights before. Throws UserError where
 * training diverges, or on Ctrl-C.
 */
export async function distill(
  network: Network,
  dense: { file: WeightsFile; path: string },
  recipe: Recipe,
  { metric, display }: { metric?: Metric; display?: PruneDisplay } = {},
) {
  checkDistillation(recipe)
  const { machine, model, data } = network
  const { batch, epochs, momentum, nesterov, weightDecay, biasDecay, l1 } = recipe.train
  const { seed } = recipe
  const prunable = network.prunable.map(({ name }) => name)
  const student = new Network({ machine, model, data, prunable, seed, batch: Math.min(batch, data.train.count) })
  loadWeights(student, dense.file, dense.path)
  student.remember()
  for (const { name } of network.stored) student.values(name).set(network.weights.whole(name))
  for (const name of prunable) student.mask(name).set(network.weights.whole(name).map((w) => (w === 0 ? 0 : 1)))
  const { signal, release } = interruptible(() => display?.stop())
  const { total, ...schedule } = rateSchedule(recipe, student.stepsPerEpoch)
  const steps = await train(student, {
    epochs,
    optimizer: { momentum, nesterov, weightDecay, biasDecay, l1 },
    schedule,
    seed,
    start: firstStep(recipe, student.stepsPerEpoch),
    signal,
    onEpoch: ({ epoch, trainLoss }) =>
      display?.show('training', `epoch ${epoch}, distance ${trainLoss.toFixed(4)}`, epoch / epochs),
  }).finally(release)
  if (steps < total) throw new UserError('interrupted while training: nothing was written')
  student.assertMasked()
  return { weights: weightsOf(student), evaluation: measured(student, metric) }
}
