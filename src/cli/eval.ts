/** @file espalier eval: the accuracy of stored weights on a test set. */
import { Command } from 'commander'
import type { Geometry } from '../data/decode-image.ts'
import { openMachine } from '../engine/machine.ts'
import { percent } from '../experiment/report.ts'
import { readSafetensors } from '../formats/safetensors.ts'
import { unpackSparse } from '../formats/sparse.ts'
import { sparsityOf } from '../prune/mask.ts'
import { loadWeights, modelOfFile } from '../train/checkpoint.ts'
import { Network } from '../train/network.ts'
import { statedPreprocessing } from '../train/preprocessing.ts'
import { UserError } from '../util/errors.ts'
import { DataDisplay } from './data-progress.ts'
import { loadEvaluationData, PRECEDENCE, type PreprocessingFlags } from './eval-data.ts'
import { imageOptions, leftOut } from './image-options.ts'
import { print, printJson } from './output.ts'

interface Options extends PreprocessingFlags {
  model?: string
  weights: string
  dataset?: string
  data?: string
  json?: boolean
}

const command = new Command('eval')
  .description('accuracy of stored weights on the test set of a data set')
  .option('--model <name>', 'a built-in network (default: the one that the file names)')
  .requiredOption('--weights <file>', 'a safetensors file')
  .option('--dataset <name>', 'a data set or a folder')
  .option('--data <name>', 'the same as --dataset')
  .option('--mean <numbers>', 'of pixels scaled to 0..1, per channel, such as 0.5 or 0.49,0.48,0.45')
  .option('--std <numbers>', 'likewise')

export const evalCommand = imageOptions(command)
  .option('--json', 'print one JSON object')
  .addHelpText('after', PRECEDENCE)
  .action(async (options: Options) => {
    const file = unpackSparse(readSafetensors(options.weights), options.weights)
    const model = modelOfFile(file, options.weights, options.model)
    const name = options.dataset ?? options.data
    if (!name) throw new UserError('eval needs --dataset with a data set or a folder')
    const stated = statedPreprocessing(file.metadata, options.weights, model.image[0])
    const loading = new DataDisplay()
    const { data, sources } = await loadEvaluationData(name, model, stated, options, loading.show).finally(() =>
      loading.stop(),
    )
    const machine = await openMachine()
    const network = new Network({ machine, model, data })
    loadWeights(network, file, options.weights)
    const result = network.evaluate('test')
    const sparsity = sparsityOf(network.counts())
    const { mean, std, geometry, skipped = [] } = data
    if (options.json) {
      const preprocessing = { mean, std, ...geometry, sources, skipped }
      return printJson({
        model: model.name,
        dataset: name,
        ...result,
        sparsity,
        ...preprocessing,
        engine: machine.description,
      })
    }
    print(
      `images: ${geometry ? `${described(geometry)} (${sources.geometry})` : `${data.image.join(' x ')}, as they are stored`}`,
    )
    print(
      `inputs: (pixel / 255 - mean) / std with mean ${mean.join(', ')} and std ${std.join(', ')} (${sources.normalization})`,
    )
    if (skipped.length > 0) print(leftOut(skipped))
    print(
      `accuracy ${percent(result.accuracy)} (${result.correct} of ${result.count}), loss ${result.loss.toFixed(4)}, sparsity ${percent(sparsity)}`,
    )
  })

/** `shorter side resized to 256, the middle 224 x 224 cut out`. */
function described({ size, crop = size }: Geometry): string {
  const cut = `the middle ${crop} x ${crop} cut out`
  return size === undefined ? cut : `shorter side resized to ${size}, ${cut}`
}
