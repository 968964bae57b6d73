/** @file A network without what levels remove, as the ONNX model that would be written of it. */
import { brotliBytes } from '../formats/brotli.ts'
import { asOnnx } from '../formats/network-source.ts'
import { compactModel } from '../formats/onnx/compact-model.ts'
import { encodeModel, lengthOf } from '../formats/onnx/encode.ts'
import type { OnnxFile } from '../formats/onnx/file.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import type { OnnxModel } from '../formats/onnx/onnx.ts'
import { wholeNetwork } from '../formats/onnx/whole-network.ts'
import { storeFloats, type TensorFile, toFloats } from '../formats/safetensors-bytes.ts'
import { multiplications } from '../graph/multiplications.ts'
import type { Model } from '../models/model.ts'
import { countNonzeros } from '../sparsity/count.ts'
import { eachRemoved, type UnitLevels } from './unit.ts'

export interface DenseNetwork {
  file: TensorFile & { onnx?: OnnxModel }
  model: Model
  /** What messages call the file. */
  source: string
  /** Channels of a layer are kept in multiples of it. Default 1. */
  multipleOf?: number
  /** What sizes are of: the ONNX file with all its values (the default), or that compressed with brotli. */
  stored?: 'dense' | 'brotli'
}

/** A network whose channels that nothing needs are left out. */
export interface Compacted {
  onnx: OnnxFile
  reading: ImportOptions
  /** Of the file, as it is stored. */
  bytes: number
  /** Of one sample; those with zeros are left out. */
  multiplyAdds: number
}

/** The network with the dense values of all that its levels keep. */
export function atLevels(
  { file, ...network }: DenseNetwork,
  units: readonly UnitLevels[],
  levels: ReadonlyMap<string, number>,
): Compacted {
  const changed = new Map<string, Float32Array>()
  for (const unit of units) {
    const level = levels.get(unit.name) ?? 0
    if (level === 0) continue
    for (const { name } of unit.parts)
      if (!changed.has(name)) changed.set(name, Float32Array.from(toFloats(file.tensors.get(name)!)))
    eachRemoved(unit, unit.levels[level], (name, i) => {
      changed.get(name)![i] = 0
    })
  }
  const tensors = new Map(file.tensors)
  for (const [name, values] of changed) tensors.set(name, storeFloats(values, file.tensors.get(name)!.shape))
  return compacted({ ...network, file: { ...file, tensors } })
}

/** A network as it is compacted when it is written. Throws UserError where that cannot be done. */
export function compacted({ file, model, source, multipleOf, stored = 'dense' }: DenseNetwork): Compacted {
  const reading = file.onnx?.reading ?? {}
  const target = asOnnx(source, { weights: file, model, onnx: file.onnx })
  const { file: onnx } = compactModel(target, { ...reading, multipleOf })
  const { graph, values } = wholeNetwork(onnx, reading, 1)
  const multiplyAdds = [...multiplications(graph)].reduce((sum, [name, count]) => {
    const list = values.get(name)!
    return sum + (count * countNonzeros(list)) / list.length
  }, 0)
  const encoded = encodeModel(onnx.proto)
  const bytes = stored === 'brotli' ? brotliBytes(Buffer.concat(encoded)) : lengthOf(encoded)
  return { onnx, reading, bytes, multiplyAdds: Math.round(multiplyAdds) }
}
