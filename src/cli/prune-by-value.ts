/** @file Pruning by stored values alone, without data: of any ONNX model too, whatever its operators. */
import { markdownTable } from 'markdown-table'
import { version } from '../experiment/environment.ts'
import { grouped, percent } from '../experiment/report.ts'
import { writeNetwork } from '../formats/network-file.ts'
import { layerWeights } from '../formats/onnx/weights.ts'
import type { WeightsFile } from '../formats/weights-file.ts'
import type { Model } from '../models/model.ts'
import { chooseTensors, fits } from '../prune/tensors.ts'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import { pruneStored } from '../workflow/prune-stored.ts'
import { oneOf, patterns } from './choices.ts'
import { flagMetadata } from './eval-data.ts'
import { namedNetwork } from './named-network.ts'
import { wholeNumber } from './numbers.ts'
import { onnxOptions, writtenJson, writtenLines } from './onnx-flags.ts'
import { print, printJson } from './output.ts'
import { isStored, type PruneFlags, type PruneMethodName, scopeOf, shareOf } from './prune-settings.ts'

/** Prunes and writes. Throws UserError where the method needs data. */
export async function pruneByValue(
  stored: WeightsFile,
  path: string,
  method: PruneMethodName,
  flags: PruneFlags & { out: string },
) {
  if (!isStored(method))
    throw new UserError(`--method ${method} needs --data with a data set or a folder: it looks at derivatives`)
  if (flags.finetune) throw new UserError('--finetune needs --data with a data set or a folder')
  const { onnx } = stored
  const unknown = onnx && !flags.model && onnx.network instanceof UserError ? onnx.network : undefined
  const { model, file }: { model?: Model; file: WeightsFile } = unknown
    ? { file: stored }
    : namedNetwork(stored, path, flags.model)
  const tensors = model ? namesOf(model, flags) : chosen(layerWeights(onnx!.file), flags, path)
  const [sparsity, scope, seed] = [
    shareOf(flags.sparsity),
    scopeOf(flags, method),
    wholeNumber('--seed', flags.seed, 0, 2 ** 32 - 1),
  ]
  const lacking = tensors.find((name) => !file.tensors.has(name))
  if (lacking !== undefined) throw new UserError(`${path} has no tensor ${lacking}, which ${model?.name} needs`)
  const { file: pruned, layers } = pruneStored(file, { method, sparsity, scope, tensors, seed })
  const facts = {
    ...(model && !onnx && { model: model.name }),
    method,
    scope,
    sparsity,
    seed,
    pruned: tensors.join(','),
    espalier: version(),
  }
  const metadata = {
    ...{ ...file.metadata, ...flagMetadata(flags) },
    ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)])),
  }
  const network = { weights: { tensors: pruned.tensors, metadata }, model, onnx }
  const written = await writeNetwork(flags.out, network, onnxOptions(flags))

  const [size, kept] = [
    layers.reduce((sum, layer) => sum + layer.size, 0),
    layers.reduce((sum, layer) => sum + layer.kept, 0),
  ]
  const reached = size === 0 ? 0 : 1 - kept / size
  if (flags.json)
    return printJson({
      file: path,
      method,
      scope,
      seed,
      layers,
      prunable: { size, kept, sparsity: reached },
      out: flags.out,
      ...writtenJson(written),
    })
  if (unknown) print(`note: ${unknown.message}`)
  const rows = [...layers, { name: 'all pruned tensors', size, kept }].map((layer) => [
    ...[layer.name, grouped(layer.size), grouped(layer.kept), percent(layer.kept / layer.size)],
  ])
  print(markdownTable([['tensor', 'weights', 'kept', 'density'], ...rows], { align: ['l', 'r', 'r', 'r'] }))
  print(
    `\nsparsity ${percent(reached)} of the pruned tensors; what that does to the accuracy is not known without --data\n`,
  )
  for (const line of writtenLines(flags.out, written, flags)) print(line)
}

const namesOf = (model: Model, { prunable, include, exclude }: PruneFlags): string[] =>
  chooseTensors(model, {
    prunable: oneOf('--prunable', prunable, ['published', 'all'] as const),
    include: patterns(include),
    exclude: patterns(exclude),
  }).map(({ name }) => name)

/** The weights of a model that does not run here, by patterns. */
function chosen(names: readonly string[], flags: PruneFlags, path: string): string[] {
  if (names.length === 0) throw new UserError(`${path} has no stored weights of matrix products or convolutions`)
  const matching = (flag: string, list: readonly string[]) => {
    for (const pattern of list)
      if (!names.some((name) => fits(name, pattern)))
        throw new UserError(`${flag}: no weight is named ${pattern}${suggestion(pattern, names)}`)
    return (name: string) => list.some((pattern) => fits(name, pattern))
  }
  const within = matching('--include', patterns(flags.include) ?? ['*'])
  const without = matching('--exclude', patterns(flags.exclude) ?? [])
  const left = names.filter((name) => within(name) && !without(name))
  if (left.length === 0) throw new UserError(`--exclude ${flags.exclude} leaves no weight of ${path} to prune`)
  return left
}
