/**
 * @file A machine whose arenas follow one another in the same memory. Arenas are given back when their
 * garbage is collected, which may be long after they were used; where one is made for every layer of a
 * network, what waits for that may be many times what any of them takes.
 */
import type { Arena, Machine } from '../machine.ts'

/**
 * A machine that allocates from one arena of another: what was allocated before is lost with each call. It
 * begins with room for `floats` (default 0) and grows where more is asked for.
 */
export function reusingMemory(machine: Machine, floats = 0): Machine {
  let whole: Arena | undefined
  return {
    ...machine,
    allocate(size) {
      if (whole && whole.size >= size) clear(whole, size)
      else {
        whole = undefined
        whole = machine.allocate(Math.max(size, floats))
      }
      return part(whole, size)
    },
  }
}

function clear({ floats, doubles }: Arena, size: number): void {
  floats.fill(0, 0, size)
  if (doubles.buffer !== floats.buffer) doubles.fill(0, 0, size >> 1)
}

/** The first `size` floats of an arena. */
function part(arena: Arena, size: number): Arena {
  return {
    size,
    view: (offset, count) => arena.view(offset, count),
    blank: (offset, count) => arena.blank(offset, count),
    peek: (offset, count) => arena.peek(offset, count),
    floats: arena.floats.subarray(0, size),
    doubles: arena.doubles.subarray(0, size >> 1),
    bytes: (offset, count) => arena.bytes(offset, count),
    run(program) {
      if (program.arenaSize > size) throw new Error('this program was made for a larger arena')
      arena.run(program)
    },
  }
}
