/** @file espalier prune: a trained network pruned once, without training, by what its gradients say. */
import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command } from 'commander'
import { openMachine } from '../engine/machine.ts'
import { version } from '../experiment/environment.ts'
import { bytes, grouped, percent } from '../experiment/report.ts'
import type { TensorFile } from '../formats/safetensors.ts'
import { readWeights, writeWeights } from '../formats/weights-file.ts'
import { refuseCollapse } from '../prune/collapse.ts'
import { loadWeights, weightsOf } from '../train/checkpoint.ts'
import { modelOfFile } from '../train/model-of-file.ts'
import { Network } from '../train/network.ts'
import { statedPreprocessing } from '../train/preprocessing.ts'
import { BatchNormRefresh } from '../train/refresh-batch-norm.ts'
import { fileProblem, UserError } from '../util/errors.ts'
import { random } from '../util/random.ts'
import { GradientCache } from '../workflow/gradient-cache.ts'
import { planGradients } from '../workflow/gradient-plan.ts'
import { GradientSource } from '../workflow/gradients.ts'
import { pruneObc, pruneSparseGpt } from '../workflow/layerwise.ts'
import { drawSamples } from '../workflow/samples.ts'
import { pruneSecondOrder } from '../workflow/second-order.ts'
import { DataDisplay } from './data-progress.ts'
import {
  type EvaluationData,
  loadEvaluationData,
  PRECEDENCE,
  preprocessingFlags,
  preprocessingJson,
  preprocessingLines,
} from './eval-data.ts'
import { print, printJson } from './output.ts'
import { PruneDisplay } from './prune-progress.ts'
import { pruneCounts, pruneReport } from './prune-report.ts'
import {
  isLayerwise,
  memoryOf,
  type PruneFlags,
  type PruneMethod,
  type PruneSamples,
  pruneMethod,
  pruneMethods,
  pruneSamples,
} from './prune-settings.ts'

const METHODS = `
Methods:
${Object.entries(pruneMethods)
  .map(([name, summary]) => `  ${name.padEnd(12)} ${summary}`)
  .join('\n')}
`

const command = new Command('prune')
  .description('prune stored weights by first and second derivatives of the loss, without training')
  .argument('<file>', 'trained weights: a safetensors or HDF5 file, or a PyTorch checkpoint')
  .option('--model <name>', 'a built-in network (default: the one that the file names)')
  .requiredOption('--method <name>', `${Object.keys(pruneMethods).join(', ')}`)
  .requiredOption('--sparsity <share>', 'share of zeros among the weights of the pruned tensors, such as 0.9')
  .requiredOption('--data <name>', 'a data set or a folder: gradients are of its training samples')
  .requiredOption('-o, --out <file>', 'where the pruned weights go: safetensors, stored sparse')
  .option(
    '--samples <n>',
    'gradients (default: 4000, of convolutional networks and for chita 1000; at most half of the samples)',
  )
  .option('--mini-batch <n>', 'training samples whose mean loss one gradient belongs to', '1')
  .option(
    '--block-size <blocks>',
    'which weights interact: full, layer, or at most so many of a layer (default: full where all layers are linear)',
  )
  .option(
    '--damp <lambda>',
    'added to the diagonal of the Fisher matrix (default: full 1e-3, else 1e-5, for updates also stronger; obc, sparsegpt 0.01)',
  )
  .option(
    '--stages <n>',
    'steps of growing sparsity, with new gradients at each (default: each removes at most a third of what is left; of convolutional networks half; with chita a sixth)',
  )
  .option('--seed <n>', 'seed of all random draws', '0')
  .option(
    '--judge <n>',
    'training samples, not those of gradients, whose loss chooses masks and steps (default: 5000; a faithful search: all)',
  )
  .option('--faithful', 'samples, counts and steps as in the published code, to compare with published results')
  .option('--refresh-bn <n>', 'then take statistics of batch normalizations anew, from so many training images')
  .option('--prunable <set>', 'published (what published results of the network prune) or all', 'published')
  .option('--include <names>', 'prune these tensors only; comma separated, * for any characters')
  .option('--exclude <names>', 'do not prune these tensors')
  .option('--fisher-cache <dir>', 'keep gradients in this folder and use them again')
  .option(
    '--memory <gib>',
    'for gradients; where not all fit, they are computed again for groups of tensors (default: 4)',
  )
  .option(
    '--on-collapse <what>',
    'when a layer is emptied or no path is left: warn, or error (nothing is written)',
    'warn',
  )

export const pruneCommand = preprocessingFlags(command)
  .option('--json', 'print one JSON object')
  .addHelpText('after', METHODS + PRECEDENCE)
  .action(async (path: string, flags: PruneFlags) => {
    checkWritable(flags.out)
    const file = await readWeights(path)
    const model = modelOfFile(file, path, flags.model)
    const method = pruneMethod(flags, model)
    const stated = statedPreprocessing(file.metadata, path, model.image[0])
    const loading = new DataDisplay()
    const inputs = await loadEvaluationData(flags.data, model, stated, flags, loading.show).finally(() =>
      loading.stop(),
    )
    const samples = pruneSamples(flags, method.method, model, inputs.data)
    const display = flags.json ? undefined : new PruneDisplay()
    try {
      const { network, ...prune } = await prepare(file, path, { flags, method, samples, inputs, display })
      if (display) {
        for (const line of preprocessingLines(inputs)) print(line)
        const all = network.prunable.reduce((sum, { name }) => sum + network.values(name).length, 0)
        print(
          `${model.name}: pruning ${method.tensors.length} tensors, ${grouped(method.weights)} of ${grouped(all)} weights of layers; engine: ${network.machine.description}`,
        )
      }
      const dense = network.evaluate('test')
      display?.line(`dense: test accuracy ${percent(dense.accuracy)}, loss ${dense.loss.toFixed(4)}`)
      const outcome = prune.run()
      const result = { ...outcome, dense, ...pruneCounts(network, prune.names) }
      if (method.onCollapse === 'error') refuseCollapse(result.paths, method.sparsity)

      const weights = weightsOf(network, described(method, samples))
      await writeWeights(flags.out, weights)
      const written = statSync(flags.out).size
      if (!display) {
        const { method: name, sparsity, lambda: damp, fisher: blockSize, seed, faithful } = method
        return printJson({
          ...{ model: model.name, dataset: flags.data, method: name, sparsity, damp, blockSize, seed, faithful },
          ...{ ...samples, ...preprocessingJson(inputs), ...result, paths: undefined },
          ...{ deadOutputs: result.paths.deadOutputs, outputs: result.paths.outputs },
          ...{ out: flags.out, bytes: written, engine: network.machine.description },
        })
      }
      display.stop()
      print(`\n${pruneReport(result)}\n\nThe pruned weights are in ${flags.out} (${bytes(written)})`)
    } finally {
      display?.stop()
    }
  })

interface Task {
  flags: PruneFlags
  method: PruneMethod
  samples: PruneSamples
  inputs: EvaluationData
  display?: PruneDisplay
}

/** The network with its weights, the names of the tensors, and the work itself. Throws UserError where something does not fit. */
async function prepare(file: TensorFile, path: string, { flags, method, samples, inputs, display }: Task) {
  const { data } = inputs
  const { lambda, fisher, faithful, seed, sparsity, stages } = method
  const names = method.tensors.map(({ name }) => name)
  const notice = (sentence: string) =>
    display ? display.line(`note: ${sentence}`) : process.stderr.write(`note: ${sentence}\n`)
  const cache = flags.fisherCache === undefined ? undefined : new GradientCache(flags.fisherCache, notice)
  const refresh = samples.refresh > 0 ? new BatchNormRefresh(samples.refresh) : undefined
  const model = modelOfFile(file, path, flags.model)
  const plan =
    method.method === 'magnitude' || isLayerwise(method.method)
      ? undefined
      : planGradients(
          model,
          method.tensors,
          { ...samples, method: method.method, fisher, memory: memoryOf(flags.memory) },
          '--samples',
        )
  const source = new GradientSource({ tensors: names, ...samples, ...plan, cache })
  const network = new Network({
    ...{ machine: await openMachine(), model, data, judged: samples.judge },
    batch: 1, // Masks are part of training programs.
    programs: { ...(plan && source.programs), ...refresh?.programs },
  })
  loadWeights(network, file, path)
  checkFinite(network, path)
  if (refresh?.layers === 0) throw new UserError(`--refresh-bn: ${model.name} has no batch normalization`)

  const prune = () => {
    const { samples: count, miniBatch, judge } = samples
    if (isLayerwise(method.method)) {
      const started = performance.now()
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
    const options = { method: method.method, sparsity, lambda, fisher, stages, seed, faithful, ...drawn }
    const { stages: reports, seconds } = pruneSecondOrder(network, source, { ...options, onProgress: display?.show })
    return { stages: reports, seconds }
  }

  const run = () => {
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

/** What the file of pruned weights says of how they were made. */
function described(method: PruneMethod, samples: PruneSamples): Record<string, string> {
  const { method: name, sparsity, seed, lambda, fisher, stages, faithful, tensors } = method
  const facts = {
    ...{ method: name, sparsity, seed, samples: samples.samples, 'mini-batch': samples.miniBatch },
    ...{
      damp: lambda ?? 'usual',
      'block-size': fisher,
      stages: stages ?? 'usual',
      judge: samples.judge,
      'refresh-bn': samples.refresh,
      faithful,
    },
    ...{ pruned: tensors.map((tensor) => tensor.name).join(','), espalier: version(), node: process.version },
  }
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)]))
}

/** Before hours of work, not after them. */
function checkWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${fileProblem(error)}`)
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`cannot write ${path}: it is a folder, not a file`)
}

function checkFinite(network: Network, path: string): void {
  for (const { name } of network.stored) {
    const values = network.values(name)
    const at = values.findIndex((value) => !Number.isFinite(value))
    if (at >= 0)
      throw new UserError(`${path}: tensor ${name} holds ${values[at]} at index ${at}, expected finite values`)
  }
}
