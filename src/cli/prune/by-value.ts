/** @file Pruning by stored values alone, without data. */
import { markdownTable } from 'markdown-table'
import { unmeasured } from '../../formats/measured.ts'
import { writeNetwork } from '../../formats/network-file.ts'
import { toFloats } from '../../formats/safetensors.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { isStored, pruneStored } from '../../methods/by-value/prune-stored.ts'
import type { MethodName } from '../../methods/index.ts'
import type { Model } from '../../models/model.ts'
import { collapseSentences, connectivityOf, refuseCollapse } from '../../sparsity/collapse.ts'
import { chooseTensors, prunableTensors } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
import { version } from '../../util/version.ts'
import { print, printJson } from '../display/output.ts'
import { writtenJson, writtenLines } from '../display/written.ts'
import { oneOf, patterns } from '../flags/choices.ts'
import { flagMetadata } from '../flags/metadata.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { onnxOptions } from '../flags/onnx.ts'
import { wholeNumber } from '../flags/parse.ts'
import { shareOf } from '../flags/sparsities.ts'
import { endingOf } from './ending.ts'
import { pruneOnnxFile } from './onnx-file.ts'
import { type PruneFlags, scopeOf } from './settings.ts'

/** Prunes and writes. Throws UserError where the method needs data. */
export async function pruneByValue(
  stored: WeightsFile,
  path: string,
  method: MethodName,
  flags: PruneFlags & { out: string },
) {
  if (!isStored(method))
    throw new UserError(
      `--method ${method} needs --data with a data set or a folder: magnitude and random alone do without`,
    )
  if (flags.finetune) throw new UserError('--finetune needs --data with a data set or a folder')
  const removing = {
    method,
    sparsity: shareOf(flags.sparsity ?? ''),
    scope: scopeOf(flags, method),
    seed: wholeNumber('--seed', flags.seed, 0, 2 ** 32 - 1),
  }
  if (stored.onnx && !flags.model) return pruneOnnxFile(stored, stored.onnx, path, removing, flags)
  const { model, file } = namedNetwork(stored, path, flags.model)
  const tensors = namesOf(model, flags)
  const lacking = tensors.find((name) => !file.tensors.has(name))
  if (lacking !== undefined) throw new UserError(`${path} has no tensor ${lacking}, which ${model.name} needs`)
  const { file: pruned, layers } = pruneStored(file, { ...removing, tensors })
  const weights = prunableTensors(model).map(({ name }) => [name, toFloats(pruned.tensors.get(name)!)] as const)
  const collapse = connectivityOf(model, new Map(weights))
  if (oneOf('--on-collapse', flags.onCollapse, ['warn', 'error'] as const) === 'error')
    refuseCollapse(collapse, removing.sparsity)
  const warnings = collapseSentences(collapse)
  const facts = { model: model.name, ...removing, pruned: tensors.join(','), espalier: version() }
  const metadata = {
    ...unmeasured(file.metadata),
    ...flagMetadata(flags),
    ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)])),
  }
  const network = { weights: { tensors: pruned.tensors, metadata }, model, onnx: file.onnx }
  const written = await writeNetwork(flags.out, network, onnxOptions(flags))
  const { lines, json } = await endingOf({ path, file, model, out: flags.out, weights: network.weights, flags })

  const [size, kept] = [
    layers.reduce((sum, layer) => sum + layer.size, 0),
    layers.reduce((sum, layer) => sum + layer.kept, 0),
  ]
  const reached = size === 0 ? 0 : 1 - kept / size
  if (flags.json)
    return printJson({
      file: path,
      method,
      scope: removing.scope,
      seed: removing.seed,
      layers,
      prunable: { size, kept, sparsity: reached },
      warnings,
      ...json,
      out: flags.out,
      ...writtenJson(written),
    })
  const rows = [...layers, { name: 'all pruned tensors', size, kept }].map((layer) => [
    layer.name,
    grouped(layer.size),
    grouped(layer.kept),
    percent(layer.kept / layer.size),
  ])
  print(markdownTable([['tensor', 'weights', 'kept', 'density'], ...rows], { align: ['l', 'r', 'r', 'r'] }))
  print(
    `\nsparsity ${percent(reached)} of the pruned tensors; what that does to the accuracy is not known without --data`,
  )
  for (const warning of warnings) print(`warning: ${warning}`)
  print('')
  for (const line of [...lines, '']) print(line)
  for (const line of writtenLines(flags.out, written, flags)) print(line)
}

const namesOf = (model: Model, { prunable, include, exclude }: PruneFlags): string[] =>
  chooseTensors(model, {
    prunable: oneOf('--prunable', prunable, ['published', 'all'] as const),
    include: patterns(include),
    exclude: patterns(exclude),
  }).map(({ name }) => name)
