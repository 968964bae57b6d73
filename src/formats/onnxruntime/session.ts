/**
 * @file A model in ONNX Runtime: arrays in and out by name. Its package, onnxruntime-node, is an optional
 * peer.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Shape } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import { optional } from '../../util/optional.ts'
import { type DType, halfToNumber } from '../safetensors-bytes.ts'
import { elementsAs } from './elements.ts'

/** An input: numbers, and the type that the model wants them in. */
export interface FedArray {
  type: DType
  shape: Shape
  values: ArrayLike<number>
}

/** An output as numbers; integers of 64 bits are exact to 2^53. */
export interface FoundArray {
  shape: Shape
  values: Float32Array | Float64Array
}

/** What asks for the package. */
export const PURPOSE = '--engine onnxruntime'

export interface SessionOptions {
  /** What messages call the model. */
  path: string
  /** What asks for it, the subject of a sentence such as `--engine onnxruntime`. */
  purpose: string
  /** Threads within an operator. Default: as many as ONNX Runtime finds good. */
  threads?: number
}

export class RuntimeSession {
  readonly #session: InferenceSession
  readonly #tensor: typeof Tensor
  readonly #path: string
  /** The version of ONNX Runtime. */
  readonly version: string

  /**
   * Takes the bytes of a model, or the path of its file. Throws UserError where the package is missing, or
   * does not take the model.
   */
  static async open(model: Uint8Array | string, { path, purpose, threads }: SessionOptions): Promise<RuntimeSession> {
    const ort = await optional(['onnxruntime-node'], purpose, () => import('onnxruntime-node'))
    const options: InferenceSession.SessionOptions = { logSeverityLevel: 3, interOpNumThreads: 1 }
    if (threads !== undefined) options.intraOpNumThreads = threads
    const session = await refusedAs(path, () =>
      typeof model === 'string'
        ? ort.InferenceSession.create(model, options)
        : ort.InferenceSession.create(model, options),
    )
    return new RuntimeSession(session, ort.Tensor, path, ort.env.versions.node ?? '')
  }

  private constructor(session: InferenceSession, tensor: typeof Tensor, path: string, version: string) {
    this.#session = session
    this.#tensor = tensor
    this.#path = path
    this.version = version
  }

  get outputs(): readonly string[] {
    return this.#session.outputNames
  }

  /** Those outputs, or all, in that order. Throws UserError where an input is not what the model takes. */
  async run(
    inputs: ReadonlyMap<string, FedArray>,
    outputs: readonly string[] = this.outputs,
  ): Promise<Map<string, FoundArray>> {
    if (outputs.length === 0) return new Map()
    const feeds = Object.fromEntries([...inputs].map(([name, array]) => [name, this.#fed(name, array)]))
    const results = await refusedAs(this.#path, () => this.#session.run(feeds, outputs))
    return new Map(outputs.map((name) => [name, found(results[name], `${this.#path}: its output ${name}`)]))
  }

  /** A run of the same inputs, again and again, of which nothing is looked at. */
  repeated(inputs: ReadonlyMap<string, FedArray>): () => Promise<unknown> {
    const feeds = Object.fromEntries([...inputs].map(([name, array]) => [name, this.#fed(name, array)]))
    return () => refusedAs(this.#path, () => this.#session.run(feeds))
  }

  close(): Promise<void> {
    return this.#session.release()
  }

  #fed(name: string, { type, shape, values }: FedArray): Tensor {
    const given = elementsAs(type, values)
    if (!given) throw new UserError(`${this.#path}: its input ${name} has the type ${type}, which is not given here`)
    return new this.#tensor(given.type, given.data, shape)
  }
}

function found({ data, dims, type }: Tensor, what: string): FoundArray {
  const shape = [...dims]
  if (data instanceof Float32Array || data instanceof Float64Array) return { shape, values: data }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    return { shape, values: Float64Array.from(data, Number) }
  if (type === 'float16' && data instanceof Uint16Array) return { shape, values: Float32Array.from(data, halfToNumber) }
  if (!isNumbers(data)) throw new UserError(`${what} has elements of the type ${type}, expected numbers`)
  return { shape, values: Float64Array.from(data) }
}

const isNumbers = (data: unknown): data is ArrayLike<number> =>
  ArrayBuffer.isView(data) && !(data instanceof DataView) && !(data instanceof BigInt64Array)

/** Runs what the runtime does. Throws UserError with the first line of what it says. */
async function refusedAs<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof UserError) throw error
    const [line] = (error as Error).message.split('\n')
    throw new UserError(`${path} does not run in onnxruntime-node: ${line}`)
  }
}
