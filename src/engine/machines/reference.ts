/**
 * @file The reference machine: float64, TypeScript, slow and obvious. The oracle of the other machines'
 * tests.
 */
import { named } from '../kernel.ts'
import type { Arena, Machine } from '../machine.ts'
import { liveViews } from './views.ts'

/** With `single`, what kernels give is rounded to single precision, as other machines have it. */
export function openReference({ single = false } = {}): Machine {
  return {
    engine: 'reference',
    instructionSet: 'float64',
    threads: 1,
    description: 'reference float64, 1 thread',
    runApart(runs) {
      for (const { arena, program } of runs) arena.run(program)
    },
    allocate(size): Arena {
      const floats = single ? new Float32Array(size) : new Float64Array(size)
      const doubles = new Float64Array(size >> 1)
      const bytes = new Uint8Array(size * 4)
      return {
        ...liveViews(floats),
        floats,
        doubles,
        bytes: (offset, count) => bytes.subarray(4 * offset, 4 * offset + count),
        run(program) {
          if (program.arenaSize > size) throw new Error('this program was made for a larger arena')
          for (const instruction of program.instructions)
            instruction.kernel.reference(named(instruction), { floats, doubles, bytes }, instruction.args)
        },
      }
    },
  }
}
