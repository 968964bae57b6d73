/**
 * @file A model that ONNX Runtime runs over samples of a data set, and what its outputs are: scores of
 * classes, or any arrays.
 */
import type { SampleSet } from '../data/dataset.ts'
import type { OnnxFile } from '../formats/onnx/file.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import { dtypes, isFloating } from '../formats/onnx/tensor.ts'
import { type Closing, closingOf } from '../formats/onnxruntime/closing.ts'
import { type RuntimeNetwork, runtimeNetwork } from '../formats/onnxruntime/sample-feeds.ts'
import { type FedArray, type FoundArray, PURPOSE, RuntimeSession } from '../formats/onnxruntime/session.ts'
import { sizeOf } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'

export interface RuntimeOutput {
  name: string
  closing?: Closing
}

export class RuntimeModel {
  /** Without a graph; with `outputs`, of all samples of a run, where it tells no classes apart. */
  readonly model: Model
  /** Samples in a run. */
  readonly batch: number
  /** Those of floats, or the one that was asked for. */
  readonly outputs: readonly RuntimeOutput[]
  readonly #session: RuntimeSession
  readonly #feeds: RuntimeNetwork['feeds']

  /**
   * Opens the file, and runs it once on zeros to see what it gives. Throws UserError where ONNX Runtime is
   * missing or does not take it, or where an input is not said in full.
   */
  static async open(file: OnnxFile, reading: ImportOptions): Promise<RuntimeModel> {
    const network = runtimeNetwork(file, reading)
    const session = await RuntimeSession.open(file.path, { path: file.path, purpose: PURPOSE })
    const floats = floatOutputs(file, session.outputs)
    const { output: only } = reading
    if (only !== undefined && !session.outputs.includes(only))
      throw new UserError(`--only-output: ${file.path} has the outputs ${session.outputs.join(', ')}, found ${only}`)
    const names = only === undefined ? floats : [only]
    const found = await session.run(network.feeds(new Float32Array(network.batch * sizeOf(network.model.image))), names)
    const outputs = names.map((name): RuntimeOutput => {
      const closing = closingOf(file, name, found.get(name)!.shape.length)
      return { name, ...(closing && { closing }) }
    })
    const classes = names.length === 1 ? scoresOf(found.get(names[0])!.shape, network.batch) : undefined
    const parts = names.map((name) => ({ name, shape: found.get(name)!.shape }))
    const kind = classes === undefined ? { outputs: parts } : { classes }
    return new RuntimeModel({ ...network.model, ...kind }, network, outputs, session)
  }

  private constructor(
    model: Model,
    { batch, feeds }: RuntimeNetwork,
    outputs: readonly RuntimeOutput[],
    session: RuntimeSession,
  ) {
    this.model = model
    this.batch = batch
    this.outputs = outputs
    this.#feeds = feeds
    this.#session = session
  }

  /** Such as `onnxruntime-node 1.30.0`. */
  get engine(): string {
    return `onnxruntime-node ${this.#session.version}`
  }

  /** The outputs of `batch` samples, each an array of all of them. */
  run(inputs: ReadonlyMap<string, FedArray>): Promise<Map<string, FoundArray>> {
    return this.#session.run(
      inputs,
      this.outputs.map(({ name }) => name),
    )
  }

  /** All outputs of `batch` samples, one behind the other. */
  async resultsOf(samples: Float32Array): Promise<Float32Array> {
    const found = await this.run(this.#feeds(samples))
    return Float32Array.from([...found.values()].flatMap(({ values }) => Array.from(values)))
  }

  /** The inputs of `batch` samples of a part. */
  inputs(data: SampleSet, part: 'train' | 'test', samples: readonly number[]): Map<string, FedArray> {
    return this.#feeds(fedSamples(data, part, samples))
  }

  close(): Promise<void> {
    return this.#session.close()
  }
}

/** Samples of a part as a network takes them: pixels by mean and std, floats as they are. */
export function fedSamples(
  { image, mean, std, ...parts }: SampleSet,
  part: 'train' | 'test',
  samples: readonly number[],
): Float32Array {
  const { images } = parts[part]
  const [size, plane] = [sizeOf(image), sizeOf(image.slice(1))]
  const values = new Float32Array(samples.length * size)
  samples.forEach((sample, n) => {
    const own = images.subarray(sample * size, (sample + 1) * size)
    if (own instanceof Float32Array) values.set(own, n * size)
    else
      own.forEach((pixel, i) => {
        const channel = Math.floor(i / plane)
        values[n * size + i] = (pixel / 255 - mean[channel]) / std[channel]
      })
  })
  return values
}

/** Names of the outputs that the file does not say to be whole numbers; all, where none is left. */
function floatOutputs({ graph }: OnnxFile, names: readonly string[]): readonly string[] {
  const whole = graph.output.filter(({ type }) => {
    const elements = type?.value.case === 'tensorType' ? dtypes[type.value.value.elemType] : undefined
    return elements !== undefined && !isFloating(elements)
  })
  const floats = names.filter((name) => !whole.some((output) => output.name === name))
  return floats.length > 0 ? floats : names
}

/** How many scores there are of each sample; undefined where an output is no row of them. */
function scoresOf([samples, ...rest]: readonly number[], batch: number): number | undefined {
  if (samples !== batch || rest.filter((n) => n > 1).length > 1) return undefined
  return rest.reduce((product, n) => product * n, 1)
}
