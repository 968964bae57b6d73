/**
 * @file espalier prune --finetune: the weights that are left, trained by the train section of a recipe; those
 * that were pruned stay zero.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { isLabelled } from '../../data/dataset.ts'
import { checkRecipe, type Recipe } from '../../experiment/recipe/recipe.ts'
import { FILES } from '../../experiment/run/folder.ts'
import { runRecipe } from '../../experiment/run/run.ts'
import { type TensorFile, writeSafetensors } from '../../formats/safetensors.ts'
import { readWeights } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import { measureMetric } from '../../train/measure-metric.ts'
import type { Metric } from '../../train/metric.ts'
import type { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { interruptible } from '../display/interruptible.ts'
import type { Measured } from '../display/measured.ts'
import type { PruneDisplay } from './progress.ts'

export interface FinetuneOptions {
  data?: string
  out: string
  model: Model
  /** What is measured of the trained weights, too. */
  metric?: Metric
  display?: PruneDisplay
}

export interface Finetuned {
  weights: TensorFile
  evaluation: Measured
}

/**
 * Trains in a run folder beside the output; with a measure of one's own the network has the trained weights
 * afterwards. Throws UserError where the recipe does not fit, or on Ctrl-C.
 */
export async function finetune(
  pruned: TensorFile,
  network: Network,
  { train, data, seed, validation }: Recipe,
  options: FinetuneOptions,
): Promise<Finetuned> {
  const { out, model, metric, display } = options
  const { data: samples } = network
  if (!isLabelled(samples)) throw new Error(`${samples.name} has no labels to train by`)
  const start = `${out}.pruned.safetensors`
  const folder = `${out}.finetune`
  writeSafetensors(start, pruned)
  const { name, classes, widen } = model
  const recipe = checkRecipe(
    {
      name: 'finetune',
      seed,
      train,
      ...(validation && { validation }),
      model: { name, classes, ...(widen !== undefined && { widen }), weights: start, masks: start },
      data: { ...data, name: options.data },
    },
    'the recipe of --finetune',
  )
  const { signal, release } = interruptible(() => display?.stop())
  const outcome = await runRecipe(recipe, {
    out: folder,
    force: true,
    machine: network.machine,
    data: samples,
    signal,
    onEvent: (event) => {
      if (event.type === 'epoch') display?.show('training', `epoch ${event.epoch}`, event.epoch / train.epochs)
    },
  }).finally(release)
  if (outcome.interrupted)
    throw new UserError(`interrupted while training; the pruned weights are in ${start}, the run in ${folder}`)
  const weights = await readWeights(join(folder, FILES.model))
  rmSync(start, { force: true })
  const evaluation = outcome.result!.final
  if (!metric) return { weights, evaluation }
  loadWeights(network, weights, folder)
  return { weights, evaluation: { ...evaluation, metrics: measureMetric(network, metric) } }
}
