/** @file The input of an ONNX model: which one it is, and how images become it. */
import type { Graph } from '../../graph/graph.ts'
import { reshape } from '../../graph/operators/shape.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { OnnxFile } from './file.ts'
import { Unsupported } from './scope.ts'
import { Permuted, type Value } from './value.ts'

export interface ImportOptions {
  /** Rows and columns of images, where the file leaves them open. */
  plane?: readonly [number, number]
  /** How its images are laid out. Default: told by where the 1, 3 or 4 channels are. */
  layout?: 'NCHW' | 'NHWC'
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
}

/** The one input that is not stored. Throws UserError where there is none, or several. */
export function inputOf({ path, graph, stored }: OnnxFile, { plane, layout }: ImportOptions): ImageInput {
  const inputs = graph.input.filter(({ name }) => !stored.has(name))
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
  const [batch, ...sample] = dims.map(({ value }) =>
    value.case === 'dimValue' && value.value > 0n ? Number(value.value) : undefined,
  )
  const chosen = layout ?? (sample.length === 3 && !isChannels(sample[0]) && isChannels(sample[2]) ? 'NHWC' : 'NCHW')
  const known = withPlane(sample, chosen, plane)
  if (!known.every((n) => n !== undefined))
    throw new Unsupported(
      `${path}: its input ${name} is [${dims.map(({ value }) => value.value ?? '?').join(', ')}]: say how large images are with --crop`,
    )
  if (known.some((n) => n > 2 ** 24)) throw new UserError(`${path}: its input ${name} is impossibly large: [${known}]`)
  return { name, batch, sample: known, layout: chosen, image: imageOf(known, chosen) }
}

const isChannels = (n: number | undefined) => n === 1 || n === 3 || n === 4

/** Rows and columns that are left open are those asked for. */
function withPlane(sample: readonly (number | undefined)[], layout: string, plane?: readonly [number, number]) {
  if (sample.length !== 3) return sample
  const [rows, columns] = layout === 'NHWC' ? [0, 1] : [1, 2]
  return sample.map((n, i) => n ?? (i === rows ? plane?.[0] : i === columns ? plane?.[1] : undefined))
}

/** A vector is taken as a square image of one or three channels, where it has as many values as one, else as a row. */
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
