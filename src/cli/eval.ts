/** @file espalier eval: the accuracy of stored weights on a test set. */
import { Command } from 'commander'
import type { Dataset } from '../data/dataset.ts'
import { loadDataset } from '../data/index.ts'
import { openMachine } from '../engine/machine.ts'
import { percent } from '../experiment/report.ts'
import { readSafetensors, type TensorFile } from '../formats/safetensors.ts'
import { unpackSparse } from '../formats/sparse.ts'
import { findModel } from '../models/index.ts'
import { sparsityOf } from '../prune/mask.ts'
import { loadWeights } from '../train/checkpoint.ts'
import { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { print, printJson } from './output.ts'

interface Options {
  model?: string
  weights: string
  dataset?: string
  data?: string
  json?: boolean
}

export const evalCommand = new Command('eval')
  .description('accuracy of stored weights on the test set of a data set')
  .option('--model <name>', 'a built-in network (default: the one that the file names)')
  .requiredOption('--weights <file>', 'a safetensors file')
  .option('--dataset <name>', 'a data set or a folder')
  .option('--data <name>', 'the same as --dataset')
  .option('--json', 'print one JSON object')
  .action(async (options: Options) => {
    const file = unpackSparse(readSafetensors(options.weights), options.weights)
    const modelName = options.model ?? file.metadata.model
    if (!modelName) throw new UserError(`${options.weights} does not say what network it holds: add --model`)
    const name = options.dataset ?? options.data
    if (!name) throw new UserError('eval needs --dataset with a data set or a folder')
    const model = findModel(modelName)
    const { data, source } = withPreprocessing(await loadDataset(name), file, options.weights)
    const machine = await openMachine()
    const network = new Network({ machine, model, data })
    loadWeights(network, file, options.weights)
    const result = network.evaluate('test')
    const sparsity = sparsityOf(network.counts())
    const { mean, std } = data
    if (options.json)
      return printJson({
        model: model.name,
        dataset: name,
        ...result,
        sparsity,
        mean,
        std,
        engine: machine.description,
      })
    print(`inputs: (pixel / 255 - mean) / std with mean ${mean.join(', ')} and std ${std.join(', ')} (${source})`)
    print(
      `accuracy ${percent(result.accuracy)} (${result.correct} of ${result.count}), loss ${result.loss.toFixed(4)}, sparsity ${percent(sparsity)}`,
    )
  })

/** Mean and std as the weights were trained with, where their file says so; else those of the data set. */
function withPreprocessing(data: Dataset, { metadata }: TensorFile, path: string): { data: Dataset; source: string } {
  if (metadata.mean === undefined || metadata.std === undefined) return { data, source: 'of the data set' }
  const numbers = (key: 'mean' | 'std'): number[] => {
    let values: unknown
    try {
      values = JSON.parse(metadata[key])
    } catch {}
    const valid = Array.isArray(values) && values.length === data.image[0] && values.every((x) => Number.isFinite(x))
    if (!valid)
      throw new UserError(`${path}: metadata ${key}: expected ${data.image[0]} numbers, found ${metadata[key]}`)
    return values as number[]
  }
  return { data: { ...data, mean: numbers('mean'), std: numbers('std') }, source: 'of the weights file' }
}
