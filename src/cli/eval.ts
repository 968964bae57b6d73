/** @file espalier eval: the accuracy of stored weights on a test set. */
import { Command } from 'commander'
import type { Dataset } from '../data/dataset.ts'
import { loadDataset } from '../data/index.ts'
import { openMachine } from '../engine/machine.ts'
import { percent } from '../experiment/report.ts'
import { readSafetensors, type TensorFile } from '../formats/safetensors.ts'
import { unpackSparse } from '../formats/sparse.ts'
import { sparsityOf } from '../prune/mask.ts'
import { loadWeights, modelOfFile } from '../train/checkpoint.ts'
import { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { DataDisplay } from './data-progress.ts'
import { print, printJson } from './output.ts'

interface Options {
  model?: string
  weights: string
  dataset?: string
  data?: string
  mean?: string
  std?: string
  json?: boolean
}

export const evalCommand = new Command('eval')
  .description('accuracy of stored weights on the test set of a data set')
  .option('--model <name>', 'a built-in network (default: the one that the file names)')
  .requiredOption('--weights <file>', 'a safetensors file')
  .option('--dataset <name>', 'a data set or a folder')
  .option('--data <name>', 'the same as --dataset')
  .option('--mean <numbers>', 'of pixels scaled to 0..1, per channel, such as 0.5 or 0.49,0.48,0.45')
  .option('--std <numbers>', 'likewise')
  .option('--json', 'print one JSON object')
  .action(async (options: Options) => {
    const file = unpackSparse(readSafetensors(options.weights), options.weights)
    const model = modelOfFile(file, options.weights, options.model)
    const name = options.dataset ?? options.data
    if (!name) throw new UserError('eval needs --dataset with a data set or a folder')
    const loading = new DataDisplay()
    const loaded = await loadDataset(name, { onProgress: loading.show }).finally(() => loading.stop())
    const { data, source } = withPreprocessing(loaded, file, options.weights, options)
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

/** Mean and std: from the flags, else as the weights' file says they were trained with, else those of the data set. */
function withPreprocessing(
  data: Dataset,
  { metadata }: TensorFile,
  path: string,
  flags: Options,
): { data: Dataset; source: string } {
  const channels = data.image[0]
  const given = (values: unknown[], what: string): number[] => {
    const numbers = values.length === 1 ? Array(channels).fill(values[0]) : values
    if (numbers.length !== channels || !numbers.every((x) => Number.isFinite(x)))
      throw new UserError(`${what}: expected one number or ${channels}, found ${values.join(', ')}`)
    return numbers
  }
  if (flags.mean !== undefined || flags.std !== undefined) {
    const parse = (text: string | undefined, fallback: readonly number[], what: string) =>
      text === undefined ? [...fallback] : given(text.split(',').map(Number), what)
    const [mean, std] = [parse(flags.mean, data.mean, '--mean'), parse(flags.std, data.std, '--std')]
    return { data: { ...data, mean, std }, source: 'of the command line' }
  }
  const stated = statedNormalization(metadata)
  if (!stated) return { data, source: 'of the data set' }
  const [mean, std] = stated.map((values, i) => given(values, `${path}: metadata ${i === 0 ? 'mean' : 'std'}`))
  return { data: { ...data, mean, std }, source: 'of the weights file' }
}

/** From `mean` and `std` as JSON lists, or a text such as `normalization: mean 0.5 std 0.5`. */
function statedNormalization(metadata: Record<string, string>): [unknown[], unknown[]] | undefined {
  const list = (text: string): unknown[] => {
    try {
      const value: unknown = JSON.parse(text)
      return Array.isArray(value) ? value : [value]
    } catch {
      return [text]
    }
  }
  if (metadata.mean !== undefined && metadata.std !== undefined) return [list(metadata.mean), list(metadata.std)]
  const [, mean, std] = /^mean ([\d., ]+?) std ([\d., ]+)$/.exec(metadata.normalization ?? '') ?? []
  return mean && std ? [list(`[${mean}]`), list(`[${std}]`)] : undefined
}
