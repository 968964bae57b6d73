import { describe, expect, it } from 'vitest'
import { call } from '../../src/engine/kernel.ts'
import { unary } from '../../src/engine/kernels/elementwise.ts'
import { UNARY } from '../../src/engine/kernels/functions.ts'
import { selectTopCall } from '../../src/engine/kernels/select.ts'
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

  it.each([1, 2, 3, 6])('each of %i runs a program of its own, and then all of them one together', (threads) => {
    const n = 67
    const machine = openNative(threads)
    const negate = call(unary, { op: UNARY.Neg, n, x: 0, y: 0 })
    const program = (length: number) => Program.assemble(Array(length).fill(negate), n)
    const runs = Array.from({ length: threads }, (_, i) => ({
      arena: machine.allocate(n),
      program: program(40 * i + 3),
    }))
    for (const { arena } of runs) arena.floats.fill(1)
    for (let round = 0; round < 20; round++) {
      machine.runApart(runs)
      runs[0].arena.run(program(2))
      for (const { arena } of runs) expect(arena.floats.every((x) => x === (round % 2 ? 1 : -1))).toBe(true)
    }
    machine.runApart([])
    const [{ arena }] = runs
    expect(() => machine.runApart([...runs, { arena: machine.allocate(n), program: program(1) }])).toThrow('at most')
    expect(() => openNative(2).runApart([runs[0], { arena, program: program(1) }])).toThrow('of their own')
    expect(() => openNative(2).runApart([{ arena: machine.allocate(1), program: program(1) }])).toThrow('larger arena')
  })

  it.each([1, 2, 3, 6])('%i of them meet within a kernel, in long programs and each in one of its own', (threads) => {
    const n = 1000
    const machine = openNative(threads)
    // The masks of one selection are the scores of the next, which keeps the first of them.
    const keeps = Array.from({ length: 60 }, (_, i) => n - 16 * i)
    const select = keeps.map((keep) => selectTopCall(keep, [{ scores: 0, n, mask: 0 }]))
    const program = Program.assemble(select, n)
    const arenas = Array.from({ length: threads }, () => machine.allocate(n))
    const want = Array.from({ length: n }, (_, i) => (i < n - 16 * 59 ? 1 : 0))
    for (let round = 0; round < 10; round++) {
      for (const { floats } of arenas) floats.fill(2)
      arenas[0].run(program)
      machine.runApart(arenas.slice(1).map((arena) => ({ arena, program })))
      for (const { floats } of arenas) expect([...floats]).toEqual(want)
    }
  })
})
