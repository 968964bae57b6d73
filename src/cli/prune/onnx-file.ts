/**
 * @file espalier prune of an ONNX file by value alone: all weights that it stores, whether or not it runs
 * here.
 */

import { unmeasured } from '../../formats/measured.ts'
import { writeNetwork } from '../../formats/network-file.ts'
import { sourceOf } from '../../formats/network-source.ts'
import { type OnnxModel, tensorsOf } from '../../formats/onnx/onnx.ts'
import { isFloating, numbersOf } from '../../formats/onnx/tensor.ts'
import { type StoredWeight, storedWeights } from '../../formats/onnx/weights.ts'
import { countZeros } from '../../formats/onnx/zeros.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { collapseOf } from '../../methods/by-value/onnx-collapse.ts'
import { type PrunedWeights, pruneOnnx } from '../../methods/by-value/prune-onnx.ts'
import type { Removing } from '../../methods/by-value/removals.ts'
import { collapseSentences, refuseCollapse } from '../../sparsity/collapse.ts'
import { modelOfFile } from '../../train/model-of-file.ts'
import { UserError } from '../../util/errors.ts'
import { version } from '../../util/version.ts'
import { print, printJson } from '../display/output.ts'
import { writtenJson, writtenLines } from '../display/written.ts'
import { oneOf } from '../flags/choices.ts'
import { flagMetadata } from '../flags/metadata.ts'
import { onnxOptions } from '../flags/onnx.ts'
import { chooseWeights } from './choose-weights.ts'
import { endingOf } from './ending.ts'
import { onnxPruneLines, onnxPruneReport, outlierSentences } from './onnx-report.ts'
import type { PruneFlags } from './settings.ts'

/** Prunes and writes. Throws UserError where there is nothing to prune, and where a collapse is an error. */
export async function pruneOnnxFile(
  stored: WeightsFile,
  onnx: OnnxModel,
  path: string,
  removing: Removing,
  flags: PruneFlags & { out: string },
): Promise<void> {
  const { file } = onnx
  const onCollapse = oneOf('--on-collapse', flags.onCollapse, ['warn', 'error'] as const)
  const found = storedWeights(file)
  const { chosen, untouched } = chooseWeights(found, flags, path)
  const pruned = naming(path, () => pruneOnnx(chosen, removing))

  const facts = { ...removing, pruned: chosen.map(({ key }) => key).join(','), espalier: version() }
  const metadata = {
    ...unmeasured(file.metadata),
    ...flagMetadata(flags),
    ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)])),
  }
  const collapse = collapseOf(pruned, onnx)
  if (onCollapse === 'error') refuseCollapse(collapse, removing.sparsity)
  const warnings = [...collapseSentences(collapse), ...outlierSentences(chosen, pruned, removing)]
  const weights = { tensors: new Map(), metadata }
  const network = { weights, onnx, changed: pruned.changes }
  const written = await writeNetwork(flags.out, network, onnxOptions(flags))
  const counts = written.onnx
    ? rounded(pruned, countZeros(written.onnx.file))
    : { pruned, all: countZeros(file, pruned.changes, found).all }
  const report = { ...onnxPruneReport(counts.pruned, removing, counts.all), untouched, warnings }
  const scaled = scaledWeights(chosen, pruned)
  const model = onnx.network instanceof UserError ? undefined : modelOfFile(stored, path)
  // What cannot be read again here has its weights from what it was made of.
  const kept = written.tflite && tensorsOf(sourceOf(path, network).target, onnx.reading)
  const now = kept && { tensors: kept, metadata }
  const { lines, json } = await endingOf({ path, file: stored, model, out: flags.out, weights: now, flags })

  if (flags.json) {
    const { method, scope, seed } = removing
    return printJson({ file: path, method, scope, seed, ...report, ...json, out: flags.out, ...writtenJson(written) })
  }
  if (onnx.network instanceof UserError) print(`note: ${onnx.network.message}`)
  for (const line of onnxPruneLines(report)) print(line)
  if (scaled.length > 0)
    print(
      `note: zeros are those of what layers multiply with; masks or scales that the file stores apply to ${scaled.join(', ')}`,
    )
  print('')
  for (const line of [...lines, '']) print(line)
  for (const line of writtenLines(flags.out, written, flags)) print(line)
}

/** What was pruned as it is in the file that was written: halves may have more zeros. */
function rounded(pruned: PrunedWeights, { weights, all }: ReturnType<typeof countZeros>) {
  const zeros = new Map(weights.map(({ key, ...count }) => [key.replace(/\.float16(\.\d+)?$/, ''), count]))
  const tensors = pruned.tensors.map((tensor) => {
    const found = zeros.get(tensor.name)
    // Without channels that are not needed a tensor is another.
    return found?.size === tensor.size ? { ...tensor, kept: tensor.size - found.zeros } : tensor
  })
  return { pruned: { ...pruned, tensors }, all }
}

/** Errors about values name the file. */
function naming<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${path}: ${error.message}`) : error
  }
}

/** Tensors that have zeros only where layers multiply with them: behind a mask that is left in. */
function scaledWeights(weights: readonly StoredWeight[], { changes }: PrunedWeights): string[] {
  return weights.flatMap((weight) => {
    if (!isFloating(weight.dtype)) return []
    const stored = changes.get(weight.key) ?? weight.stored()
    const [numbers, { magnitudes }] = [numbersOf(stored), weight.weigh(stored)]
    return numbers.some((value, i) => (value === 0) !== (magnitudes[i] === 0)) ? [weight.key] : []
  })
}
