/** @file espalier compare-masks: how far two pruned networks kept the same weights. */
import { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { grouped } from '../experiment/report.ts'
import { type TensorFile, toFloats } from '../formats/safetensors.ts'
import { readWeights } from '../formats/weights-file.ts'
import type { Tensor } from '../graph/tensor.ts'
import { type Overlap, overlapOf, totalOverlap } from '../prune/overlap.ts'
import { chooseTensors, prunableSets } from '../prune/tensors.ts'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import { oneOf, patterns } from './choices.ts'
import { namedNetwork } from './named-network.ts'
import { print, printJson } from './output.ts'

interface Options {
  model?: string
  prunable: string
  include?: string
  exclude?: string
  json?: boolean
}

export const compareMasksCommand = new Command('compare-masks')
  .description('how far two pruned networks kept the same weights: zeros count as pruned')
  .argument('<a>', 'pruned weights: a safetensors or HDF5 file, or a PyTorch checkpoint')
  .argument('<b>', 'another one, of the same network')
  .option('--model <name>', 'a built-in network (default: the one that the first file names)')
  .option('--prunable <set>', `tensors to compare: ${prunableSets.join(', ')}`, 'all')
  .option('--include <names>', 'these tensors only; comma separated, * for any characters')
  .option('--exclude <names>', 'not these tensors')
  .option('--json', 'print one JSON object')
  .addHelpText('after', '\noverlap: weights kept in both, of those kept in at least one (Jaccard index)')
  .action(async (pathA: string, pathB: string, options: Options) => {
    const [storedA, storedB] = await Promise.all([pathA, pathB].map((path) => readWeights(path)))
    const { model, file: a } = namedNetwork(storedA, pathA, options.model)
    const other = storedB.metadata.model
    if (!options.model && other && other !== model.name)
      throw new UserError(`${pathA} holds ${model.name} and ${pathB} ${other}: expected two files of one network`)
    const { file: b } = namedNetwork(storedB, pathB, options.model ?? model.name)
    const tensors = chooseTensors(model, {
      prunable: oneOf('--prunable', options.prunable, prunableSets),
      include: patterns(options.include),
      exclude: patterns(options.exclude),
    })
    const layers = tensors.map((tensor) =>
      overlapOf(tensor.name, valuesOf(a, tensor, pathA), valuesOf(b, tensor, pathB)),
    )
    const all = totalOverlap('all', layers)
    if (options.json) printJson({ a: pathA, b: pathB, model: model.name, layers, all })
    else print(overlapTable([...layers, all]))
  })

/** The values of a network's tensor in a file. Throws UserError where it is missing or has another shape. */
function valuesOf(file: TensorFile, { name, shape }: Tensor, path: string): Float32Array {
  const stored = file.tensors.get(name)
  if (!stored) throw new UserError(`${path} has no tensor ${name}${suggestion(name, [...file.tensors.keys()], 5)}`)
  if (String(stored.shape) !== String(shape))
    throw new UserError(`${path}: tensor ${name} has shape [${stored.shape}], the network has [${shape}]`)
  return toFloats(stored)
}

function overlapTable(overlaps: readonly Overlap[]): string {
  const rows = overlaps.map(({ name, size, keptA, keptB, both, jaccard }) => [
    ...[name, ...[size, keptA, keptB, both].map(grouped)],
    jaccard.toFixed(4),
  ])
  const head = ['layer', 'weights', 'kept in A', 'kept in B', 'kept in both', 'overlap']
  return markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r'] })
}
