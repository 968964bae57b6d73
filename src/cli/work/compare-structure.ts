/** @file What networks are made of: layers, operators of ONNX files, and which weights two of them kept. */
import { toFloats } from '../../formats/safetensors.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { overlapOf, totalOverlap } from '../../sparsity/overlap.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'

/** A network that was read. */
export interface Candidate {
  path: string
  model: Model
  file: WeightsFile
}

/** How a network differs from the first. */
export interface Differences {
  /** Layers that only the first has, and that only this one has. */
  missing: string[]
  added: string[]
  /** Layers of both, of other shapes: that in the first, and here. */
  reshaped: { name: string; first: number[]; here: number[] }[]
  /** Of ONNX files: operators of which one has more nodes than the other, with how many. */
  operators?: { name: string; first: number; here: number }[]
}

/** Jaccard indices of the nonzeros and those of the first: of all layers of the same shape, and of each. */
export interface Overlaps {
  all: number
  tensors: { name: string; jaccard: number }[]
}

/** Absent operators: one of them is no ONNX file. */
export function differences(first: Candidate, one: Candidate): Differences {
  const [before, here] = [first, one].map(
    ({ model }) => new Map(prunableTensors(model).map((t) => [t.name, [...t.shape]])),
  )
  const both = [...before].filter(([name]) => here.has(name))
  const counted = operatorsOf(first) && operatorsOf(one) ? operatorDifferences(first, one) : undefined
  return {
    missing: [...before.keys()].filter((name) => !here.has(name)),
    added: [...here.keys()].filter((name) => !before.has(name)),
    reshaped: both.flatMap(([name, shape]) =>
      String(shape) === String(here.get(name)) ? [] : [{ name, first: shape, here: here.get(name)! }],
    ),
    ...(counted && { operators: counted }),
  }
}

/** Undefined where no layer of the same name has the same shape. */
export function overlaps(first: Candidate, one: Candidate): Overlaps | undefined {
  const shapes = new Map(prunableTensors(one.model).map(({ name, shape }) => [name, String(shape)]))
  const values = ({ file }: Candidate, name: string) => toFloats(file.tensors.get(name)!)
  const found = prunableTensors(first.model)
    .filter(({ name, shape }) => shapes.get(name) === String(shape))
    .map(({ name }) => overlapOf(name, values(first, name), values(one, name)))
  if (found.length === 0) return undefined
  return { all: totalOverlap('all', found).jaccard, tensors: found.map(({ name, jaccard }) => ({ name, jaccard })) }
}

/** A sentence for each kind of difference; none where there is none. */
export function differenceLines({ missing, added, reshaped, operators = [] }: Differences): string[] {
  const shape = (sizes: readonly number[]) => `[${sizes.join(', ')}]`
  return [
    ...(missing.length > 0 ? [`only the first has ${some(missing)}`] : []),
    ...(added.length > 0 ? [`only this one has ${some(added)}`] : []),
    ...(reshaped.length > 0
      ? [`other shapes: ${some(reshaped.map(({ name, first, here }) => `${name} ${shape(here)} for ${shape(first)}`))}`]
      : []),
    ...(operators.length > 0
      ? [`other numbers of nodes: ${some(operators.map(({ name, first, here }) => `${here} ${name} for ${first}`))}`]
      : []),
  ]
}

/** How many are named. */
const NAMED = 5

const some = (names: readonly string[]): string =>
  names.length <= NAMED ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`

function operatorDifferences(first: Candidate, one: Candidate): Differences['operators'] {
  const [before, here] = [operatorsOf(first)!, operatorsOf(one)!]
  return [...new Set([...before.keys(), ...here.keys()])]
    .sort()
    .map((name) => ({ name, first: before.get(name) ?? 0, here: here.get(name) ?? 0 }))
    .filter(({ first: a, here: b }) => a !== b)
}

/** Nodes of the main graph by operator; undefined of what is no ONNX file. */
function operatorsOf({ file: { onnx } }: Candidate): Map<string, number> | undefined {
  if (!onnx) return undefined
  const counts = new Map<string, number>()
  for (const { opType } of onnx.file.graph.node) counts.set(opType, (counts.get(opType) ?? 0) + 1)
  return counts
}
