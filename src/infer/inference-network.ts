/**
 * @file A trained, pruned network of a file, as graphs that only infer: batch normalization is folded into
 * convolutions, biases and ReLUs are part of their kernels, and layers whose zeros are worth it skip them.
 */
import type { Executable } from '../engine/compile.ts'
import type { CostTable } from '../engine/cost.ts'
import { int8SparseGain } from '../engine/costs/int8.ts'
import type { Floats, InstructionSet } from '../engine/machine.ts'
import { patternOf, writePattern } from '../engine/pattern.ts'
import type { OnnxModel } from '../formats/onnx/onnx.ts'
import { type TensorFile, toFloats } from '../formats/safetensors-bytes.ts'
import { unpackSparse } from '../formats/sparse.ts'
import { foldBatchNorm } from '../graph/fold-batch-norm.ts'
import { Graph, prunableParameters } from '../graph/graph.ts'
import { sparsify } from '../graph/sparsify.ts'
import { sizeOf } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { type Kernels, kernelKinds, type LayerGain, LayerKernels } from '../train/kernels.ts'
import { namedAs } from '../train/layer-names.ts'
import { modelOfFile } from '../train/model-of-file.ts'
import { checkName } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { chunkOf } from './chunk.ts'
import { int8Graph } from './int8/int8-graph.ts'
import type { Int8Layer } from './int8/layers.ts'

export interface InferenceOptions {
  /** Which layers skip zeros. Default `auto`: those where a table of costs says that it pays. */
  kernels?: Kernels
  /** That table. Default: that of the machine's instruction set. */
  costs?: CostTable
  /** The name of a built-in network; needed where the file does not name one. */
  model?: string
  /** What messages call the file. Default `the file`. */
  source?: string
}

/** What the machine that infers decides. */
export interface InferenceSetting {
  costs: CostTable
  /** The instruction set whose kernels compute layers of whole numbers in them. Absent: floats do. */
  integers?: InstructionSet
}

/** The network for batches of one size, yet to be compiled. */
export interface Prepared {
  graph: Graph
  layers: LayerGain[]
  /** Writes weights and patterns into what the graph was compiled to. */
  fill(executable: Executable): void
}

/** The name of the program, whose input is `images` and whose output is `logits`. */
export const PROGRAM = 'infer'

export class InferenceNetwork {
  readonly model: Model
  readonly costs: CostTable
  /** Samples that go through at a time. */
  readonly chunk: number
  readonly #kernels: Kernels
  readonly #integers?: InstructionSet
  readonly #values = new Map<string, Float32Array>()

  /**
   * Takes the tensors of a safetensors file, sparse or dense, or of an ONNX model. Throws UserError where
   * they are not those of the network.
   */
  constructor(
    file: TensorFile & { onnx?: OnnxModel },
    { kernels = 'auto', costs, integers, model, source = 'the file' }: InferenceOptions & InferenceSetting,
  ) {
    checkName('kernels', kernels, kernelKinds)
    const dense = unpackSparse(file, source)
    this.model = modelOfFile({ ...dense, onnx: file.onnx }, source, model)
    const { tensors } = namedAs(this.model, dense).file
    this.#kernels = kernels
    this.#integers = integers
    this.costs = costs
    const graph = this.#graph(1)
    for (const { name, shape } of graph.stored()) {
      const tensor = tensors.get(name)
      if (!tensor) throw new UserError(`${source} has no tensor ${name}, which ${this.model.name} needs`)
      if (String(tensor.shape) !== String(shape))
        throw new UserError(
          `${source}: tensor ${name} has shape [${tensor.shape}], ${this.model.name} expects [${shape}]`,
        )
      this.#values.set(name, toFloats(tensor))
    }
    this.chunk = chunkOf(graph)
  }

  /** Images as floats, and how many they are. Throws UserError where they are no whole images. */
  batchOf(images: ArrayLike<number>): { batch: number; values: Float32Array } {
    const batch = images.length / sizeOf(this.model.image)
    if (!Number.isInteger(batch) || batch < 1)
      throw new UserError(
        `expected images of ${this.model.image.join(' x ')} values each, found ${images.length} values`,
      )
    return { batch, values: images instanceof Float32Array ? images : Float32Array.from(images) }
  }

  /** The names of prunable weights. */
  layerNames(): string[] {
    return prunableParameters(this.#graph(1)).map(({ name }) => name)
  }

  /** The share of zeros among prunable weights. */
  get sparsity(): number {
    const weights = this.layerNames().map((name) => this.#values.get(name)!)
    const sum = (of: (weight: Float32Array) => number) => weights.reduce((all, weight) => all + of(weight), 0)
    return 1 - sum(countNonzeros) / sum((weight) => weight.length)
  }

  prepare(batch: number): Prepared {
    const { graph: folded, values } = foldBatchNorm(this.#graph(batch), this.#values)
    const whole: LayerGain[] = []
    const set = this.#integers
    const graph = set
      ? int8Graph(folded, { values, isSparse: (layer) => this.#skipsGroups(layer, set, whole) })
      : folded
    const prunable = prunableParameters(graph)
    const counts = new Map(prunable.map(({ name }) => [name, countNonzeros(values.get(name)!)]))
    const count = (name: string) => counts.get(name)!
    const kernels = new LayerKernels(
      { kind: this.#kernels, costs: this.costs, pass: 'forward' },
      { [PROGRAM]: graph },
      prunable,
    )
    const chosen = kernels.choose(count, { isSparse: () => false, capacity: () => 0 })
    const sparse = new Map([...chosen].map(([name, room]) => [name, Math.max(room, 1)]))
    return {
      graph: sparsify(graph, sparse),
      layers: inOrder([...whole, ...kernels.gains(count)], prunableParameters(folded)),
      fill(executable) {
        for (const [name, list] of values) {
          if (!executable.has(name)) continue
          const view = executable.view(name)
          if (sparse.has(name)) {
            const places = nonzerosOf(list, count(name))
            for (let i = 0; i < places.length; i++) view[i] = list[places[i]]
            writePattern(patternOf(executable, name), graph.tensors.get(name)!.shape, places)
          } else view.set(list)
        }
      },
    }
  }

  /** Whether a layer of whole numbers skips groups of zeros; adds what is found of it. */
  #skipsGroups(layer: Int8Layer, instructionSet: InstructionSet, found: LayerGain[]): boolean {
    const gain = int8SparseGain(layer, instructionSet)
    const sparse =
      this.#kernels === 'sparse' || (this.#kernels === 'auto' && layer.nonzeroGroups < layer.groups && gain > 1)
    found.push({ name: layer.name, sparse, gain })
    return sparse
  }

  #graph(batch: number): Graph {
    const graph = new Graph()
    graph.output('logits', this.model.build(graph, graph.input('images', [batch, ...this.model.image]), false))
    return graph
  }
}

/** Layers in the order of a network's weights. */
function inOrder(layers: readonly LayerGain[], weights: readonly { name: string }[]): LayerGain[] {
  const known = new Map(layers.map((layer) => [layer.name, layer]))
  return weights.map(({ name }) => known.get(name) ?? { name, sparse: false })
}

function countNonzeros(values: Floats): number {
  let count = 0
  for (let i = 0; i < values.length; i++) count += Number(values[i] !== 0)
  return count
}

/** Where the nonzeros are, of which there are `count`. */
function nonzerosOf(values: Floats, count: number): Int32Array {
  const places = new Int32Array(count)
  for (let i = 0, at = 0; at < count; i++) if (values[i] !== 0) places[at++] = i
  return places
}
