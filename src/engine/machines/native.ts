/**
 * @file The native machine: kernels/*.c as a Node addon, with threads and the best instruction set of the
 * processor.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { UserError } from '../../util/errors.ts'
import { packageFile } from '../../util/package.ts'
import type { Arena, Floats, Machine } from '../machine.ts'
import type { Program } from '../program.ts'

interface Addon {
  /** Kernel names in the order of the table. */
  kernels: string[]
  /** What this processor has, best first. */
  instructionSets: { name: string; lanes: number }[]
  createPool(instructionSet: string, threads: number): unknown
  allocate(floats: number): Float32Array
  run(pool: unknown, arena: Float32Array, code: Int32Array): void
  runApart(pool: unknown, arenas: readonly Floats[], codes: readonly Int32Array[]): void
}

/** ESPALIER_ADDON names another build of the addon, such as the one with sanitizers. */
const addonPath = () =>
  process.env.ESPALIER_ADDON ? resolve(process.env.ESPALIER_ADDON) : packageFile('build/native/espalier.node')

export const isBuilt = (): boolean => existsSync(addonPath())

/** Instruction sets of this processor that the addon has kernels for, best first. */
export const instructionSets = (): string[] => loadAddon().instructionSets.map(({ name }) => name)

export function openNative(threads: number, instructionSet?: string): Machine {
  const addon = loadAddon()
  const set = addon.instructionSets.find(({ name }) => name === (instructionSet ?? addon.instructionSets[0].name))
  if (!set) {
    const known = addon.instructionSets.map(({ name }) => name).join(', ')
    throw new UserError(`instruction set: expected one of ${known} on this processor, found ${instructionSet}`)
  }
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    throw new UserError(`threads: expected a whole number from 1 to 256, found ${threads}`)
  const pool = addon.createPool(set.name, threads)
  const numbers = new Map(addon.kernels.map((name, i) => [name, i]))
  const encoded = new WeakMap<Program, Int32Array>()
  const codeOf = (program: Program, size: number): Int32Array => {
    let code = encoded.get(program)
    if (!code) encoded.set(program, (code = program.encode(numbers)))
    if (program.arenaSize > size) throw new Error('this program was made for a larger arena')
    return code
  }
  return {
    engine: 'native',
    threads,
    description: `native ${set.name}, ${threads} thread${threads === 1 ? '' : 's'}`,
    allocate(size): Arena {
      const memory = addon.allocate(Math.max(size, 1))
      const { buffer, byteOffset } = memory
      return {
        floats: memory.subarray(0, size),
        doubles: new Float64Array(buffer, byteOffset, size >> 1),
        bytes: (offset, count) => new Uint8Array(buffer, byteOffset + 4 * offset, count),
        run(program) {
          addon.run(pool, memory, codeOf(program, size))
        },
      }
    },
    runApart(runs) {
      const memories = runs.map(({ arena }) => arena.floats)
      if (runs.length > threads || new Set(memories.map(({ buffer }) => buffer)).size < runs.length)
        throw new Error(`runApart: expected at most ${threads} programs, over arenas of their own`)
      const codes = runs.map(({ arena, program }) => codeOf(program, arena.floats.length))
      addon.runApart(pool, memories, codes)
    },
  }
}

function loadAddon(): Addon {
  if (!isBuilt())
    throw new UserError('the native engine is not built here; run npm run build, or use ESPALIER_ENGINE=wasm')
  return createRequire(import.meta.url)(addonPath()) as Addon
}
