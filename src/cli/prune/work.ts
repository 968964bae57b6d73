/** @file What espalier prune does to a network that runs, with data. */
import { openMachine } from '../../engine/machines/open.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { pruneStored } from '../../methods/by-value/prune-stored.ts'
import { pruneObc, pruneSparseGpt } from '../../methods/layerwise/driver.ts'
import { drawSamples } from '../../methods/samples.ts'
import { pruneSecondOrder, type SecondOrderMethod } from '../../methods/second-order/driver.ts'
import { GradientCache } from '../../methods/second-order/fisher/gradient-cache.ts'
import { planGradients } from '../../methods/second-order/fisher/gradient-plan.ts'
import { GradientSource } from '../../methods/second-order/fisher/gradients.ts'
import type { Model } from '../../models/model.ts'
import { loadMasks, loadWeights, weightsOf } from '../../train/checkpoint.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { Network } from '../../train/network.ts'
import { BatchNormRefresh } from '../../train/refresh-batch-norm.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { random } from '../../util/random.ts'
import { version } from '../../util/version.ts'
import { printNote } from '../display/output.ts'
import type { EvaluationData } from '../flags/data.ts'
import type { PruneDisplay } from './progress.ts'
import { isLayerwise, isStored, memoryOf, type PruneFlags, type PruneMethod, type PruneSamples } from './settings.ts'

export interface Task {
  flags: PruneFlags
  model: Model
  method: PruneMethod
  samples: PruneSamples
  inputs: EvaluationData
  display?: PruneDisplay
}

/**
 * The network with its weights, the names of the tensors, and the work itself. Throws UserError where
 * something does not fit.
 */
export async function prepare(
  file: WeightsFile,
  path: string,
  { flags, model, method, samples, inputs, display }: Task,
) {
  const { data } = inputs
  const { lambda, fisher, faithful, scope, seed, sparsity, stages } = method
  const names = method.tensors.map(({ name }) => name)
  const notice = (sentence: string) => (display ? display.line(`note: ${sentence}`) : printNote(sentence))
  const cache = flags.fisherCache === undefined ? undefined : new GradientCache(flags.fisherCache, notice)
  const refresh = samples.refresh > 0 ? new BatchNormRefresh(samples.refresh) : undefined
  const plan =
    isStored(method.method) || isLayerwise(method.method)
      ? undefined
      : planGradients(
          model,
          method.tensors,
          { ...samples, method: method.method, fisher, memory: memoryOf(flags.memory) },
          '--samples',
        )
  const source = new GradientSource({ tensors: names, ...samples, ...plan, cache })
  const network = new Network({
    machine: await openMachine(),
    model,
    data,
    judged: samples.judge,
    batch: 1, // Masks are part of training programs.
    programs: { ...(plan && source.programs), ...refresh?.programs },
  })
  loadWeights(network, file, path)
  checkFinite(network, path)
  if (refresh?.layers === 0) throw new UserError(`--refresh-bn: ${model.name} has no batch normalization`)

  const prune = (): Work => {
    const { samples: count, miniBatch, judge } = samples
    const started = performance.now()
    if (isStored(method.method) && !(faithful && method.method === 'magnitude')) {
      const options = { method: method.method, sparsity, scope, tensors: names, seed }
      loadMasks(network, pruneStored(weightsOf(network), options).file, path)
      return { seconds: { pruning: (performance.now() - started) / 1000 } }
    }
    if (isLayerwise(method.method)) {
      const progress = (layer: string, done: number, total: number) =>
        display?.show('layers', `${layer}, ${done} of ${total}`, done / total)
      const options = {
        sparsity,
        layers: names,
        samples: count,
        seed,
        progress,
        ...(lambda !== undefined && { damp: lambda }),
      }
      // Equal shares would empty the small layers of a network long before the large ones.
      const { reconstructions } =
        method.method === 'obc' ? pruneObc(network, options) : pruneSparseGpt(network, { ...options, scope: 'erk' })
      return { reconstructions, seconds: { layers: (performance.now() - started) / 1000 } }
    }
    const drawn = drawSamples(data.train.count, { gradients: count * miniBatch, judge, seed, faithful })
    const options = {
      method: method.method as SecondOrderMethod,
      sparsity,
      lambda,
      fisher,
      stages,
      seed,
      faithful,
      ...(scope === 'layerwise' && { scope }),
      ...drawn,
    }
    const { stages: reports, seconds } = pruneSecondOrder(network, source, { ...options, onProgress: display?.show })
    return { stages: reports, seconds }
  }

  const run = (): Work & Evaluations => {
    const { seconds, ...reports } = prune()
    const pruned = network.evaluate('test')
    if (!refresh) return { pruned, ...reports, seconds }
    const started = performance.now()
    display?.show('statistics', '', 0)
    const images = random(seed, 'batch normalization samples').permutation(data.train.count).slice(0, samples.refresh)
    refresh.run(network, images, (done, total) => {
      display?.show('statistics', `${grouped(done)} of ${grouped(total)} images`, done / total)
    })
    const statistics = (performance.now() - started) / 1000
    return { pruned, refreshed: network.evaluate('test'), ...reports, seconds: { ...seconds, statistics } }
  }
  return { network, names, run }
}

/** What the methods say of their work, and seconds by phase. */
interface Work {
  stages?: ReturnType<typeof pruneSecondOrder>['stages']
  reconstructions?: ReturnType<typeof pruneObc>['reconstructions']
  seconds: Record<string, number>
}

interface Evaluations {
  pruned: Evaluation
  /** With new statistics of batch normalizations. */
  refreshed?: Evaluation
}

/** What the file of pruned weights says of how they were made. */
export function described(method: PruneMethod, samples: PruneSamples): Record<string, string> {
  const { method: name, scope, sparsity, seed, lambda, fisher, stages, faithful, tensors } = method
  const facts = {
    method: name,
    scope,
    sparsity,
    seed,
    samples: samples.samples,
    'mini-batch': samples.miniBatch,
    damp: lambda ?? 'usual',
    'block-size': fisher,
    stages: stages ?? 'usual',
    judge: samples.judge,
    'refresh-bn': samples.refresh,
    faithful,
    pruned: tensors.map((tensor) => tensor.name).join(','),
    espalier: version(),
    node: process.version,
  }
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)]))
}

function checkFinite(network: Network, path: string): void {
  for (const { name } of network.stored) {
    const values = network.values(name)
    const at = values.findIndex((value) => !Number.isFinite(value))
    if (at >= 0)
      throw new UserError(`${path}: tensor ${name} holds ${values[at]} at index ${at}, expected finite values`)
  }
}
