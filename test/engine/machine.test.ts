import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { call } from '../../src/engine/kernel.ts'
import { unary } from '../../src/engine/kernels/elementwise.ts'
import { UNARY } from '../../src/engine/kernels/functions.ts'
import { openNative } from '../../src/engine/machines/native.ts'
import { openMachine } from '../../src/engine/machines/open.ts'
import { Program } from '../../src/engine/program.ts'
import { sets } from '../support/engines.ts'

beforeEach(() => {
  for (const name of ['ESPALIER_ENGINE', 'ESPALIER_THREADS', 'ESPALIER_ISA']) vi.stubEnv(name, '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('the engine', () => {
  it.each(['wasm', 'reference'])('is what ESPALIER_ENGINE says: %s', async (name) => {
    vi.stubEnv('ESPALIER_ENGINE', name)
    expect((await openMachine()).engine).toBe(name)
  })

  it('is native where it was built, else wasm', async () => {
    expect((await openMachine()).engine).toBe(sets.length ? 'native' : 'wasm')
  })

  it('is wasm where the addon is missing, which is said once', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    vi.stubEnv('ESPALIER_ADDON', '/nowhere/espalier.node')
    expect((await openMachine()).engine).toBe('wasm')
    await openMachine()
    expect(stderr.mock.calls).toEqual([
      [expect.stringMatching(/^espalier: the native engine is not built.*npx espalier native compiles it/)],
    ])
    await expect(openMachine({ engine: 'native' })).rejects.toThrow(/native engine is not built.*npx espalier native/)
  })

  it('of an unknown name is refused', async () => {
    vi.stubEnv('ESPALIER_ENGINE', 'cuda')
    await expect(openMachine()).rejects.toThrow(
      /^ESPALIER_ENGINE: expected native, wasm, webgpu, reference, found cuda$/,
    )
  })
})

describe('the number of threads', () => {
  it.each(['0', '-1', '2.5', 'many', '257', 'NaN'])('%s is refused', async (text) => {
    vi.stubEnv('ESPALIER_THREADS', text)
    await expect(openMachine()).rejects.toThrow(
      `ESPALIER_THREADS: expected a whole number from 1 to 256, found ${text}`,
    )
  })

  it('beyond 1 is pointed out, once, by the engine that has one thread', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    vi.stubEnv('ESPALIER_THREADS', '3')
    vi.stubEnv('ESPALIER_ENGINE', 'wasm')
    expect((await openMachine()).threads).toBe(1)
    await openMachine()
    expect(stderr.mock.calls).toEqual([['espalier: the wasm engine has one thread; 3 threads were asked for.\n']])
  })
})

describe.skipIf(sets.length === 0)('the native engine', () => {
  it('has the threads that ESPALIER_THREADS says', async () => {
    vi.stubEnv('ESPALIER_THREADS', '3')
    expect((await openMachine()).description).toBe(`native ${sets[0]}, 3 threads`)
  })

  it('has the instruction set that ESPALIER_ISA says', async () => {
    vi.stubEnv('ESPALIER_ISA', 'baseline')
    expect((await openMachine({ threads: 1 })).description).toBe('native baseline, 1 thread')
  })

  it('refuses an unknown instruction set', async () => {
    vi.stubEnv('ESPALIER_ISA', 'mmx')
    const known = sets.join(', ')
    await expect(openMachine()).rejects.toThrow(
      `instruction set: expected one of ${known} on this processor, found mmx`,
    )
  })

  it('addresses more than 4 GiB, where buffers of Node 20 end', () => {
    const size = 2 ** 30 + 2 ** 20
    const [x, y, n] = [2 ** 30 + 1000, size - 67, 67]
    const arena = openNative(2).allocate(size)
    const floats = (offset: number) => [...arena.floats.subarray(offset, offset + n)]
    arena.floats.subarray(x, x + n).fill(2.5)
    arena.run(Program.assemble([call(unary, { op: UNARY.Neg, n, x, y })], size))
    expect([arena.floats.length, floats(y), floats(y - n)]).toEqual([size, Array(n).fill(-2.5), Array(n).fill(0)])
    arena.bytes(y, 4 * n).fill(0)
    expect([floats(y), arena.doubles[x / 2]]).toEqual([
      Array(n).fill(0),
      new Float64Array(arena.floats.slice(x, x + 2).buffer)[0],
    ])
  })

  it.each([0, 1.5, 257, Number.NaN])('refuses %d threads', (threads) => {
    expect(() => openNative(threads)).toThrow(`threads: expected a whole number from 1 to 256, found ${threads}`)
  })
})
