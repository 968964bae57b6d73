/**
 * @file A trained, pruned network that only infers: batch normalization is folded into convolutions, biases
 * and ReLUs are part of their kernels, and layers whose zeros are worth it skip them. It runs on any machine,
 * also in a page (src/web.ts).
 */
import { compile, Executable, type Profiled } from '../engine/compile.ts'
import type { CostTable } from '../engine/cost.ts'
import { costsOf } from '../engine/costs/index.ts'
import type { Floats, Machine } from '../engine/machine.ts'
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

export interface SparseModelOptions {
  machine: Machine
  /** Which layers skip zeros. Default `auto`: those where a table of costs says that it pays. */
  kernels?: Kernels
  /** That table. Default: that of the machine's instruction set. */
  costs?: CostTable
  /** The name of a built-in network; needed where the file does not name one. */
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
  readonly costs: CostTable
  readonly #kernels: Kernels
  readonly #values = new Map<string, Float32Array>()
  /** Programs by the number of samples that go through at a time: one for every thread that has needed it. */
  readonly #compiled = new Map<number, Compiled[]>()
  readonly #chunk: number

  /**
   * Takes the tensors of a safetensors file, sparse or dense, or of an ONNX model. Throws UserError where
   * they are not those of the network.
   */
  constructor(
    file: TensorFile & { onnx?: OnnxModel },
    { machine, kernels = 'auto', costs = costsOf(machine), model, source = 'the file' }: SparseModelOptions,
  ) {
    checkName('kernels', kernels, kernelKinds)
    const dense = unpackSparse(file, source)
    this.model = modelOfFile({ ...dense, onnx: file.onnx }, source, model)
    const { tensors } = namedAs(this.model, dense).file
    this.machine = machine
    this.#kernels = kernels
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
    this.#chunk = chunkOf(graph)
  }

  /**
   * Computes logits [batch, classes] of normalized images [batch, channels, rows, columns], both row-major. A
   * network with one score gives that score, which is above zero for class 1. The first batch of a size takes
   * longer. A large batch goes through in chunks that fit a cache: where there are enough of them each thread
   * takes its own, else all threads work on one. Throws UserError where `images` holds no whole images.
   */
  run(images: ArrayLike<number>): Float32Array {
    const perImage = sizeOf(this.model.image)
    const batch = images.length / perImage
    if (!Number.isInteger(batch) || batch < 1)
      throw new UserError(
        `expected images of ${this.model.image.join(' x ')} values each, found ${images.length} values`,
      )
    const values = images instanceof Float32Array ? images : Float32Array.from(images)
    const logits = new Float32Array(batch * this.model.classes)
    for (let at = 0; at < batch; ) {
      const size = Math.min(batch - at, this.#chunk)
      const apart = Math.min(this.machine.threads, Math.floor((batch - at) / size))
      const executables = Array.from({ length: apart }, (_, thread) => this.#program(size, thread).executable)
      for (const [i, executable] of executables.entries())
        executable.write(
          PROGRAM,
          'images',
          values.subarray((at + i * size) * perImage, (at + (i + 1) * size) * perImage),
        )
      if (apart === 1) executables[0].run(PROGRAM)
      else Executable.runApart(PROGRAM, executables)
      for (const executable of executables) {
        logits.set(executable.read(PROGRAM, 'logits'), at * this.model.classes)
        at += size
      }
    }
    return logits
  }

  /** Which kernels the layers run on for batches of a size, and what that gains by the table of costs. */
  layers(batch: number): LayerGain[] {
    return this.#program(Math.min(batch, this.#chunk)).layers
  }

  /** Bytes of a program for batches of a size: weights, patterns of nonzeros, and maps between layers. */
  memory(batch: number): number {
    const { persistent, temporary } = this.#program(Math.min(batch, this.#chunk)).executable.memory
    return 4 * (persistent + temporary)
  }

  /** The share of zeros among prunable weights. */
  get sparsity(): number {
    const weights = prunableParameters(this.#graph(1)).map(({ name }) => this.#values.get(name)!)
    const sum = (of: (weight: Float32Array) => number) => weights.reduce((all, weight) => all + of(weight), 0)
    return 1 - sum(countNonzeros) / sum((weight) => weight.length)
  }

  /**
   * Measures every kernel call for batches of a size, each by itself in its turn and on all threads: the
   * median over `rounds` (default 20), in milliseconds.
   */
  profile(batch: number, rounds?: number): Profiled[] {
    const size = Math.min(batch, this.#chunk)
    const [whole, rest] = [Math.floor(batch / size), batch % size]
    const calls = (samples: number) => this.#program(samples).executable.profile(PROGRAM, rounds)
    const chunk = calls(size)
    return [...Array.from({ length: whole }, () => chunk).flat(), ...(rest > 0 ? calls(rest) : [])]
  }

  /**
   * Milliseconds of each prunable layer for batches of a size, measured as {@link profile} does, and of
   * everything else together; {@link run} takes a little less than all of them.
   */
  profileLayers(batch: number, rounds?: number): { layers: Map<string, number>; rest: number } {
    const layers = new Map(prunableParameters(this.#graph(1)).map(({ name }) => [name, 0]))
    let rest = 0
    for (const { parameters, milliseconds } of this.profile(batch, rounds)) {
      const layer = parameters.find((name) => layers.has(name))
      if (layer === undefined) rest += milliseconds
      else layers.set(layer, layers.get(layer)! + milliseconds)
    }
    return { layers, rest }
  }

  #graph(batch: number): Graph {
    const graph = new Graph()
    graph.output('logits', this.model.build(graph, graph.input('images', [batch, ...this.model.image]), false))
    return graph
  }

  #program(batch: number, thread = 0): Compiled {
    const programs = this.#compiled.get(batch) ?? []
    this.#compiled.set(batch, programs)
    programs[thread] ??= this.#compile(batch)
    return programs[thread]
  }

  #compile(batch: number): Compiled {
    const { graph, values } = foldBatchNorm(this.#graph(batch), this.#values)
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
    const executable = compile(this.machine, { [PROGRAM]: sparsify(graph, sparse) })
    for (const [name, list] of values) {
      if (!executable.has(name)) continue
      const view = executable.view(name)
      if (sparse.has(name)) {
        const places = nonzerosOf(list, count(name))
        for (let i = 0; i < places.length; i++) view[i] = list[places[i]]
        writePattern(patternOf(executable, name), graph.tensors.get(name)!.shape, places)
      } else view.set(list)
    }
    return { executable, layers: kernels.gains(count) }
  }
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
