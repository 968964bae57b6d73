/**
 * @file The inputs of an ONNX model as the file declares them, of any number, type and rank, and the shapes
 * that they have in a run.
 */
import { TensorProto_DataType as DataType, type TensorShapeProto } from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import { suggestion } from '../../util/suggest.ts'
import type { DType } from '../safetensors-bytes.ts'
import type { OnnxFile } from './file.ts'
import type { ImportOptions } from './input.ts'
import { Unsupported } from './scope.ts'
import { dtypes } from './tensor.ts'

export interface ModelInput {
  name: string
  type: DType
  /** By axis: a size, or what an open one is called: its symbol, else `<input>.<axis>`. */
  sizes: readonly (number | string)[]
}

/** An input in a run. */
export interface ShapedInput {
  name: string
  type: DType
  shape: readonly number[]
  /** The axis that runs over samples; undefined: none does. */
  samples?: number
}

/**
 * Inputs that are not stored and not given, in the order of the file. Throws Unsupported where one has no
 * shape.
 */
export function modelInputs({ path, graph, stored }: OnnxFile, { given = {} }: ImportOptions = {}): ModelInput[] {
  const free = graph.input.filter(({ name }) => !stored.has(name) && !Object.hasOwn(given, name))
  return free.map(({ name, type }) => {
    if (type?.value.case !== 'tensorType') throw new Unsupported(`${path}: its input ${name} is not a tensor`)
    const { elemType, shape } = type.value.value
    const dtype = dtypes[elemType]
    if (!dtype)
      throw new Unsupported(
        `${path}: its input ${name} has elements of the type ${DataType[elemType] ?? elemType}, expected numbers`,
      )
    if (!shape) throw new Unsupported(`${path}: its input ${name} has no shape`)
    return { name, type: dtype, sizes: sizesOf(name, shape) }
  })
}

const sizesOf = (input: string, { dim }: TensorShapeProto): (number | string)[] =>
  dim.map(({ value }, axis) => {
    if (value.case === 'dimValue' && value.value > 0n) return Number(value.value)
    return value.case === 'dimParam' && value.value ? value.value : `${input}.${axis}`
  })

/** Throws UserError where a size is said that no input leaves open. */
export function checkSizes({ path, graph, stored }: OnnxFile, { sizes = {} }: ImportOptions): void {
  const shapes = graph.input.flatMap(({ name, type }) =>
    type?.value.case === 'tensorType' && !stored.has(name) && type.value.value.shape
      ? sizesOf(name, type.value.value.shape)
      : [],
  )
  const open = [...new Set(shapes)].flatMap((size) => (typeof size === 'string' ? [size] : []))
  const unknown = Object.keys(sizes).find((name) => !open.includes(name))
  if (unknown === undefined) return
  const known = open.length > 0 ? suggestion(unknown, open) : ': it leaves none open'
  throw new UserError(`--dim: ${path} leaves no size ${unknown} open${known}`)
}

/**
 * The number of samples that a model is written for: the first size of its first input that has axes;
 * undefined where that is open.
 */
export function fixedBatch(inputs: readonly ModelInput[]): number | undefined {
  const size = inputs.find(({ sizes }) => sizes.length > 0)?.sizes[0]
  return typeof size === 'number' ? size : undefined
}

/**
 * The shapes of inputs for `batch` samples. Samples run along the axis whose size is the first one of the
 * first input (its number or its symbol), or along a first axis that is open and has no name; other open
 * sizes are those of `sizes`. Throws Unsupported where one of these is not said.
 */
export function shaped(
  inputs: readonly ModelInput[],
  batch: number,
  { sizes: told = {}, plane }: ImportOptions,
  path: string,
): ShapedInput[] {
  const first = inputs.find(({ sizes }) => sizes.length > 0)?.sizes[0]
  return inputs.map(({ name, type, sizes }) => {
    const known = (sizes.length === 4 ? planeOf(sizes, plane) : sizes).map((size) =>
      typeof size === 'string' && Object.hasOwn(told, size) ? told[size] : size,
    )
    const isBatch = (size: number | string, axis: number) =>
      typeof first === 'number' ? axis === 0 && size === first : size === first || (axis === 0 && size === `${name}.0`)
    const samples = known.findIndex(isBatch)
    const shape = known.map((size, axis) => {
      if (axis === samples) return batch
      if (typeof size === 'number') return size
      throw new Unsupported(
        `${path}: size ${size} of its input ${name} [${sizes.join(', ')}] is left open: say it with --dim ${size}=N`,
      )
    })
    if (shape.some((n) => !(Number.isInteger(n) && n > 0 && n <= 2 ** 24)))
      throw new UserError(`${path}: its input ${name} has the impossible shape [${shape}]`)
    return { name, type, shape, ...(samples >= 0 && { samples }) }
  })
}

/** Open rows and columns of images are those asked for. */
function planeOf(sizes: readonly (number | string)[], plane?: readonly [number, number]): readonly (number | string)[] {
  if (!plane) return sizes
  const open = sizes.flatMap((size, axis) => (axis > 0 && typeof size === 'string' ? [axis] : []))
  if (open.length !== 2) return sizes
  return sizes.map((size, axis) => (axis === open[0] ? plane[0] : axis === open[1] ? plane[1] : size))
}
