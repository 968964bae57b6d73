/** @file espalier prune --quantize: what was pruned and written is made whole numbers, zeros kept. */
import { join } from 'node:path'
import { openMachine } from '../../engine/machines/open.ts'
import { type OnnxOptions, writeNetwork } from '../../formats/network-file.ts'
import { asOnnx, type StoredNetwork } from '../../formats/network-source.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { inTemporaryFolder } from '../../util/temporary-folder.ts'
import { measuredText } from '../display/measured.ts'
import { WaitDisplay } from '../display/wait.ts'
import type { EvaluationData } from '../flags/data.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { usualSettings } from '../quantize/flags.ts'
import { type QuantizeOutcome, quantizeAndWrite } from '../quantize/quantized.ts'
import { lossHint, weightsText } from '../quantize/report.ts'
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

/** The pruned network quantized and written; nothing is before that. */
export const quantizePruned = (pruned: Pruned, stored: StoredNetwork, options: OnnxOptions): Promise<QuantizeOutcome> =>
  inTemporaryFolder('espalier-pruned-', async (folder) => {
    const whole = join(folder, 'pruned.onnx')
    await writeNetwork(whole, stored, { ...options, sizes: false })
    return quantizeWritten(whole, pruned)
  })

async function quantizeWritten(
  written: string,
  { flags, path, file, model, inputs }: Pruned,
): Promise<QuantizeOutcome> {
  const { out } = flags
  const pruned = await readWeights(written, importOptions(flags), () => {})
  const onnx = pruned.onnx!
  const named = { ...onnx, file: { ...onnx.file, path } }
  const machine = await openMachine()
  const display = new WaitDisplay()
  try {
    return quantizeAndWrite({
      path,
      stored: { weights: pruned, onnx: named },
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

export function wholeText({ quantized: { layers, left }, made, dense, final }: QuantizeOutcome): string {
  const rest = left.length > 0 ? `; ${left.length} of its weights stay floats` : ''
  const values = made.values > 0 ? `; ${grouped(made.values)} activations` : ''
  const lost = lossHint(dense, final)
  return `quantized: ${weightsText(layers)}${values}${rest}: ${measuredText(final)}${lost ? `\n${lost}` : ''}`
}

export const wholeJson = ({ quantized: { layers, left, notes }, made, final }: QuantizeOutcome): object => ({
  layers: layers.map(({ name, error }) => ({ name, error })),
  floats: left,
  values: made.values,
  final,
  notes: [...notes, ...made.notes],
})
