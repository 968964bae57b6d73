/**
 * @file A machine as that of WebGPU is, without WebGPU: arenas are mirrored, programs are cut into what a
 * device has and what it lacks and are put in the order of its dispatches, and the device is another arena of
 * a processor's machine.
 */
import type { Arena, Machine } from '../../src/engine/machine.ts'
import { Program } from '../../src/engine/program.ts'
import { merged } from '../../src/engine/webgpu/encode.ts'
import { MirroredArena, type Remote } from '../../src/engine/webgpu/mirrored-arena.ts'
import { stretches } from '../../src/engine/webgpu/stretches.ts'

export interface Traffic {
  /** Floats that went to the device and came from it, and how often something was asked of it. */
  up: number
  down: number
  reads: number
}

export function mirrored(machine: Machine, traffic: Traffic = { up: 0, down: 0, reads: 0 }): Machine {
  const arenas = new Map<number, Arena>()
  const programs: Program[] = []
  const bitsOf = (arena: Arena, offset: number, length: number) => {
    const { buffer, byteOffset } = arena.bytes(offset, 4 * length)
    return new Uint32Array(buffer, byteOffset, length)
  }
  const remote: Remote = {
    mostBytes: Number.POSITIVE_INFINITY,
    allocate: (id, floats) => void arenas.set(id, machine.allocate(floats)),
    drop: (id) => void arenas.delete(id),
    write(id, offset, words) {
      traffic.up += words.length
      bitsOf(arenas.get(id)!, offset, words.length).set(words)
    },
    run: (arena, program) => arenas.get(arena)!.run(programs[program]),
    read(id, extents) {
      traffic.reads++
      const words = extents.flatMap(({ offset, length }) => [...bitsOf(arenas.get(id)!, offset, length)])
      traffic.down += words.length
      return Uint32Array.from(words)
    },
  }
  return {
    ...machine,
    allocate: (size) =>
      new MirroredArena(machine.allocate(size), remote, (program) =>
        stretches(
          program,
          (instructions) =>
            programs.push(
              Program.assemble(
                [
                  ...new Set(
                    merged(instructions)
                      .flat()
                      .map(({ instruction }) => instruction),
                  ),
                ],
                size,
              ),
            ) - 1,
        ),
      ),
    runApart(runs) {
      for (const { arena, program } of runs) arena.run(program)
    },
  }
}
