/**
 * @file A device of WebGPU in the thread that uses it, for code that awaits: a page that is not cross-origin
 * isolated has no memory that one thread could wait on for another. Programs, shaders and dispatches are
 * those of the machine (remote-machine.ts).
 */
import { UserError } from '../../util/errors.ts'
import type { Extent } from '../kernel.ts'
import type { Arena } from '../machine.ts'
import { Device } from '../machines/webgpu-device.js'
import type { Program } from '../program.ts'
import { type Encoded, Encoder } from './encode.ts'
import { checkRoom, memoryFor, partsOf } from './shader.ts'
import { stretches } from './stretches.ts'

/** A program over memory of the device, and an arena here that it is exchanged with. */
export interface AwaitedProgram {
  /** The device gets what lies in the arena. */
  send(extents: readonly Extent[]): void
  /** Runs the program; kernels that WebGPU lacks run in the arena, on what they touch. */
  run(): Promise<void>
  /** The arena gets what lies in the device. */
  fetch(extents: readonly Extent[]): Promise<void>
}

export class AwaitedDevice {
  readonly #device: Device
  readonly #encoder = new Encoder()
  #arenas = 0
  #programs = 0

  private constructor(device: Device) {
    this.#device = device
  }

  /** The first adapter's device. Rejects with UserError where there is none. */
  static async open(gpu: GPU): Promise<AwaitedDevice> {
    return new AwaitedDevice(await Device.open(gpu).catch(refuse))
  }

  /** The name of its adapter. */
  get adapter(): string {
    return this.#device.facts.adapter
  }

  /** Bytes of the largest arena that it takes. */
  get mostBytes(): number {
    return this.#device.facts.mostBytes
  }

  /**
   * Makes a program ready to run over memory like that of the arena, which is zero. Rejects with UserError
   * where the device has no room for it.
   */
  async load(program: Program, arena: Arena): Promise<AwaitedProgram> {
    const { bindingBytes, mostBytes } = this.#device.facts
    checkRoom(arena.size, mostBytes)
    const memory = memoryFor(arena.size, bindingBytes)
    const id = ++this.#arenas
    const encoded: Encoded[] = []
    const first = this.#programs + 1
    const made = stretches(program, (instructions) => {
      encoded.push(this.#encoder.encode(instructions, memory))
      return ++this.#programs
    })
    await this.#told(async (device) => {
      await device.allocate(id, partsOf(arena.size, memory), memory.shift)
      for (const [i, one] of encoded.entries()) await device.prepare(first + i, one)
    })
    const bits = ({ offset, length }: Extent) => {
      const { buffer, byteOffset } = arena.bytes(offset, 4 * length)
      return new Uint32Array(buffer, byteOffset, length)
    }
    // Copies: a device takes none of what threads share.
    const send = (extents: readonly Extent[]) => {
      for (const one of extents) this.#device.write(id, one.offset, Uint32Array.from(bits(one)))
    }
    const fetch = (extents: readonly Extent[]) =>
      this.#told(async (device) => {
        const words = new Uint32Array(extents.reduce((sum, { length }) => sum + length, 0))
        await device.read(id, extents, words)
        let from = 0
        for (const one of extents) bits(one).set(words.subarray(from, (from += one.length)))
      })
    const run = async () => {
      for (const stretch of made)
        if ('device' in stretch) await this.#told((device) => device.run(id, stretch.device))
        else {
          await fetch(stretch.touched)
          arena.run(stretch.program)
          send(stretch.touched)
        }
    }
    return { send, run, fetch }
  }

  /** Gives everything back. */
  close(): void {
    this.#device.close()
  }

  async #told(work: (device: Device) => Promise<void>): Promise<void> {
    try {
      this.#device.check()
      await work(this.#device)
      this.#device.check()
    } catch (error) {
      refuse(await this.#device.explained(error))
    }
  }
}

/** Throws what went wrong as one sentence. */
function refuse(error: unknown): never {
  const [line] = (error instanceof Error ? error.message : String(error)).split('\n')
  throw new UserError(`WebGPU: ${line}`)
}
