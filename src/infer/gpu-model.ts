/**
 * @file A trained, pruned network that only infers, on WebGPU, for code that awaits: also in pages that are
 * not cross-origin isolated, and in their own thread.
 */
import { Executable } from '../engine/compile.ts'
import { costTables } from '../engine/costs/index.ts'
import type { Extent } from '../engine/kernel.ts'
import { layOut, type Placed, slotKey } from '../engine/lay-out.ts'
import type { Arena, Machine } from '../engine/machine.ts'
import { liveViews } from '../engine/machines/views.ts'
import { Program } from '../engine/program.ts'
import { AwaitedDevice, type AwaitedProgram } from '../engine/webgpu/awaited-device.ts'
import { isOnDevice } from '../engine/webgpu/encode.ts'
import type { OnnxModel } from '../formats/onnx/onnx.ts'
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { sizeOf } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { InferenceNetwork, type InferenceOptions, PROGRAM } from './inference-network.ts'

export interface GpuModelOptions extends InferenceOptions {
  /**
   * Where the adapter comes from. Default: the browser's `navigator.gpu`. In Node `create([])` of the package
   * webgpu, which has to be kept, and whose `globals` have to be globals.
   */
  gpu?: GPU
  /** Runs kernels that WebGPU lacks, such as a WebAssembly machine does. Default: none. */
  processor?: Machine
}

/** A program for batches of one size, with weights of its own. */
interface Compiled {
  executable: Executable
  program: AwaitedProgram
  images: Extent
  logits: Extent
}

export class GpuModel {
  readonly model: Model
  readonly #network: InferenceNetwork
  readonly #device: AwaitedDevice
  readonly #processor: Machine | undefined
  /** By the number of samples that go through at a time. */
  readonly #compiled = new Map<number, Promise<Compiled>>()
  /** Runs follow one another. */
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

  private constructor(network: InferenceNetwork, device: AwaitedDevice, processor: Machine | undefined) {
    this.model = network.model
    this.#network = network
    this.#device = device
    this.#processor = processor
  }

  /**
   * Opens a network on the first adapter, from the tensors of a safetensors file, sparse or dense, or of an
   * ONNX model. Rejects with UserError where they are not those of the network, or there is no adapter.
   */
  static async open(
    file: TensorFile & { onnx?: OnnxModel },
    { gpu = globalThis.navigator?.gpu, processor, costs = costTables.webgpu, ...options }: GpuModelOptions = {},
  ): Promise<GpuModel> {
    const network = new InferenceNetwork(file, { ...options, costs })
    if (!gpu)
      throw new UserError(
        'WebGPU: there is none: expected a browser that has it and a page of https or localhost, or in Node the option gpu',
      )
    if (typeof gpu.requestAdapter !== 'function')
      throw new UserError(
        'gpu: expected navigator.gpu, or what create of the package webgpu gives, found no such object',
      )
    return new GpuModel(network, await AwaitedDevice.open(gpu), processor)
  }

  /** For reports, such as `webgpu (SwiftShader driver, google)`. */
  get description(): string {
    return `webgpu (${this.#device.adapter})`
  }

  /**
   * Computes logits [batch, classes] of normalized images [batch, channels, rows, columns], both row-major,
   * in chunks; as `SparseModel.run`. The first batch of a size takes longer. Rejects with UserError where
   * `images` holds no whole images, the device is lost or has no room, or the network has kernels that WebGPU
   * lacks and there is no `processor`. `images` are copied at once, and may be written to again.
   */
  async run(images: ArrayLike<number>): Promise<Float32Array> {
    // What the caller writes into the same array afterwards is of a later run.
    const taken = Float32Array.from(images)
    const result = this.#last.then(() => this.#run(taken))
    this.#last = result.catch(() => {})
    return result
  }

  /** Gives the device back. Nothing runs afterwards. */
  close(): void {
    this.#isClosed = true
    this.#device.close()
  }

  async #run(images: Float32Array): Promise<Float32Array> {
    if (this.#isClosed) throw new UserError('this model is closed')
    const { batch, values } = this.#network.batchOf(images)
    const [perImage, perLogits] = [sizeOf(this.model.image), this.model.classes]
    const found = new Float32Array(batch * perLogits)
    for (let at = 0, size: number; at < batch; at += size) {
      size = Math.min(batch - at, this.#network.chunk)
      const { executable, program, images, logits } = await this.#program(size)
      executable.write(PROGRAM, 'images', values.subarray(at * perImage, (at + size) * perImage))
      program.send([images])
      await program.run()
      await program.fetch([logits])
      found.set(executable.read(PROGRAM, 'logits'), at * perLogits)
    }
    return found
  }

  #program(batch: number): Promise<Compiled> {
    const known = this.#compiled.get(batch)
    if (known) return known
    const made = this.#compile(batch)
    this.#compiled.set(batch, made)
    // What failed is tried again.
    made.catch(() => this.#compiled.delete(batch))
    return made
  }

  async #compile(batch: number): Promise<Compiled> {
    const { graph, fill } = this.#network.prepare(batch)
    const layout = layOut({ [PROGRAM]: graph })
    const { persistent, temporary } = layout.memory
    const { instructions } = layout.programs.get(PROGRAM)!
    const lacking = new Set(instructions.filter((one) => !isOnDevice(one)).map(({ kernel }) => kernel.name))
    if (lacking.size > 0 && !this.#processor)
      throw new UserError(`WebGPU lacks kernels of this network (${[...lacking].join(', ')}): expected a processor`)
    const size = persistent + temporary
    let arena: Arena | undefined
    const machine = { ...HERE, allocate: (floats: number) => (arena = (this.#processor ?? HERE).allocate(floats)) }
    const executable = new Executable(machine, layout)
    fill(executable)
    const program = await this.#device.load(Program.assemble(instructions, size, true), arena!)
    program.send([{ offset: 0, length: persistent }])
    const [images, logits] = ['images', 'logits'].map((name) => extentOf(layout.own.get(slotKey(PROGRAM, name))!))
    return { executable, program, images, logits }
  }
}

const extentOf = ({ tensor, offset }: Placed): Extent => ({ offset, length: sizeOf(tensor.shape) })

/** Arenas that hold what they are given, and run nothing. */
const HERE: Machine = {
  engine: 'webgpu',
  instructionSet: 'webgpu',
  threads: 1,
  anySize: true,
  description: 'memory',
  allocate(size) {
    const { buffer } = new Float64Array(Math.ceil(size / 2))
    const floats = new Float32Array(buffer, 0, size)
    return {
      ...liveViews(floats),
      floats,
      doubles: new Float64Array(buffer),
      bytes: (offset, count) => new Uint8Array(buffer, 4 * offset, count),
      run() {
        throw new Error('nothing runs here')
      },
    }
  },
  runApart() {},
}
