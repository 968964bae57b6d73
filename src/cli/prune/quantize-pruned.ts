/** @file espalier prune --quantize: what was pruned and written is made whole numbers, zeros kept. */
import { openMachine } from '../../engine/machines/open.ts'
import { asOnnx } from '../../formats/network-source.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { measuredText } from '../display/measured.ts'
import { WaitDisplay } from '../display/wait.ts'
import type { EvaluationData } from '../flags/data.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { usualSettings } from '../quantize/flags.ts'
import { type QuantizeOutcome, quantizeAndWrite } from '../quantize/quantized.ts'
import type { PruneFlags } from './settings.ts'

export interface Pruned {
  flags: PruneFlags & { out: string }
  /** The network before. */
  path: string
  file: WeightsFile
  model: Model
  inputs: EvaluationData
}

/** Throws UserError, naming the flag, where what is asked for besides does not go with whole numbers. */
export function checkQuantizeFlag({ quantize, out, data, dtype, sparse, compare, engine, method }: PruneFlags): void {
  if (quantize === undefined) return
  usualSettings(quantize, 0)
  if (compare !== undefined) throw new UserError('--quantize is for --method, found --compare')
  if (data === undefined)
    throw new UserError(`--quantize ${quantize} needs --data, which calibrates (--method ${method})`)
  if (engine === 'onnxruntime') throw new UserError('--quantize needs --engine espalier, found onnxruntime')
  if (!isOnnxName(out ?? ''))
    throw new UserError(`--quantize: expected --out with a name that ends in .onnx, found ${out}`)
  if (dtype !== 'float32') throw new UserError(`--dtype ${dtype} has no effect with --quantize`)
  if (sparse) throw new UserError('--sparse has no effect with --quantize, whose codes are stored with their zeros')
}

/** The file that was written, quantized in its place. */
export async function quantizePruned({ flags, path, file, model, inputs }: Pruned): Promise<QuantizeOutcome> {
  const { out } = flags
  const pruned = await readWeights(out, importOptions(flags), () => {})
  const machine = await openMachine()
  const display = new WaitDisplay()
  try {
    return quantizeAndWrite({
      path: out,
      stored: { weights: pruned, onnx: pruned.onnx },
      data: inputs.data,
      settings: usualSettings(flags.quantize!, Number(flags.seed)),
      out,
      machine,
      from: asOnnx(path, { weights: file, model, onnx: file.onnx }),
      show: (what, share) => {
        if (!flags.json) display.show(what, { share })
      },
    })
  } finally {
    display.stop()
  }
}

export function wholeText({ quantized: { layers, left }, made, final }: QuantizeOutcome): string {
  const weights = layers.reduce((sum, { codes }) => sum + codes.length, 0)
  const rest = left.length > 0 ? `; ${left.length} layers stay in floats` : ''
  return `quantized: ${grouped(weights)} weights and ${grouped(made.values)} values on the way${rest}: ${measuredText(final)}`
}

export const wholeJson = ({ quantized: { layers, left, notes }, made, final }: QuantizeOutcome): object => ({
  layers: layers.map(({ name, error }) => ({ name, error })),
  floats: left,
  values: made.values,
  final,
  notes: [...notes, ...made.notes],
})
