/** @file espalier prune of an ONNX file by value alone: all weights that it stores, whether or not it runs here. */
import { version } from '../experiment/environment.ts'
import { changesOperators, checkForm, writeNetwork } from '../formats/network-file.ts'
import { fileOf, isOnnxName } from '../formats/onnx/file.ts'
import { type OnnxModel, weightsOf } from '../formats/onnx/onnx.ts'
import { storedWeights } from '../formats/onnx/weights.ts'
import { withTensors } from '../formats/onnx/with-tensors.ts'
import { countZeros } from '../formats/onnx/zeros.ts'
import { collapseSentences, refuseCollapse } from '../prune/collapse.ts'
import { UserError } from '../util/errors.ts'
import { collapseOf } from '../workflow/onnx-collapse.ts'
import { pruneOnnx } from '../workflow/prune-onnx.ts'
import type { Removing } from '../workflow/removals.ts'
import { oneOf } from './choices.ts'
import { chooseWeights } from './choose-weights.ts'
import { flagMetadata, importOptions } from './eval-data.ts'
import { onnxOptions, writtenLines } from './onnx-flags.ts'
import { print, printJson } from './output.ts'
import { onnxPruneLines, onnxPruneReport, outlierSentences } from './prune-onnx-report.ts'
import type { PruneFlags } from './prune-settings.ts'

/** Prunes and writes. Throws UserError where there is nothing to prune, and where a collapse is an error. */
export async function pruneOnnxFile(
  onnx: OnnxModel,
  path: string,
  removing: Removing,
  flags: PruneFlags & { out: string },
): Promise<void> {
  const { file } = onnx
  const onCollapse = oneOf('--on-collapse', flags.onCollapse, ['warn', 'error'] as const)
  const options = onnxOptions(flags)
  checkForm(flags.out, options)
  const found = storedWeights(file)
  const { chosen, untouched } = chooseWeights(found, flags, path)
  const pruned = pruneOnnx(chosen, removing)

  const facts = { ...removing, pruned: chosen.map(({ key }) => key).join(','), espalier: version() }
  const metadata = {
    ...{ ...file.metadata, ...flagMetadata(flags) },
    ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)])),
  }
  const after = weightsOf(fileOf(withTensors(file, pruned.changes, metadata), path), importOptions(flags))
  const collapse = collapseOf(pruned, onnx, after.onnx)
  if (onCollapse === 'error') refuseCollapse(collapse, removing.sparsity)
  const report = {
    ...onnxPruneReport(pruned, removing, countZeros(file, pruned.changes, found).all),
    ...{ untouched, warnings: [...collapseSentences(collapse), ...outlierSentences(chosen, pruned, removing)] },
  }
  const network = after.onnx.network instanceof UserError ? undefined : after.onnx.network
  // What an ONNX model stores is written as it is, not as the network has it.
  const anew = !isOnnxName(flags.out) || changesOperators(options)
  const weights = { tensors: anew ? after.tensors : new Map(), metadata }
  const written = await writeNetwork(flags.out, { weights, model: network?.model, onnx: after.onnx }, options)

  if (flags.json) {
    const { method, scope, seed } = removing
    return printJson({ file: path, method, scope, seed, ...report, out: flags.out, ...written })
  }
  if (onnx.network instanceof UserError) print(`note: ${onnx.network.message}`)
  for (const line of onnxPruneLines(report)) print(line)
  print('')
  for (const line of writtenLines(flags.out, written, flags)) print(line)
}
