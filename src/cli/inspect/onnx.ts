/**
 * @file What an ONNX file stores, of all of its graphs: which tensors are weights of layers, and why others
 * are not.
 */
import type { OnnxModel } from '../../formats/onnx/onnx.ts'
import { isFloating, numbersOf } from '../../formats/onnx/tensor.ts'
import { storedWeights, type Untouched } from '../../formats/onnx/weights.ts'
import type { StoredTensor, TensorFile } from '../../formats/safetensors.ts'
import { untouchedLines } from '../prune/onnx-report.ts'

export interface InspectedOnnx {
  /** All floats, and whole numbers that stand for floats, counted from their zero points. */
  file: TensorFile
  /** Types of the whole numbers, as they are stored. */
  types: ReadonlyMap<string, string>
  /** Keys of weights of layers. */
  weights: string[]
  untouched: Untouched[]
}

export function inspectOnnx({ file }: OnnxModel, { tensors, metadata }: TensorFile): InspectedOnnx {
  const { weights, untouched, quantized } = storedWeights(file)
  const whole = [...weights, ...quantized].flatMap(({ key, weigh }): [string, StoredTensor][] => {
    const tensor = file.stored.get(key)!()
    return isFloating(tensor.dtype) ? [] : [[key, fromZero(tensor, weigh(tensor).zeros)]]
  })
  const floats = [...tensors].filter(([, { dtype }]) => isFloating(dtype))
  return {
    file: { tensors: new Map([...floats, ...whole]), metadata },
    types: new Map(whole.map(([key]) => [key, file.stored.get(key)!().dtype])),
    weights: weights.map(({ key }) => key),
    untouched,
  }
}

/** Small whole numbers, of one byte, without their zero points: of two. */
function fromZero(tensor: StoredTensor, zeros: number | ArrayLike<number>): StoredTensor {
  const values = Int16Array.from(numbersOf(tensor), (q, i) => q - (typeof zeros === 'number' ? zeros : zeros[i]))
  return { dtype: 'I16', shape: tensor.shape, data: new Uint8Array(values.buffer) }
}

/** What is said beside the tables. */
export const onnxLines = ({ untouched }: InspectedOnnx): string[] => [
  '',
  'weights of layers are the tensors, of all graphs of the model, that its products, convolutions and recurrent layers multiply with: what prune --method magnitude prunes',
  ...untouchedLines(untouched, Number.POSITIVE_INFINITY),
]
