/**
 * @file The weights of an ONNX model, which need not run here: the stored tensors that its layers multiply
 * with, and why others are none.
 */

import { TensorProto_DataType as DataType } from 'onnx-buf'
import type { DType, StoredTensor } from '../safetensors-bytes.ts'
import type { OnnxFile } from './file.ts'
import { type AnyTensor, typeOf } from './places.ts'
import { dtypes, isFloating } from './tensor.ts'
import type { Uses } from './weights/uses.ts'
import { usesOf } from './weights/walk.ts'
import { elementsOf, isScaled, Untraceable, type Weighed, weigh } from './weights/weigh.ts'

/** A stored tensor that layers multiply with. */
export interface StoredWeight {
  /** Unique in the file; see places.ts. */
  key: string
  dtype: DType
  /** As it is stored. */
  shape: readonly number[]
  /** The values that are in the file. */
  stored(): StoredTensor
  /**
   * Per element |what the layers multiply with|, 0 where that is zero, and which stored number is zero there;
   * of these values instead of those of the file.
   */
  weigh(values: StoredTensor): Weighed
  /** Layers that read part of it only, with the elements of each. */
  parts(): { layer: string; elements: Int32Array }[]
}

/** A stored tensor that is no weight, or one that cannot be pruned. */
export interface Untouched {
  key: string
  shape: readonly number[]
  /** In plain words. */
  reason: string
}

export interface StoredWeights {
  /** In the order of the file. */
  weights: StoredWeight[]
  /** All others of floats or of few bits with two axes or more that have more than one index. */
  untouched: Untouched[]
  /**
   * Tensors of whole numbers that stand for floats, which are no weights, with the number that stands for
   * zero.
   */
  quantized: { key: string; weigh(values: StoredTensor): Weighed }[]
}

/** Types of few bits: of quantized numbers, and those that are not read. */
const isNarrow = (type: number) => type !== 0 && ![6, 7, 8, 9, 12, 13].includes(type)

/** Weights of all graphs of a model. Throws UserError where a tensor is malformed. */
export function storedWeights(file: OnnxFile): StoredWeights {
  const found: StoredWeights = { weights: [], untouched: [], quantized: [] }
  for (const uses of usesOf(file).all()) {
    const { place, layers, dequantized } = uses
    const type = typeOf(place.tensor)
    const shape = place.tensor.dims.map(Number)
    const dtype = dtypes[type]
    const stored = () => file.stored.get(place.key)!()
    const reason = whyNot(uses, stored)
    if (reason === undefined) {
      const sources = layers.map(({ source }) => source)
      found.weights.push({
        key: place.key,
        dtype,
        shape,
        stored,
        weigh: (values) => weigh(sources, values),
        parts: () =>
          layers.flatMap(({ layer, source }) => {
            const elements = source.part ? elementsOf(source.steps, shape) : undefined
            return elements ? [{ layer, elements: elements.filter((element) => element >= 0) }] : []
          }),
      })
      continue
    }
    if (dtype && !isFloating(dtype) && dequantized.length > 0)
      found.quantized.push({ key: place.key, weigh: (values) => weigh(dequantized.slice(0, 1), values) })
    if (shape.filter((n) => n > 1).length > 1 && (isNarrow(type) || layers.length > 0))
      found.untouched.push({ key: place.key, shape, reason })
  }
  return found
}

/** Why a tensor is not pruned; undefined where it is. */
function whyNot({ place, layers, others }: Uses, stored: () => StoredTensor): string | undefined {
  const reasons = [...new Set(others.filter(({ keeps }) => keeps || layers.length === 0).map(({ reason }) => reason))]
  if (layers.length === 0) return reasons.length === 0 ? 'read by nothing' : listed(reasons)
  if (reasons.length > 0) return `a weight of ${layers[0].layer}, but also ${listed(reasons)}`
  if (place.tensor.dims.some((n) => n === 0n)) return 'empty'
  const dtype = dtypes[typeOf(place.tensor)]
  if (!dtype || !['F32', 'F64', 'F16', 'BF16', 'I8', 'U8'].includes(dtype))
    return `of a type that is not pruned, ${typeName(place.tensor)}`
  const sources = layers.map(({ source }) => source)
  if (!sources.some(isScaled)) return undefined
  try {
    weigh(sources, stored())
  } catch (error) {
    if (error instanceof Untraceable) return error.message
    throw error
  }
  return undefined
}

const MOST_REASONS = 3

function listed(reasons: readonly string[]): string {
  const more = reasons.length - MOST_REASONS
  return [...reasons.slice(0, MOST_REASONS), ...(more > 0 ? [`${more} more`] : [])].join('; ')
}

const typeName = (tensor: AnyTensor) => DataType[typeOf(tensor)] ?? String(typeOf(tensor))
