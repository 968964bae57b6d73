/** @file The work of espalier prune: which of its ways is meant, and whether the flags fit. */
import type { Command } from 'commander'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { checkForm } from '../../formats/network-file.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { isModelName } from '../../models/index.ts'
import { UserError } from '../../util/errors.ts'
import { printNote } from '../display/output.ts'
import { oneOf } from '../flags/choices.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { checkOutput } from '../flags/output-file.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { pruneByValue } from '../prune/by-value.ts'
import { compareMethods } from '../prune/compare.ts'
import { checkPruneFlags } from '../prune/flags.ts'
import { checkRuntimeFlags, pruneWithRuntime } from '../prune/in-runtime.ts'
import { checkQuantizeFlag } from '../prune/quantize-pruned.ts'
import { checkRecordFlags } from '../prune/record.ts'
import { methodName, type PruneFlags, writingOptions } from '../prune/settings.ts'
import { targetFlag } from '../prune/target-flags.ts'
import { checkTargetFlags, pruneToTarget } from '../prune/to-target.ts'
import { pruneWithData } from '../prune/with-data.ts'

/** Prunes the network of a file by one method and writes it, or by several and compares them. */
export async function prune(given: string, flags: PruneFlags, command: Command): Promise<void> {
  const { method, compare, out, data } = flags
  if ((method === undefined) === (compare === undefined))
    throw new UserError(
      `prune needs either --method with one method or --compare with several, found ${method === undefined ? 'none (obc, with --data, keeps most)' : 'both'}`,
    )
  const target = targetFlag(flags)
  if ((flags.sparsity === undefined) === (target === undefined))
    throw new UserError(
      `prune needs either --sparsity or a target (--target-ms, --target-kb, --target-flops, --max-drop)${target === undefined ? '' : `, found --sparsity and ${target}`}`,
    )
  if (flags.picture !== undefined && compare === undefined)
    throw new UserError('--picture is for --compare with several sparsities, found --method')
  if (method !== undefined && out === undefined) throw new UserError('prune needs --out with the name of a file')
  checkPruneFlags(command, flags)
  checkQuantizeFlag(flags)
  const runtime = oneOf('--engine', flags.engine, ['espalier', 'onnxruntime']) === 'onnxruntime'
  if (runtime) checkRuntimeFlags(command, flags)
  const path = weightsPath(given)
  if (flags.record !== undefined) checkRecordFlags(command, flags.record, flags, [path])
  if (out !== undefined) {
    checkForm(out, writingOptions(flags))
    checkOutput(out, { inputs: [path], force: flags.force })
  }
  const stored = await readWeights(path, importOptions(flags), printNote)
  for (const flag of ['size', 'crop'] as const)
    if (flags[flag] !== undefined && data === undefined && !stored.onnx)
      throw new UserError(`--${flag} needs --data with a folder of image files, or an ONNX model`)
  if (target !== undefined) checkTargetFlags(command, target, flags)
  if (runtime) return pruneWithRuntime(stored, path, { ...flags, out: out! })
  if (method !== undefined && data === undefined)
    return pruneByValue(stored, path, methodName(method), { ...flags, out: out! })
  if (data === undefined) throw new UserError('--compare needs --data with a data set or a folder')
  const { model, file } = namedNetwork(stored, path, flags.model)
  if (flags.record !== undefined && (stored.onnx || !isModelName(model.name)))
    throw new UserError(`--record is for built-in networks, which ${path} does not hold`)
  if (compare !== undefined) return compareMethods(file, path, model, { ...flags, data, compare })
  if (target !== undefined) return pruneToTarget(file, path, model, { ...flags, data, out: out! })
  await pruneWithData(file, path, model, { ...flags, data, out: out! })
}
