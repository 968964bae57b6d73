/**
 * @file A trained, pruned network that only infers: batch normalization is folded into convolutions, biases and ReLUs are part of their kernels, and
 * layers whose zeros are worth it skip them. Runs on any machine, also in a page (src/web.ts).
 */
import { compile, type Executable, type Profiled } from '../engine/compile.ts'
import type { Machine } from '../engine/machine.ts'
import { type Pattern, writePattern } from '../engine/pattern.ts'
import type { OnnxModel } from '../formats/onnx/onnx.ts'
import { type TensorFile, toFloats } from '../formats/safetensors-bytes.ts'
import { unpackSparse } from '../formats/sparse.ts'
import { foldBatchNorm } from '../graph/fold-batch-norm.ts'
import { Graph, prunableParameters } from '../graph/graph.ts'
import { patternNames, sparsify } from '../graph/sparsify.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { type Kernels, type LayerGain, LayerKernels } from '../train/kernels.ts'
import { namedAs } from '../train/layer-names.ts'
import { modelOfFile } from '../train/model-of-file.ts'
import { UserError } from '../util/errors.ts'

export interface SparseModelOptions {
  machine: Machine
  /** Which layers skip zeros. Default `auto`: those where a table of costs says that it pays. */
  kernels?: Kernels
  /** A built-in network, where the file does not name one. */
  model?: string
  /** What messages call the file. Default `the file`. */
  source?: string
}

/** A program for batches of one size, with weights of its own. */
interface Compiled {
  executable: Executable
  layers: LayerGain[]
}

const PROGRAM = 'infer'

export class SparseModel {
  readonly model: Model
  readonly machine: Machine
  readonly #kernels: Kernels
  readonly #values = new Map<string, Float32Array>()
  /** By the number of samples in a batch. */
  readonly #compiled = new Map<number, Compiled>()

  /** From the tensors of a safetensors file, sparse or dense, or of an ONNX model. Throws UserError where they are not those of the network. */
  constructor(
    file: TensorFile & { onnx?: OnnxModel },
    { machine, kernels = 'auto', model, source = 'the file' }: SparseModelOptions,
  ) {
    const dense = unpackSparse(file, source)
    this.model = modelOfFile({ ...dense, onnx: file.onnx }, source, model)
    const { tensors } = namedAs(this.model, dense).file
    this.machine = machine
    this.#kernels = kernels
    const graph = this.#graph(1)
    for (const { name, shape } of stored(graph)) {
      const tensor = tensors.get(name)
      if (!tensor) throw new UserError(`${source} has no tensor ${name}, which ${this.model.name} needs`)
      if (String(tensor.shape) !== String(shape))
        throw new UserError(
          `${source}: tensor ${name} has shape [${tensor.shape}], ${this.model.name} expects [${shape}]`,
        )
      this.#values.set(name, toFloats(tensor))
    }
  }

  /** Logits [batch, classes] of normalized images [batch, channels, rows, columns], row-major. The first batch of a size takes longer. */
  run(images: ArrayLike<number>): Float32Array {
    const perImage = sizeOf(this.model.image)
    const batch = images.length / perImage
    if (!Number.isInteger(batch) || batch < 1)
      throw new UserError(
        `expected images of ${this.model.image.join(' x ')} values each, found ${images.length} values`,
      )
    const { executable } = this.#program(batch)
    executable.write(PROGRAM, 'images', images)
    executable.run(PROGRAM)
    return executable.read(PROGRAM, 'logits') as Float32Array
  }

  /** Which kernels the layers run on for batches of a size, and what that gains by the table of costs. */
  layers(batch: number): LayerGain[] {
    return this.#program(batch).layers
  }

  /** Share of zeros among prunable weights. */
  get sparsity(): number {
    const weights = prunableParameters(this.#graph(1)).map(({ name }) => this.#values.get(name)!)
    const count = (of: (weight: Float32Array) => number) => weights.reduce((sum, weight) => sum + of(weight), 0)
    return 1 - count((weight) => weight.filter((w) => w !== 0).length) / count((weight) => weight.length)
  }

  /** Milliseconds of every kernel call for batches of a size, each run alone `rounds` times (median; default 20). */
  profile(batch: number, rounds?: number): Profiled[] {
    return this.#program(batch).executable.profile(PROGRAM, rounds)
  }

  #graph(batch: number): Graph {
    const graph = new Graph()
    graph.output('logits', this.model.build(graph, graph.input('images', [batch, ...this.model.image]), false))
    return graph
  }

  #program(batch: number): Compiled {
    const known = this.#compiled.get(batch)
    if (known) return known
    const { graph, values } = foldBatchNorm(this.#graph(batch), this.#values)
    const prunable = prunableParameters(graph)
    const positions = new Map(prunable.map(({ name }) => [name, nonzerosOf(values.get(name)!)]))
    const count = (name: string) => positions.get(name)!.length
    const kernels = new LayerKernels(this.#kernels, { [PROGRAM]: graph }, prunable)
    const chosen = kernels.choose(count, { isSparse: () => false, capacity: () => 0 })
    const held = new Map([...chosen].map(([name, room]) => [name, { capacity: Math.max(room, 1), states: [] }]))
    const executable = compile(this.machine, { [PROGRAM]: sparsify(graph, held) })
    for (const [name, list] of values) {
      if (!executable.has(name)) continue
      const places = held.has(name) ? positions.get(name)! : undefined
      executable.view(name).set(places ? Float32Array.from(places, (at) => list[at]) : list)
      if (places) writePattern(patternOf(executable, name), graph.tensors.get(name)!.shape, places)
    }
    const compiled = { executable, layers: kernels.gains(count) }
    this.#compiled.set(batch, compiled)
    return compiled
  }
}

const stored = (graph: Graph): Tensor[] => [...graph.withRole('parameter'), ...graph.withRole('buffer')]

function nonzerosOf(values: ArrayLike<number>): Int32Array {
  const places: number[] = []
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) places.push(i)
  return Int32Array.from(places)
}

function patternOf(executable: Executable, name: string): Pattern {
  const views = Object.entries(patternNames(name)).map(([key, state]) => [key, executable.integers(state)])
  return Object.fromEntries(views) as unknown as Pattern
}
