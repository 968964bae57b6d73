/** @file The work of espalier eval. */

import { costsUsed, readCosts } from '../../calibrate/cost-file.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { sparsityOf } from '../../sparsity/mask.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { kernelKinds } from '../../train/kernels.ts'
import { Network } from '../../train/network.ts'
import { statedPreprocessing } from '../../train/preprocessing.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { DISTANCES, distanceLabel, isDistance, measured } from '../display/measured.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { oneOf } from '../flags/choices.ts'
import { loadEvaluationData } from '../flags/data.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { namedNetwork } from '../flags/named-network.ts'
import type { PreprocessingFlags } from '../flags/preprocessing.ts'
import { importOptions } from '../flags/preprocessing.ts'

export interface EvalOptions extends PreprocessingFlags {
  model?: string
  weights?: string
  dataset?: string
  data?: string
  kernels: string
  costs?: string
  dense?: string
  json?: boolean
}

export async function evaluate(argument: string | undefined, options: EvalOptions): Promise<void> {
  const kernels = oneOf('--kernels', options.kernels, kernelKinds)
  if (options.costs !== undefined && kernels !== 'auto')
    throw new UserError(`--costs is for --kernels auto, found ${kernels}`)
  const costs = options.costs === undefined ? undefined : readCosts(options.costs)
  const path = weightsPath(one('a file of weights', { 'the argument': argument, '--weights': options.weights }))
  const name = one('a data set or a folder', { '--dataset': options.dataset, '--data': options.data })
  const stored = await readWeights(path, importOptions(options), printNote)
  for (const flag of ['layout', 'dim', 'given'] as const)
    if (options[flag] !== undefined && !stored.onnx)
      throw new UserError(`--${flag} is for ONNX models, which ${path} is not`)
  const { model, file } = namedNetwork(stored, path, options.model)
  const stated = statedPreprocessing(file.metadata, path, model.image[0])
  const loading = new DataDisplay()
  const { show: onProgress } = loading
  const evaluation = await loadEvaluationData(name, model, stated, options, { onProgress }).finally(() =>
    loading.stop(),
  )
  const machine = await openMachine()
  const network = new Network({ machine, model, data: evaluation.data, kernels, costs })
  loadWeights(network, file, path)
  network.fitKernels()
  if (network.judgedByDistance) await rememberDense(network, name, path, options)
  else if (options.dense !== undefined)
    throw new UserError(`--dense is for data without labels, and ${name} has labels of ${model.name}`)
  const result = measured(network)
  const layers = network.counts()
  const sparsity = sparsityOf(layers)
  const weights = layers.reduce((sum, { size }) => sum + size, 0)
  const warning = isDistance(result) ? undefined : chanceWarning(result, model)
  if (options.json) {
    const preprocessing = preprocessingJson(evaluation)
    return printJson({
      model: model.name,
      dataset: name,
      ...result,
      sparsity,
      ...preprocessing,
      warning,
      engine: machine.description,
      costs: costsUsed(network.kernels.costs),
    })
  }
  for (const line of preprocessingLines(evaluation, model)) print(line)
  const zeros = `sparsity ${percent(sparsity)} of the ${grouped(weights)} weights of layers`
  if (isDistance(result)) {
    print(`distance ${result.loss.toFixed(4)} from ${options.dense} on ${grouped(result.count)} samples, ${zeros}`)
    for (const output of result.outputs) print(`  ${distanceLabel(output)}: ${output.distance.toFixed(4)}`)
    print(DISTANCES)
  } else {
    const { accuracy, correct, count, loss } = result
    print(`accuracy ${percent(accuracy)} (${correct} of ${count}), loss ${loss.toFixed(4)}, ${zeros}`)
    print(byClassText(result))
  }
  for (const line of [guessWarning(evaluation), warning]) if (line) print(line)
}

/**
 * Has distances go from the dense network of --dense. Throws UserError where there is none, or it is another
 * network.
 */
async function rememberDense(network: Network, data: string, path: string, options: EvalOptions): Promise<void> {
  const { dense } = options
  if (dense === undefined)
    throw new UserError(
      `${data} has no labels of ${path}: expected --dense with the dense network, from whose results distances are`,
    )
  const stored = await readWeights(weightsPath(dense), importOptions(options), printNote)
  const { model, file } = namedNetwork(stored, dense, options.model)
  const sizes = ({ image, classes }: Model) => `${image.join(' x ')} to ${classes}`
  if (sizes(model) !== sizes(network.model))
    throw new UserError(
      `--dense: ${dense} computes ${sizes(model)} results, expected ${sizes(network.model)} as ${path} does`,
    )
  const other = new Network({ machine: network.machine, model, data: network.data })
  loadWeights(other, file, dense)
  other.remember()
  network.rememberFrom(other)
}

/** The measures that go by classes. */
function byClassText({ top5, precision, recall, f1 }: Evaluation): string {
  const means = `precision ${percent(precision)}, recall ${percent(recall)}, F1 ${percent(f1)} (means over classes)`
  return top5 === undefined ? means : `top-5 ${percent(top5)}, ${means}`
}

/** What one of two ways to say it says. Throws UserError where neither does, or both do. */
function one(what: string, ways: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(ways).filter(([, value]) => value !== undefined)
  const names = Object.keys(ways)
  if (said.length > 1) throw new UserError(`eval takes ${what} once: expected ${names.join(' or ')}, found both`)
  if (said.length === 0) throw new UserError(`eval needs ${what}: expected ${names.join(' or ')}, found neither`)
  return said[0][1]!
}
