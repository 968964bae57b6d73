/** @file espalier convert: a network with its weights, from one format to another. */
import { Command } from 'commander'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { checkForm, writeNetwork } from '../../formats/network-file.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { checkFits } from '../../train/fits.ts'
import { print, printJson } from '../display/output.ts'
import { flagMetadata, importOptions, layoutOption, type PreprocessingFlags } from '../flags/data.ts'
import { pixels } from '../flags/images.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { type OnnxFlags, onnxFlags, onnxOptions, writtenJson, writtenLines, zerosLine } from '../flags/onnx.ts'
import { checkOutput } from '../flags/output-file.ts'

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
  .action(async (given: string, to: string, flags: Options) => {
    const from = weightsPath(given)
    const asked = onnxOptions(flags)
    checkForm(to, asked)
    checkOutput(to, { inputs: [from], force: flags.force })
    const stored = await readWeights(from, importOptions(flags))
    // An ONNX model stays what it is: it need not be one that runs here.
    const stays = stored.onnx && !flags.model
    const needsModel = !stays && (isOnnxName(to) || flags.model !== undefined)
    const { model, file }: { model?: Model; file: WeightsFile } = needsModel
      ? namedNetwork(stored, from, flags.model)
      : { file: stored }
    if (model && flags.model !== undefined) checkFits(model, file, from)
    const metadata = {
      ...file.metadata,
      ...flagMetadata(flags),
      ...(model && !stored.onnx && { model: model.name, classes: String(model.classes) }),
    }
    const { tensors, onnx } = file
    const written = await writeNetwork(to, { weights: { tensors, metadata }, model, onnx }, asked)
    if (flags.json) printJson({ from, to, ...writtenJson(written) })
    else {
      if (written.onnx) print(zerosLine(written.onnx))
      for (const line of writtenLines(to, written, flags)) print(line)
    }
  })
