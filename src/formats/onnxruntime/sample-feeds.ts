/**
 * @file What data a model wants that ONNX Runtime runs, said as a network of ours says it, and its inputs
 * made of such data.
 */
import { sizeOf } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import type { OnnxFile } from '../onnx/file.ts'
import { type ImageInput, type ImportOptions, imageInput, partOf } from '../onnx/input.ts'
import { rangeOf } from '../onnx/input-range.ts'
import { fixedBatch, modelInputs, shaped } from '../onnx/model-inputs.ts'
import { Unsupported } from '../onnx/scope.ts'
import { dtypes, isFloating } from '../onnx/tensor.ts'
import { vocabularyIn } from '../onnx/vocabulary.ts'
import type { FedArray } from './session.ts'

export interface RuntimeNetwork {
  /** Its graph is not there: `build` throws. */
  model: Model
  /** Samples in a run: as many as the file is written for, or one. */
  batch: number
  /** Inputs by name of `batch` samples, each as `model.image` has it, one behind the other. */
  feeds(samples: Float32Array): Map<string, FedArray>
}

/** Throws UserError where an input is not said in full. */
export function runtimeNetwork(file: OnnxFile, reading: ImportOptions): RuntimeNetwork {
  const given = givenFeeds(file, reading)
  const image = imageInput(file, reading)
  const inputs = modelInputs(file, reading)
  const batch = fixedBatch(inputs) ?? 1
  const named = { name: file.path, summary: 'a model that ONNX Runtime runs', classes: 1, build: absent(file.path) }
  if (!(image instanceof Unsupported)) {
    const [{ type }] = inputs
    const feeds = (samples: Float32Array) => {
      const values = asTaken(samples, image)
      return new Map([...given, [image.name, { type, shape: [batch, ...image.sample], values }]] as const)
    }
    const texts = vocabularyIn(file, image.image)
    return { model: { ...named, image: image.image, inputs: [partOf(image)], ...texts }, batch, feeds }
  }
  const arrays = shaped(inputs, batch, reading, file.path)
  const parts = arrays.map(({ name, type, shape, samples }) => {
    if (batch > 1 && samples !== 0)
      throw new Unsupported(`${file.path}: its input ${name} [${shape}] does not run over its ${batch} samples`)
    const part = { name, shape: samples === 0 ? shape.slice(1) : shape }
    if (isFloating(type)) return part
    const range = rangeOf(file, name, type)
    return { ...part, whole: true, ...(range && { range }) }
  })
  const width = parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const feeds = (samples: Float32Array) => {
    let start = 0
    const fed = arrays.map(({ name, type, shape }) => {
      const size = sizeOf(shape) / batch
      const from = start
      start += size
      const values = new Float32Array(sizeOf(shape))
      for (let n = 0; n < batch; n++) values.set(samples.subarray(n * width + from, n * width + from + size), n * size)
      return [name, { type, shape, values }] as const
    })
    return new Map([...given, ...fed])
  }
  return { model: { ...named, image: [1, 1, width], inputs: parts }, batch, feeds }
}

const absent = (path: string) => (): never => {
  throw new UserError(`${path}: ONNX Runtime computes forward passes alone, and this needs its graph`)
}

/** Inputs of one value that is known beforehand. */
function givenFeeds({ graph }: OnnxFile, { given = {} }: ImportOptions): [string, FedArray][] {
  return graph.input.flatMap(({ name, type }): [string, FedArray][] => {
    if (!Object.hasOwn(given, name) || type?.value.case !== 'tensorType') return []
    const { elemType, shape } = type.value.value
    return [[name, { type: dtypes[elemType] ?? 'F32', shape: (shape?.dim ?? []).map(() => 1), values: [given[name]] }]]
  })
}

/** Images [N, C, H, W] in the order that the model takes. */
function asTaken(images: Float32Array, { layout, image: [channels, rows, columns], sample }: ImageInput) {
  if (layout === 'NCHW' || sample.length !== 3) return images
  const plane = rows * columns
  return images.map((_, i) => {
    const [channel, pixel] = [i % channels, Math.floor(i / channels)]
    const [at, n] = [pixel % plane, Math.floor(pixel / plane)]
    return images[(n * channels + channel) * plane + at]
  })
}
