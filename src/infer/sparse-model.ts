/** @file A trained, pruned network that only infers, on any machine, also in a page (src/web.ts). */
import { compile, Executable, type Profiled } from '../engine/compile.ts'
import type { CostTable } from '../engine/cost.ts'
import { costsOf } from '../engine/costs/index.ts'
import type { Machine } from '../engine/machine.ts'
import type { OnnxModel } from '../formats/onnx/onnx.ts'
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { sizeOf } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import type { LayerGain } from '../train/kernels.ts'
import { InferenceNetwork, type InferenceOptions, PROGRAM } from './inference-network.ts'

export interface SparseModelOptions extends InferenceOptions {
  machine: Machine
  /**
   * Whether layers of whole numbers (QDQ models) are computed in them, which may differ by one step of a
   * scale from what floats give. Default true.
   */
  integers?: boolean
}

/** A program for batches of one size, with weights of its own. */
interface Compiled {
  executable: Executable
  layers: LayerGain[]
}

export class SparseModel {
  readonly model: Model
  readonly machine: Machine
  readonly costs: CostTable
  readonly #network: InferenceNetwork
  /** Programs by the number of samples that go through at a time: one for every thread that has needed it. */
  readonly #compiled = new Map<number, Compiled[]>()
  readonly #chunk: number

  /**
   * Takes the tensors of a safetensors file, sparse or dense, or of an ONNX model. Throws UserError where
   * they are not those of the network.
   */
  constructor(
    file: TensorFile & { onnx?: OnnxModel },
    { machine, costs = costsOf(machine), integers = true, ...options }: SparseModelOptions,
  ) {
    this.#network = new InferenceNetwork(file, {
      ...options,
      costs,
      ...(integers && { integers: machine.instructionSet }),
    })
    this.model = this.#network.model
    this.machine = machine
    this.costs = costs
    this.#chunk = this.#network.chunk
  }

  /**
   * Computes logits [batch, classes] of normalized images [batch, channels, rows, columns], both row-major. A
   * network with one score gives that score, which is above zero for class 1. The first batch of a size takes
   * longer. A large batch goes through in chunks that fit a cache: where there are enough of them each thread
   * takes its own, else all threads work on one. Throws UserError where `images` holds no whole images.
   */
  run(images: ArrayLike<number>): Float32Array {
    const perImage = sizeOf(this.model.image)
    const { batch, values } = this.#network.batchOf(images)
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
    return this.#network.sparsity
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
    const layers = new Map(this.#network.layerNames().map((name) => [name, 0]))
    let rest = 0
    for (const { parameters, milliseconds } of this.profile(batch, rounds)) {
      const layer = parameters.find((name) => layers.has(name))
      if (layer === undefined) rest += milliseconds
      else layers.set(layer, layers.get(layer)! + milliseconds)
    }
    return { layers, rest }
  }

  #program(batch: number, thread = 0): Compiled {
    const programs = this.#compiled.get(batch) ?? []
    this.#compiled.set(batch, programs)
    programs[thread] ??= this.#compile(batch)
    return programs[thread]
  }

  #compile(batch: number): Compiled {
    const { graph, layers, fill } = this.#network.prepare(batch)
    const executable = compile(this.machine, { [PROGRAM]: graph })
    fill(executable)
    return { executable, layers }
  }
}
