/** @file The work of espalier eval. */

import { costsUsed, readCosts } from '../../calibrate/cost-file.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { type Model, sampleText } from '../../models/model.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import { kernelKinds } from '../../train/kernels.ts'
import { Network } from '../../train/network.ts'
import { statedPreprocessing } from '../../train/preprocessing.ts'
import { UserError } from '../../util/errors.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { printEvaluated } from '../display/evaluated.ts'
import { measured } from '../display/measured.ts'
import { printNote } from '../display/output.ts'
import type { EvalOptions } from '../eval/options.ts'
import { oneOf } from '../flags/choices.ts'
import { loadEvaluationData } from '../flags/data.ts'
import { readMetric } from '../flags/metric.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { recurrenceHere } from '../flags/recurrence.ts'

export async function evaluate(argument: string | undefined, options: EvalOptions): Promise<void> {
  const engine = oneOf('--engine', options.engine, ['espalier', 'onnxruntime'])
  const kernels = oneOf('--kernels', options.kernels, kernelKinds)
  if (options.costs !== undefined && kernels !== 'auto')
    throw new UserError(`--costs is for --kernels auto, found ${kernels}`)
  const costs = options.costs === undefined ? undefined : readCosts(options.costs)
  const metric = options.metric === undefined ? undefined : await readMetric(options.metric)
  const path = weightsPath(one('a file of weights', { 'the argument': argument, '--weights': options.weights }))
  const name = one('a data set or a folder', { '--dataset': options.dataset, '--data': options.data })
  const stored = await readWeights(path, importOptions(options), printNote)
  for (const flag of ['layout', 'dim', 'given'] as const)
    if (options[flag] !== undefined && !stored.onnx)
      throw new UserError(`--${flag} is for ONNX models, which ${path} is not`)
  if (engine === 'onnxruntime') {
    const { evaluateInRuntime } = await import('../eval/in-runtime.ts')
    return evaluateInRuntime(stored, path, { ...options, data: name }, metric)
  }
  const { model, file } = namedNetwork(stored, path, options.model)
  const stated = statedPreprocessing(file.metadata, path, model.image[0])
  const loading = new DataDisplay()
  const { show: onProgress } = loading
  // What states are is said by the dense network, where there is one: the pruned one would go other ways.
  const dense = options.dense === undefined ? undefined : await denseAt(options.dense, options)
  const recurrence = recurrenceHere(dense?.stored ?? stored)
  const evaluation = await loadEvaluationData(name, model, stated, options, { onProgress, recurrence }).finally(() =>
    loading.stop(),
  )
  const machine = await openMachine()
  const network = new Network({ machine, model, data: evaluation.data, kernels, costs })
  loadWeights(network, file, path)
  network.fitKernels()
  if (network.judgedByDistance) rememberDense(network, name, path, dense)
  else if (options.dense !== undefined)
    throw new UserError(`--dense is for data without labels, and ${name} has labels of ${model.name}`)
  const layers = network.counts()
  const sum = (of: 'size' | 'kept') => layers.reduce((all, layer) => all + layer[of], 0)
  const found = {
    result: measured(network, metric),
    model,
    inputs: evaluation,
    dataset: name,
    dense: options.dense,
    weights: { size: sum('size'), zeros: sum('size') - sum('kept') },
    engine: machine.description,
    costs: costsUsed(network.kernels.costs),
  }
  printEvaluated(found, options.json)
}

/** The dense network, and its file as it was read. */
type Dense = Awaited<ReturnType<typeof denseAt>>

async function denseAt(called: string, options: EvalOptions) {
  const stored = await readWeights(weightsPath(called), importOptions(options), printNote)
  return { called, stored, ...namedNetwork(stored, called, options.model) }
}

/**
 * Has distances go from the dense network of --dense. Throws UserError where there is none, or it is another
 * network.
 */
function rememberDense(network: Network, data: string, path: string, dense?: Dense): void {
  if (dense === undefined)
    throw new UserError(
      `${data} has no labels of ${path}: expected --dense with the dense network, from whose results distances are`,
    )
  const { model, file, called } = dense
  const sizes = ({ inputs, image, classes }: Model) => `${sampleText({ inputs, image })} to ${classes}`
  if (sizes(model) !== sizes(network.model))
    throw new UserError(
      `--dense: ${called} computes ${sizes(model)} results, expected ${sizes(network.model)} as ${path} does`,
    )
  const other = new Network({ machine: network.machine, model, data: network.data })
  loadWeights(other, file, called)
  other.remember()
  network.rememberFrom(other.remembered())
}

/** What one of two ways to say it says. Throws UserError where neither does, or both do. */
function one(what: string, ways: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(ways).filter(([, value]) => value !== undefined)
  const names = Object.keys(ways)
  if (said.length > 1) throw new UserError(`eval takes ${what} once: expected ${names.join(' or ')}, found both`)
  if (said.length === 0) throw new UserError(`eval needs ${what}: expected ${names.join(' or ')}, found neither`)
  return said[0][1]!
}
