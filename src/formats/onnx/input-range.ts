/** @file Which whole numbers an input of a model takes: those of its type, and places in a stored table. */
import type { ValueRange } from '../../models/model.ts'
import type { DType } from '../safetensors-bytes.ts'
import type { OnnxFile } from './file.ts'
import { Operation } from './operation.ts'

const OF_TYPES: Partial<Record<DType, ValueRange>> = {
  U8: { least: 0, most: 255, why: 'as its type uint8 holds' },
  I8: { least: -128, most: 127, why: 'as its type int8 holds' },
  I16: { least: -(2 ** 15), most: 2 ** 15 - 1, why: 'as its type int16 holds' },
  BOOL: { least: 0, most: 1, why: 'as its type bool holds' },
}

/** What passes places on as they are. */
const PASSING = ['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose']

/** Undefined where any number will do, or what becomes of it is not known beforehand. */
export function rangeOf({ graph, opset, stored }: OnnxFile, input: string, type: DType): ValueRange | undefined {
  const names = new Set([input])
  const tables: ValueRange[] = []
  for (const node of graph.node) {
    const operation = new Operation(node, opset)
    const [first, second] = operation.inputs
    if (PASSING.includes(operation.op) && names.has(first)) for (const name of operation.outputs) names.add(name)
    if (operation.op !== 'Gather' || !names.has(second) || !stored.has(first)) continue
    const { shape } = stored.get(first)!()
    const size = shape.at(operation.integer('axis', 0)) ?? 0
    tables.push({ least: -size, most: size - 1, why: `as places in ${first} [${shape.join(', ')}]` })
  }
  const [smallest] = tables.sort((a, b) => a.most - b.most)
  return smallest ?? OF_TYPES[type]
}
