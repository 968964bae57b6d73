import { describe, expect, it } from 'vitest'
import { call } from '../../src/engine/kernel.ts'
import { UNARY, unary } from '../../src/engine/kernels/elementwise.ts'
import { openNative } from '../../src/engine/machines/native.ts'
import { Program } from '../../src/engine/program.ts'
import { sets } from '../support/engines.ts'

describe.skipIf(sets.length === 0)('threads', () => {
  // More threads than processors, so that some are still leaving one program while the next one starts.
  it.each([2, 3, 6])('%i of them run programs of different lengths one after the other', (threads) => {
    const n = 67
    const arena = openNative(threads).allocate(n)
    const negate = call(unary, { op: UNARY.Neg, n, x: 0, y: 0 })
    const programs = [1, 40, 3, 200, 2, 13].map((length) => Program.assemble(Array(length).fill(negate), n))
    arena.floats.fill(1)
    let sign = 1
    for (let round = 0; round < 20; round++)
      for (const program of programs) {
        arena.run(program)
        if (program.instructions.length % 2) sign = -sign
        expect(arena.floats.every((x) => x === sign)).toBe(true)
      }
  })
})
