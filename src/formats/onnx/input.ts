/** @file The input of an ONNX model: which one it is, and how images become it. */
import { TensorProto_DataType as DataType } from 'onnx-buf'
import type { Graph } from '../../graph/graph.ts'
import { reshape } from '../../graph/operators/shape.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { RowPart } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import type { OnnxFile } from './file.ts'
import { Unsupported } from './scope.ts'
import { dtypes, isFloating } from './tensor.ts'
import { Permuted, type Value } from './value.ts'

export interface ImportOptions {
  /** Rows and columns of images, where the file leaves them open. */
  plane?: readonly [number, number]
  /** How its images are laid out. Default: told by where the 1, 3 or 4 channels are. */
  layout?: 'NCHW' | 'NHWC'
  /** Open sizes of inputs by their names: symbols of the file, or `<input>.<axis>`. */
  sizes?: Readonly<Record<string, number>>
  /** The output that counts, of a model with several. Default: all. */
  output?: string
  /** Inputs of one value that is known beforehand, such as a sampling rate, by name. */
  given?: Readonly<Record<string, number>>
}

export interface ImageInput {
  name: string
  /** Channels, rows, columns. */
  image: readonly [number, number, number]
  /** The number of samples that the file was written for, where it says one. */
  batch?: number
  /** Shape of one sample as the model takes it. */
  sample: readonly number[]
  layout: 'NCHW' | 'NHWC'
  /** Whether its elements are bytes: the pixels themselves. */
  bytes?: boolean
}

/** Rows and columns of images are left open. */
export class OpenSize extends Unsupported {
  override name = 'OpenSize'
}

/** The one input that is not stored. Throws UserError where there is none, or several. */
export function inputOf(file: OnnxFile, { plane, layout, given = {} }: ImportOptions): ImageInput {
  const { path, graph, stored } = file
  const inputs = graph.input.filter(({ name }) => !stored.has(name) && !Object.hasOwn(given, name))
  if (inputs.length !== 1)
    throw new Unsupported(
      `${path} has ${inputs.length} inputs (${inputs.map(({ name }) => name).join(', ')}), expected one batch of images`,
    )
  const [{ name, type }] = inputs
  const dims = type?.value.case === 'tensorType' ? type.value.value.shape?.dim : undefined
  if (!dims || dims.length < 2 || dims.length > 4)
    throw new Unsupported(
      `${path}: its input ${name} has ${dims ? `${dims.length} axes` : 'no shape'}, expected 2 to 4`,
    )
  const elemType = type?.value.case === 'tensorType' ? type.value.value.elemType : 0
  const elements = DataType[elemType] ?? elemType
  const bytes = dtypes[elemType] === 'U8' && dims.length > 2
  if (!isFloating(dtypes[elemType]) && !bytes)
    throw new Unsupported(`${path}: its input ${name} has elements of the type ${elements}, expected floats`)
  const [batch, ...stated] = dims.map(({ value }) =>
    value.case === 'dimValue' && value.value > 0n ? Number(value.value) : undefined,
  )
  const sample = withReaders(stated, name, file)
  const chosen = layout ?? (sample.length === 3 && !isChannels(sample[0]) && isChannels(sample[2]) ? 'NHWC' : 'NCHW')
  const known = withPlane(sample, chosen, plane)
  if (!known.every((n) => n !== undefined))
    throw new OpenSize(
      `${path}: its input ${name} is [${dims.map(({ value }) => value.value ?? '?').join(', ')}]: ${openSize(known, chosen)}`,
    )
  if (known.some((n) => n > 2 ** 24)) throw new UserError(`${path}: its input ${name} is impossibly large: [${known}]`)
  return { name, batch, sample: known, layout: chosen, image: imageOf(known, chosen), ...(bytes && { bytes }) }
}

/** The same, or why the model does not take one batch of images. */
export function imageInput(file: OnnxFile, options: ImportOptions): ImageInput | Unsupported {
  try {
    return inputOf(file, options)
  } catch (error) {
    if (error instanceof Unsupported) return error
    throw error
  }
}

const isChannels = (n: number | undefined) => n === 1 || n === 3 || n === 4

/**
 * A vector whose length is left open has as many values as the matrices that it is multiplied by have rows.
 */
function withReaders(sample: (number | undefined)[], name: string, { graph, stored }: OnnxFile) {
  if (sample.length !== 1 || sample[0] !== undefined) return sample
  const lengths = graph.node.flatMap(({ opType, input: [x, weight], attribute }) => {
    const shape = x === name && ['MatMul', 'Gemm'].includes(opType) ? stored.get(weight)?.().shape : undefined
    const turned = attribute.some((one) => one.name === 'transB' && one.i !== 0n)
    return shape?.length === 2 ? [shape[turned ? 1 : 0]] : []
  })
  return [lengths[0]]
}

/** Rows and columns that are left open, or places along one axis, are those asked for. */
function withPlane(sample: readonly (number | undefined)[], layout: string, plane?: readonly [number, number]) {
  const last = sample.length - 1
  const [rows, columns] = sample.length < 3 ? [-1, last] : layout === 'NHWC' ? [0, 1] : [1, 2]
  return sample.map((n, i) => n ?? (i === rows ? plane?.[0] : i === columns ? plane?.[1] : undefined))
}

/** What is to be said where sizes of a sample are still open. */
function openSize(sample: readonly (number | undefined)[], layout: string): string {
  const channels = sample.length === 1 ? -1 : sample.length === 2 || layout === 'NCHW' ? 0 : 2
  if (channels >= 0 && sample[channels] === undefined) return 'the number of its channels is left open'
  return 'say how large images are with --crop (of eval, prune, bench and convert; what convert writes says it to all commands)'
}

/**
 * A vector is taken as a square image of one or three channels, where it has as many values as one, else as a
 * row.
 */
function imageOf(sample: readonly number[], layout: string): [number, number, number] {
  if (sample.length === 3)
    return layout === 'NHWC' ? [sample[2], sample[0], sample[1]] : [sample[0], sample[1], sample[2]]
  if (sample.length === 2) return [1, sample[0], sample[1]]
  for (const channels of [1, 3]) {
    const side = Math.sqrt(sample[0] / channels)
    if (Number.isInteger(side)) return [channels, side, side]
  }
  return [1, 1, sample[0]]
}

/** Images [N, C, H, W] as the model takes them. */
export function toInput(images: Tensor, { layout, sample }: ImageInput, graph: Graph): Value {
  if (layout === 'NHWC' && sample.length === 3) return new Permuted(images, [0, 2, 3, 1])
  return reshape(graph, images, [images.shape[0], ...sample])
}

/** The one array of a sample. */
export const partOf = ({ name, sample, layout, bytes }: ImageInput): RowPart => ({
  name,
  shape: sample,
  ...(layout === 'NHWC' && sample.length === 3 && { layout }),
  ...(bytes && { whole: true, range: { least: 0, most: 255, why: 'as its type uint8 holds' } }),
})
