/** @file espalier eval: the accuracy of stored weights on a test set. */
import { Command } from 'commander'
import { openMachine } from '../engine/machine.ts'
import { percent } from '../experiment/report.ts'
import { readWeights } from '../formats/weights-file.ts'
import { sparsityOf } from '../prune/mask.ts'
import { loadWeights } from '../train/checkpoint.ts'
import { kernelKinds } from '../train/kernels.ts'
import { Network } from '../train/network.ts'
import { statedPreprocessing } from '../train/preprocessing.ts'
import { UserError } from '../util/errors.ts'
import { oneOf } from './choices.ts'
import { DataDisplay } from './data-progress.ts'
import {
  chanceWarning,
  importOptions,
  loadEvaluationData,
  PRECEDENCE,
  type PreprocessingFlags,
  preprocessingFlags,
  preprocessingJson,
  preprocessingLines,
} from './eval-data.ts'
import { namedNetwork } from './named-network.ts'
import { print, printJson } from './output.ts'

interface Options extends PreprocessingFlags {
  model?: string
  weights: string
  dataset?: string
  data?: string
  kernels: string
  json?: boolean
}

const command = new Command('eval')
  .description('accuracy of stored weights on the test set of a data set')
  .option(
    '--model <name>',
    'a built-in network, or an ONNX model whose weights they are (default: the one that the file is or names)',
  )
  .requiredOption('--weights <file>', 'an ONNX model, a safetensors or HDF5 file, or a PyTorch checkpoint')
  .option('--dataset <name>', 'a data set or a folder')
  .option('--data <name>', 'the same as --dataset')

export const evalCommand = preprocessingFlags(command)
  .option('--kernels <kind>', 'which layers skip their zeros: auto, dense or sparse', 'auto')
  .option('--json', 'print one JSON object')
  .addHelpText('after', PRECEDENCE)
  .action(async (options: Options) => {
    const kernels = oneOf('--kernels', options.kernels, kernelKinds)
    const stored = await readWeights(options.weights, importOptions(options))
    const { model, file } = namedNetwork(stored, options.weights, options.model)
    const name = options.dataset ?? options.data
    if (!name) throw new UserError('eval needs --dataset with a data set or a folder')
    const stated = statedPreprocessing(file.metadata, options.weights, model.image[0])
    const loading = new DataDisplay()
    const evaluation = await loadEvaluationData(name, model, stated, options, loading.show).finally(() =>
      loading.stop(),
    )
    const machine = await openMachine()
    const network = new Network({ machine, model, data: evaluation.data, kernels })
    loadWeights(network, file, options.weights)
    network.fitKernels()
    const result = network.evaluate('test')
    const sparsity = sparsityOf(network.counts())
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
      })
    }
    for (const line of preprocessingLines(evaluation, model)) print(line)
    print(
      `accuracy ${percent(result.accuracy)} (${result.correct} of ${result.count}), loss ${result.loss.toFixed(4)}, sparsity ${percent(sparsity)}`,
    )
    if (warning) print(warning)
  })
