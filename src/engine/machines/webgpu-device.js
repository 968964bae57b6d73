/**
 * @file A WebGPU device that runs encoded programs (src/engine/webgpu/encode.ts) over arenas in its own
 * memory; the same in a page and in a thread of Node. JavaScript, since Node 20 starts no thread from
 * TypeScript.
 */
import { CALL_WORDS } from '../webgpu/shared.js'

/**
 * @typedef {{ pipeline: number, name: string, code: string }} Module
 * @typedef {{ pipeline: number, words: number, groups: [number, number, number] }} Dispatch
 * @typedef {{ modules: Module[], dispatches: Dispatch[], words: Uint32Array<ArrayBuffer>, scratch: number,
 *   parts: number }} Encoded
 * @typedef {{ offset: number, length: number }} Extent
 * @typedef {{ buffers: GPUBuffer[], shift: number }} Bound
 * @typedef {{ buffer: GPUBuffer, at: number, length: number }} Piece
 * @typedef {{ dispatches: Dispatch[], words: GPUBuffer, scratch: number }} Ready
 */

/** Bytes of the calls of one dispatch, at most. */
const CALL_BYTES = 4 * CALL_WORDS

/** Runs that are handed over before the first of them is waited for; of long ones, in milliseconds, one. */
const AHEAD = 4
const LONG = 100

/** What is asked of an adapter: all that it has of these. */
const LIMITS = /** @type {const} */ ([
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
])
/** Bindings beside those of an arena. */
const OTHERS = 2

export class Device {
  #device
  /** By the parts of arenas. @type {Map<number, GPUBindGroupLayout>} */
  #layouts = new Map()
  /** @type {GPUComputePipeline[]} */
  #pipelines = []
  /** @type {Map<number, Bound>} */
  #arenas = new Map()
  /** @type {Map<number, Ready>} */
  #programs = new Map()
  /** By arena and program. @type {Map<string, GPUBindGroup>} */
  #groups = new Map()
  /** @type {GPUBuffer} */
  #scratch
  #runs = 0
  /** Whether the last run that was waited for took long; the first one is. */
  #isSlow = true
  #isLost = false
  /** @type {string | undefined} */
  #problem

  /**
   * The adapter's device. Throws where there is none.
   * @param {GPU | undefined} gpu
   * @param {number} [most] bytes of a binding, less than the adapter takes: to try arenas in parts
   */
  static async open(gpu, most) {
    const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
    if (!adapter) throw new Error('no adapter was found: expected a driver for Vulkan, Metal or Direct3D 12')
    const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]))
    return new Device(await adapter.requestDevice({ requiredLimits }), adapter.info, most)
  }

  /**
   * @param {GPUDevice} device
   * @param {GPUAdapterInfo} info
   * @param {number} [most]
   */
  constructor(device, info, most) {
    this.#device = device
    const { vendor, architecture, device: name, description } = info
    const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = device.limits
    const bindingBytes = Math.min(most ?? Number.POSITIVE_INFINITY, maxBufferSize, maxStorageBufferBindingSize)
    const parts = maxStorageBuffersPerShaderStage - OTHERS
    /** What an opener is told. */
    this.facts = {
      adapter: [description || name || architecture, vendor].filter(Boolean).join(', ') || 'unnamed',
      bindingBytes,
      mostBytes: Math.max(bindingBytes, parts * 2 ** Math.floor(Math.log2(bindingBytes))),
    }
    this.#scratch = this.#buffer(4)
    device.lost.then(({ message }) => {
      this.#isLost = true
      this.#problem ??= `the device was lost: ${message}`
    })
    device.addEventListener('uncapturederror', (event) => {
      this.#problem ??= /** @type {GPUUncapturedErrorEvent} */ (event).error.message
    })
  }

  /**
   * A zeroed arena.
   * @param {number} id
   * @param {number[]} parts words of its buffers
   * @param {number} shift of which all but the last have 2^shift
   */
  async allocate(id, parts, shift) {
    this.#device.pushErrorScope('out-of-memory')
    const buffers = parts.map((words) => this.#buffer(4 * words))
    const error = await this.#device.popErrorScope()
    const bytes = parts.reduce((sum, words) => sum + 4 * words, 0)
    if (error) throw new Error(`the device has no room for an arena of ${bytes} bytes: expected smaller batches`)
    this.#arenas.set(id, { buffers, shift })
  }

  /** @param {number} id */
  drop(id) {
    for (const buffer of this.#arenas.get(id)?.buffers ?? []) buffer.destroy()
    this.#arenas.delete(id)
    for (const key of this.#groups.keys()) if (key.startsWith(`${id} `)) this.#groups.delete(key)
  }

  /**
   * @param {number} id
   * @param {number} offset in floats
   * @param {Uint32Array<ArrayBuffer>} words
   */
  write(id, offset, words) {
    let done = 0
    for (const { buffer, at, length } of this.#pieces(id, { offset, length: words.length })) {
      this.#device.queue.writeBuffer(buffer, 4 * at, words, done, length)
      done += length
    }
  }

  /**
   * Where an extent lies: in which buffers, and where there.
   * @param {number} id
   * @param {Extent} extent
   */
  #pieces(id, { offset, length }) {
    const { buffers, shift } = /** @type {Bound} */ (this.#arenas.get(id))
    const pieces = []
    for (let at = offset; at < offset + length; ) {
      const part = Math.min(Math.floor(at / 2 ** shift), buffers.length - 1)
      const end = part < buffers.length - 1 ? Math.min((part + 1) * 2 ** shift, offset + length) : offset + length
      pieces.push({ buffer: buffers[part], at: at - part * 2 ** shift, length: end - at })
      at = end
    }
    return pieces
  }

  /**
   * Makes a program ready, whatever arenas it will run over.
   * @param {number} id
   * @param {Encoded} encoded
   */
  async prepare(id, { modules, dispatches, words, scratch, parts }) {
    for (const { pipeline, name, code } of modules) this.#pipelines[pipeline] = await this.#compile(name, code, parts)
    // Its calls are bound up to the longest of them behind the last.
    const buffer = this.#buffer(4 * words.length + CALL_BYTES)
    this.#device.queue.writeBuffer(buffer, 0, words)
    this.#programs.set(id, { dispatches, words: buffer, scratch })
  }

  /**
   * Gives back what a program took.
   * @param {number} id
   */
  forget(id) {
    this.#programs.get(id)?.words.destroy()
    this.#programs.delete(id)
    for (const key of this.#groups.keys()) if (key.endsWith(` ${id}`)) this.#groups.delete(key)
  }

  /**
   * Hands a run over; now and then, waits for those before it.
   * @param {number} arena
   * @param {number} program
   */
  async run(arena, program) {
    const { dispatches, scratch, words } = /** @type {Ready} */ (this.#programs.get(program))
    if (4 * scratch > this.#scratch.size) {
      this.#scratch.destroy()
      this.#scratch = this.#buffer(4 * scratch)
      this.#groups.clear()
    }
    const key = `${arena} ${program}`
    let group = this.#groups.get(key)
    if (!group) this.#groups.set(key, (group = this.#bind(/** @type {Bound} */ (this.#arenas.get(arena)), words)))
    const encoder = this.#device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (const { pipeline, words: first, groups } of dispatches) {
      pass.setPipeline(this.#pipelines[pipeline])
      pass.setBindGroup(0, group, [4 * first])
      pass.dispatchWorkgroups(...groups)
    }
    pass.end()
    const start = performance.now()
    this.#device.queue.submit([encoder.finish()])
    // Who ends the work waits for all that was handed over: of long runs, no more than one.
    if (++this.#runs % AHEAD !== 0 && !this.#isSlow) return
    await this.#device.queue.onSubmittedWorkDone()
    this.#isSlow = performance.now() - start > LONG
  }

  /**
   * What lies there, one after the other, when all runs have ended.
   * @param {number} id
   * @param {readonly Extent[]} extents
   * @param {Uint32Array} into
   */
  async read(id, extents, into) {
    const most = Math.floor(this.facts.bindingBytes / 4)
    /** @type {Piece[]} */
    let some = []
    let [from, size] = [0, 0]
    for (const piece of extents.flatMap((extent) => this.#pieces(id, extent))) {
      if (size + piece.length > most) {
        await this.#copy(some, into.subarray(from, from + size))
        from += size
        size = 0
        some = []
      }
      some.push(piece)
      size += piece.length
    }
    await this.#copy(some, into.subarray(from, from + size))
  }

  /**
   * What lies in some pieces, which are no more than a buffer takes.
   * @param {readonly Piece[]} pieces
   * @param {Uint32Array} into
   */
  async #copy(pieces, into) {
    if (into.length === 0) return
    const size = 4 * into.length
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
    const staging = this.#device.createBuffer({ size, usage })
    const encoder = this.#device.createCommandEncoder()
    let to = 0
    for (const { buffer, at, length } of pieces) {
      encoder.copyBufferToBuffer(buffer, 4 * at, staging, to, 4 * length)
      to += 4 * length
    }
    this.#device.queue.submit([encoder.finish()])
    await staging.mapAsync(GPUMapMode.READ)
    into.set(new Uint32Array(staging.getMappedRange()))
    staging.destroy()
  }

  /** Gives everything back. */
  close() {
    this.#device.destroy()
  }

  /** Throws what went wrong since this was asked last; of a device that is lost, always. */
  check() {
    const problem = this.#problem
    if (!this.#isLost) this.#problem = undefined
    if (problem) throw new Error(problem)
  }

  /**
   * Why something failed: where the device is lost that, by which everything fails.
   * @param {unknown} error
   * @returns {Promise<unknown>}
   */
  async explained(error) {
    // Who waits for the device may hear of it before it is said to be lost.
    await new Promise((resolve) => setTimeout(resolve))
    return this.#isLost ? new Error(this.#problem) : error
  }

  /** @param {number} size in bytes */
  #buffer(size) {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC
    return this.#device.createBuffer({ size: Math.max(4, size), usage })
  }

  /** @param {number} parts */
  #layout(parts) {
    const known = this.#layouts.get(parts)
    if (known) return known
    const storage = /** @type {const} */ ({ type: 'storage' })
    const calls = /** @type {const} */ ({ type: 'read-only-storage', hasDynamicOffset: true })
    const entries = [calls, ...Array.from({ length: 1 + parts }, () => storage)].map((buffer, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer,
    }))
    const made = this.#device.createBindGroupLayout({ entries })
    this.#layouts.set(parts, made)
    return made
  }

  /**
   * @param {Bound} arena
   * @param {GPUBuffer} words
   */
  #bind({ buffers }, words) {
    const entries = [
      { buffer: words, size: CALL_BYTES },
      { buffer: this.#scratch },
      ...buffers.map((buffer) => ({ buffer })),
    ]
    return this.#device.createBindGroup({
      layout: this.#layout(buffers.length),
      entries: entries.map((resource, binding) => ({ binding, resource })),
    })
  }

  /**
   * @param {string} name
   * @param {string} code
   * @param {number} parts
   */
  async #compile(name, code, parts) {
    const module = this.#device.createShaderModule({ code, label: name })
    const layout = this.#device.createPipelineLayout({ bindGroupLayouts: [this.#layout(parts)] })
    try {
      return await this.#device.createComputePipelineAsync({ layout, compute: { module, entryPoint: 'main' } })
    } catch (error) {
      const { messages } = await module.getCompilationInfo()
      const [first] = messages.filter(({ type }) => type === 'error')
      const where = first && `line ${first.lineNum}: ${first.message}: ${code.split('\n')[first.lineNum - 1]}`
      throw new Error(`the device does not compile ${name}: ${where ?? error}`)
    }
  }
}
