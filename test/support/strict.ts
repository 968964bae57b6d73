/**
 * @file A machine whose memory lies elsewhere, as that of a graphics card does: what it gives out of its
 * arenas are copies, which the next run takes back and spoils. Code that keeps a view over a run, reads what
 * it wrote into one that is for reading, or counts on two views of different kinds being the same memory
 * meets NaN or lost values on it, at the full speed of the machine behind it.
 */
import type { Arena, Machine } from '../../src/engine/machine.ts'

export function strict(machine: Machine): Machine {
  const arenas = new WeakMap<Arena, StrictArena>()
  return {
    ...machine,
    allocate(size) {
      const own = new StrictArena(machine.allocate(size))
      arenas.set(own, own)
      return own
    },
    runApart(runs) {
      const all = runs.map(({ arena, program }) => ({ own: arenas.get(arena)!, program }))
      for (const { own } of all) own.takeBack()
      machine.runApart(all.map(({ own, program }) => ({ arena: own.behind, program })))
      for (const { own } of all) own.spoil()
    },
  }
}

/** A copy that was given out, and where it is to be written to; undefined: it was for reading. */
interface Lent {
  copy: Float32Array | Float64Array | Uint8Array
  back?: Float32Array | Float64Array | Uint8Array
}

class StrictArena implements Arena {
  readonly behind: Arena
  readonly size: number
  /** What solvers work in, which stays where it is: they run on processors alone. */
  readonly floats: Arena['floats']
  readonly doubles: Arena['doubles']
  #lent = new Map<string, Lent>()

  constructor(behind: Arena) {
    this.behind = behind
    this.size = behind.size
    this.floats = behind.floats
    this.doubles = behind.doubles
  }

  view = (offset: number, count: number): Float32Array | Float64Array =>
    this.#lend(`${offset}`, this.behind.view(offset, count)) as Float32Array

  /** NaN: whoever does not write all of it reads what was not there. */
  blank = (offset: number, count: number): Float32Array | Float64Array => this.view(offset, count).fill(Number.NaN)

  bytes = (offset: number, count: number): Uint8Array =>
    this.#lend(`${offset} bytes`, this.behind.bytes(offset, count)) as Uint8Array

  peek = (offset: number, count: number): Float32Array | Float64Array => {
    const written = this.#lent.get(`${offset}`)
    const copy = ((written?.copy as Float32Array) ?? this.behind.peek(offset, count)).slice(0, count)
    this.#lent.set(`${offset} for reading ${this.#lent.size}`, { copy })
    return copy
  }

  run = (program: Parameters<Arena['run']>[0]): void => {
    this.takeBack()
    this.behind.run(program)
    this.spoil()
  }

  #lend(key: string, memory: Float32Array | Float64Array | Uint8Array): Lent['copy'] {
    const known = this.#lent.get(key)
    if (known) return known.copy
    const copy = memory.slice()
    this.#lent.set(key, { copy, back: memory })
    return copy
  }

  /** Before a run. */
  takeBack(): void {
    for (const { copy, back } of this.#lent.values()) back?.set(copy)
  }

  /** After a run. */
  spoil(): void {
    for (const { copy } of this.#lent.values()) copy.fill(copy instanceof Uint8Array ? 0xaa : Number.NaN)
    this.#lent = new Map()
  }
}
