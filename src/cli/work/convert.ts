/** @file The work of espalier convert. */

import { weightsPath } from '../../experiment/run/weights-path.ts'
import { checkForm, writeNetwork } from '../../formats/network-file.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import { isTfliteName } from '../../formats/write-tflite.ts'
import type { Model } from '../../models/model.ts'
import { checkFits } from '../../train/fits.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { writtenJson, writtenLines, zerosLine } from '../display/written.ts'
import { flagMetadata } from '../flags/metadata.ts'
import { namedNetwork } from '../flags/named-network.ts'
import type { OnnxFlags } from '../flags/onnx.ts'
import { onnxOptions } from '../flags/onnx.ts'
import { checkOutput } from '../flags/output-file.ts'
import type { PreprocessingFlags } from '../flags/preprocessing.ts'
import { importOptions } from '../flags/preprocessing.ts'

export interface ConvertOptions extends OnnxFlags, PreprocessingFlags {
  model?: string
  json?: boolean
}

export async function convert(given: string, to: string, flags: ConvertOptions): Promise<void> {
  const from = weightsPath(given)
  const asked = onnxOptions(flags)
  checkForm(to, asked)
  checkOutput(to, { inputs: [from], force: flags.force })
  const stored = await readWeights(from, importOptions(flags), printNote)
  // An ONNX model stays what it is: it need not be one that runs here.
  const stays = stored.onnx && !flags.model
  const needsModel = !stays && (isOnnxName(to) || isTfliteName(to) || flags.model !== undefined)
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
}
