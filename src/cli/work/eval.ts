/** @file The work of espalier eval. */

import { costsUsed, readCosts } from '../../calibrate/cost-file.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { sparsityOf } from '../../sparsity/mask.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { kernelKinds } from '../../train/kernels.ts'
import { Network } from '../../train/network.ts'
import { statedPreprocessing } from '../../train/preprocessing.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { oneOf } from '../flags/choices.ts'
import {
  chanceWarning,
  guessWarning,
  loadEvaluationData,
  preprocessingJson,
  preprocessingLines,
} from '../flags/data.ts'
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
  const evaluation = await loadEvaluationData(name, model, stated, options, loading.show).finally(() => loading.stop())
  const machine = await openMachine()
  const network = new Network({ machine, model, data: evaluation.data, kernels, costs })
  loadWeights(network, file, path)
  network.fitKernels()
  const result = network.evaluate('test')
  const layers = network.counts()
  const sparsity = sparsityOf(layers)
  const weights = layers.reduce((sum, { size }) => sum + size, 0)
  const warning = chanceWarning(result, model)
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
  print(
    `accuracy ${percent(result.accuracy)} (${result.correct} of ${result.count}), loss ${result.loss.toFixed(4)}, sparsity ${percent(sparsity)} of the ${grouped(weights)} weights of layers`,
  )
  print(byClassText(result))
  for (const line of [guessWarning(evaluation), warning]) if (line) print(line)
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
