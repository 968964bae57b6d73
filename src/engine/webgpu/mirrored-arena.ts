/** @file An arena in the memory of a device, with a mirror in that of the processor. */

import type { Extent } from '../kernel.ts'
import type { Arena, Floats } from '../machine.ts'
import { Program } from '../program.ts'
import { checkRoom } from './shader.ts'
import type { Stretch } from './stretches.ts'

/** A device, as arenas see it. Offsets and lengths count floats. */
export interface Remote {
  /** Of an arena. */
  readonly mostBytes: number
  allocate(id: number, floats: number): void
  drop(id: number): void
  write(id: number, offset: number, words: Uint32Array<ArrayBuffer>): void
  run(arena: number, program: number): void
  /** What lies there, one after the other. */
  read(id: number, extents: readonly Extent[]): Uint32Array
}

let arenas = 0

/** Programs as processors run them, which do not take operands of any size. */
const checked = new WeakMap<Program, Program>()
function onProcessor(program: Program): Program {
  const known = checked.get(program) ?? Program.assemble(program.instructions, program.arenaSize)
  checked.set(program, known)
  return known
}

/** Floats of what is fetched with others unasked. */
const SHORT = 16

const isSame = (one: Extent) => (other: Extent) => one.offset === other.offset && one.length === other.length

export class MirroredArena implements Arena {
  readonly size: number
  readonly #mirror: Arena
  readonly #remote: Remote
  readonly #prepare: (program: Program, floats: number) => Stretch[]
  /** On the device; undefined before it ran anything. */
  #id: number | undefined
  /** Whether everything stays with the processor: whoever sees its memory as a whole works there. */
  #isLocal = false
  /** What the mirror has as the device does; undefined: everything. */
  #fresh: Extent[] | undefined
  /**
   * Short ones that were asked for since the last run, and those after the run before, by where they
   * begin.
   */
  #asked = new Map<number, Extent>()
  #usual = new Map<number, Extent>()
  /** What the mirror may have newer than the device, by where it begins. */
  #lent = new Map<number, Extent>()

  /** `mirror` is an arena of a processor's machine; `prepare` says how a program runs over so many floats. */
  constructor(mirror: Arena, remote: Remote, prepare: (program: Program, floats: number) => Stretch[]) {
    this.#mirror = mirror
    this.#remote = remote
    this.#prepare = prepare
    this.size = mirror.size
  }

  view(offset: number, count: number): Floats {
    this.#fetch([{ offset, length: count }])
    return this.blank(offset, count)
  }

  peek(offset: number, count: number): Floats {
    this.#fetch([{ offset, length: count }])
    return this.#mirror.peek(offset, count)
  }

  blank(offset: number, count: number): Floats {
    this.#lend({ offset, length: count })
    return this.#mirror.view(offset, count)
  }

  bytes(offset: number, count: number): Uint8Array {
    const extent = { offset, length: Math.ceil(count / 4) }
    this.#fetch([extent])
    this.#lend(extent)
    return this.#mirror.bytes(offset, count)
  }

  get floats(): Floats {
    this.#stayHere()
    return this.#mirror.floats
  }

  get doubles(): Float64Array {
    this.#stayHere()
    return this.#mirror.doubles
  }

  run(program: Program): void {
    if (program.arenaSize > this.size) throw new Error('this program was made for a larger arena')
    if (this.#isLocal) {
      this.#mirror.run(onProcessor(program))
      return
    }
    this.#id ??= this.#allocate()
    for (const stretch of this.#prepare(program, this.size)) {
      if ('device' in stretch) this.#runThere(stretch.device)
      else {
        this.#fetch(stretch.touched)
        this.#mirror.run(stretch.program)
        for (const extent of stretch.touched) this.#lend(extent)
      }
    }
  }

  #runThere(program: number): void {
    const id = this.#id!
    for (const { offset, length } of this.#lent.values()) {
      const { buffer, byteOffset } = this.#mirror.bytes(offset, 4 * length)
      // A copy: a device takes none of what threads share, and this one is handed over.
      const words = new Uint32Array(length)
      words.set(new Uint32Array(buffer, byteOffset, length))
      this.#remote.write(id, offset, words)
    }
    this.#lent.clear()
    this.#remote.run(id, program)
    this.#fresh = []
    this.#usual = this.#asked
    this.#asked = new Map()
  }

  #allocate(): number {
    checkRoom(this.size, this.#remote.mostBytes)
    const id = ++arenas
    this.#remote.allocate(id, this.size)
    garbage.register(this, { id, remote: this.#remote })
    return id
  }

  /** Takes over from the device what the mirror has not as it does. */
  #fetch(extents: readonly Extent[]): void {
    const { size } = this
    if (this.#fresh === undefined || this.#id === undefined) return
    const known = [...this.#fresh, ...this.#lent.values()]
    const isMissing = ({ offset, length }: Extent) =>
      length > 0 && !known.some((one) => one.offset <= offset && offset + length <= one.offset + one.length)
    for (const extent of extents) if (extent.length <= SHORT) this.#asked.set(extent.offset, extent)
    const asked = extents.filter(isMissing)
    if (asked.length === 0) return
    // What was asked for after the last run, such as a loss, will be again: it comes with the rest.
    const usual = [...this.#usual.values()].filter((one) => isMissing(one) && !asked.some(isSame(one)))
    const missing = [...asked, ...usual]
    // What was given out within it is newer here, and stays.
    const words = this.#remote.read(this.#id, missing)
    const kept = [...this.#lent.values()].map((one) => ({ ...one, bits: this.#bits(one).slice() }))
    let from = 0
    for (const extent of missing) {
      if (extent.offset + extent.length > size) throw new Error('an extent outside the arena')
      this.#bits(extent).set(words.subarray(from, from + extent.length))
      from += extent.length
      this.#fresh.push(extent)
    }
    for (const one of kept) this.#bits(one).set(one.bits)
  }

  #bits({ offset, length }: Extent): Uint32Array {
    const { buffer, byteOffset } = this.#mirror.bytes(offset, 4 * length)
    return new Uint32Array(buffer, byteOffset, length)
  }

  #lend(extent: Extent): void {
    if (this.#isLocal || extent.length === 0) return
    const known = this.#lent.get(extent.offset)
    if (!known || known.length < extent.length) this.#lent.set(extent.offset, extent)
  }

  #stayHere(): void {
    if (this.#isLocal) return
    this.#fetch([{ offset: 0, length: this.size }])
    this.#isLocal = true
    this.#lent.clear()
    this.#fresh = undefined
    if (this.#id !== undefined) this.#remote.drop(this.#id)
  }
}

/** Arenas whose garbage was collected give their memory back. */
const garbage = new FinalizationRegistry<{ id: number; remote: Remote }>(({ id, remote }) => remote.drop(id))
