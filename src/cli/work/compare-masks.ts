/** @file The work of espalier compare-masks. */
import { markdownTable } from 'markdown-table'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import type { OnnxModel } from '../../formats/onnx/onnx.ts'
import { storedWeights } from '../../formats/onnx/weights.ts'
import { type StoredTensor, storeFloats, type TensorFile, toFloats } from '../../formats/safetensors.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { type Overlap, overlapOf, totalOverlap } from '../../sparsity/overlap.ts'
import { chooseNames, chooseTensors, prunableSets } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { suggestion } from '../../util/suggest.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { oneOf, patterns } from '../flags/choices.ts'
import { namedFor, namedNetwork } from '../flags/named-network.ts'

export interface CompareMasksOptions {
  model?: string
  prunable: string
  include?: string
  exclude?: string
  json?: boolean
}

export async function compareMasks(givenA: string, givenB: string, options: CompareMasksOptions): Promise<void> {
  const [pathA, pathB] = [weightsPath(givenA), weightsPath(givenB)]
  const [storedA, storedB] = await Promise.all([pathA, pathB].map((path) => readWeights(path, undefined, printNote)))
  const { tensors, a, b, model } = comparable([storedA, pathA], [storedB, pathB], options)
  const layers = tensors.map((tensor) => overlapOf(tensor.name, valuesOf(a, tensor, pathA), valuesOf(b, tensor, pathB)))
  const all = totalOverlap('all', layers)
  if (options.json) printJson({ a: pathA, b: pathB, model: model?.name, layers, all })
  else print(overlapTable([...layers, all]))
}

/** What is compared: both files by the same names. */
interface Comparable {
  tensors: Pick<Tensor, 'name' | 'shape'>[]
  a: TensorFile
  b: TensorFile
  /** Where it is known. */
  model?: Model
}

type Read = readonly [WeightsFile, string]

/**
 * Files of one network; ONNX models that do not run here are compared by the names of their weights. Throws
 * UserError.
 */
function comparable([storedA, pathA]: Read, [storedB, pathB]: Read, options: CompareMasksOptions): Comparable {
  const prunable = oneOf('--prunable', options.prunable, prunableSets)
  const choice = { include: patterns(options.include), exclude: patterns(options.exclude) }
  const foreign = [storedA, storedB].find(({ onnx }) => onnx?.network instanceof UserError)
  if (foreign && !options.model && prunable !== 'all')
    throw new UserError(
      `--prunable ${prunable} is for networks that run here: ${(foreign.onnx!.network as UserError).message}`,
    )
  if (storedA.onnx && storedB.onnx && !options.model && prunable === 'all') {
    const [a, b] = [storedA.onnx, storedB.onnx].map(keptWeights)
    const names = [...new Set([...a.tensors.keys(), ...b.tensors.keys()])]
    if (names.length === 0) throw new UserError(`${pathA} and ${pathB} have no stored weights of layers`)
    const tensors = chooseNames(names, choice).map((name) => ({ name, shape: tensorOf(a, name, pathA).shape }))
    return { tensors, a, b }
  }
  const { model, file: a } = namedNetwork(storedA, pathA, options.model)
  const other = storedB.metadata.model
  if (!options.model && !storedA.onnx && other && other !== model.name)
    throw new UserError(`${pathA} holds ${model.name} and ${pathB} ${other}: expected two files of one network`)
  return { model, a, b: namedFor(model, storedB, pathB), tensors: chooseTensors(model, { prunable, ...choice }) }
}

/** All weights of an ONNX model, by key: 1 where a layer multiplies with more than zero. */
function keptWeights({ file }: OnnxModel): TensorFile {
  const kept = storedWeights(file).weights.map(({ key, shape, stored, weigh }) => {
    const { magnitudes } = weigh(stored())
    return [key, storeFloats(Float32Array.from(magnitudes, Math.sign), shape)] as const
  })
  return { tensors: new Map(kept), metadata: {} }
}

function tensorOf(file: TensorFile, name: string, path: string): StoredTensor {
  const stored = file.tensors.get(name)
  if (!stored) throw new UserError(`${path} has no tensor ${name}${suggestion(name, [...file.tensors.keys()], 5)}`)
  return stored
}

/** The values of a network's tensor in a file. Throws UserError where it is missing or has another shape. */
function valuesOf(file: TensorFile, { name, shape }: Comparable['tensors'][number], path: string): Float32Array {
  const stored = tensorOf(file, name, path)
  if (String(stored.shape) !== String(shape))
    throw new UserError(`${path}: tensor ${name} has shape [${stored.shape}], expected [${shape}]`)
  return toFloats(stored)
}

function overlapTable(overlaps: readonly Overlap[]): string {
  const rows = overlaps.map(({ name, size, keptA, keptB, both, jaccard }) => [
    name,
    ...[size, keptA, keptB, both].map(grouped),
    jaccard.toFixed(4),
  ])
  const head = ['layer', 'weights', 'kept in A', 'kept in B', 'kept in both', 'overlap']
  const table = markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r'] })
  return fitting(table, ['weights', 'kept in A', 'kept in B'])
}
