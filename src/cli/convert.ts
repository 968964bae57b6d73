/** @file espalier convert: a network with its weights, from one format to another. */
import { Command } from 'commander'
import { changesOperators, writeNetwork } from '../formats/network-file.ts'
import { isOnnxName } from '../formats/onnx/file.ts'
import { readWeights, type WeightsFile } from '../formats/weights-file.ts'
import type { Model } from '../models/model.ts'
import { checkFits } from '../train/fits.ts'
import { UserError } from '../util/errors.ts'
import { flagMetadata, importOptions, layoutOption, type PreprocessingFlags } from './eval-data.ts'
import { pixels } from './image-options.ts'
import { namedNetwork } from './named-network.ts'
import { type OnnxFlags, onnxFlags, onnxOptions, writtenLines } from './onnx-flags.ts'
import { print, printJson } from './output.ts'

interface Options extends OnnxFlags, PreprocessingFlags {
  model?: string
  json?: boolean
}

const command = new Command('convert')
  .description('a network with its weights, written in another format: .onnx, .safetensors or .h5')
  .argument('<in>', 'an ONNX model, or weights: a safetensors or HDF5 file, or a PyTorch checkpoint')
  .argument('<out>', 'a name that ends in .onnx, .safetensors or .h5')
  .option('--model <name>', 'a built-in network, or an ONNX model whose weights they are')
  .option('--crop <pixels>', 'rows and columns of images, where an ONNX model leaves them open', pixels('--crop'))

export const convertCommand = onnxFlags(layoutOption(command))
  .option('--json', 'print one JSON object')
  .action(async (from: string, to: string, flags: Options) => {
    const stored = await readWeights(from, importOptions(flags))
    const asked = onnxOptions(flags)
    // An ONNX model stays what it is: it need not be one that runs here, unless it is written anew.
    const stays = stored.onnx && !flags.model && (!isOnnxName(to) || !changesOperators(asked))
    const needsModel = !stays && (isOnnxName(to) || flags.model !== undefined)
    if (!/\.(onnx|safetensors|h5|hdf5)$/i.test(to))
      throw new UserError(`${to}: expected a name that ends in .onnx, .safetensors or .h5`)
    const { model, file }: { model?: Model; file: WeightsFile } = needsModel
      ? namedNetwork(stored, from, flags.model)
      : { file: stored }
    if (model && flags.model !== undefined) checkFits(model, file, from)
    const metadata = {
      ...{ ...file.metadata, ...flagMetadata(flags) },
      ...(model && !file.onnx && { model: model.name, classes: String(model.classes) }),
    }
    const onnx = flags.model === undefined ? file.onnx : undefined
    const written = await writeNetwork(to, { weights: { tensors: file.tensors, metadata }, model, onnx }, asked)
    if (flags.json) printJson({ from, to, ...written })
    else for (const line of writtenLines(to, written, flags)) print(line)
  })
