/**
 * @file The native machine: kernels/*.c as a Node addon, with threads and the best instruction set of the
 * processor.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { UserError } from '../../util/errors.ts'
import { collectGarbage } from '../../util/garbage.ts'
import { packageFile } from '../../util/package.ts'
import { limits } from '../kernels/limits.ts'
import type { Arena, Floats, Machine } from '../machine.ts'
import type { Program } from '../program.ts'
import { type Declaration, kernelNumbers } from './declarations.ts'
import { liveViews } from './views.ts'

interface Addon {
  /** kernels/kernels.def, in its order; a build from before there was one has none. */
  declarations?: Declaration[]
  /** What this processor has, best first. */
  instructionSets: { name: 'avx512' | 'avx2' | 'baseline'; lanes: number }[]
  createPool(instructionSet: string, threads: number): unknown
  allocate(floats: number): Float32Array
  run(pool: unknown, arena: Float32Array, code: Int32Array): void
  /** Absent from builds before there was one. */
  lastWords?(text: string): void
  runApart(pool: unknown, arenas: readonly Floats[], codes: readonly Int32Array[]): void
}

/** ESPALIER_ADDON names another build of the addon, such as the one with sanitizers. */
const addonPath = () =>
  process.env.ESPALIER_ADDON ? resolve(process.env.ESPALIER_ADDON) : packageFile('build/native/espalier.node')

export const isBuilt = (): boolean => existsSync(addonPath())

/** Instruction sets of this processor that the addon has kernels for, best first. */
export const instructionSets = (): string[] => loadAddon().addon.instructionSets.map(({ name }) => name)

export function openNative(threads: number, instructionSet?: string): Machine {
  const { addon, numbers } = loadAddon()
  const set = addon.instructionSets.find(({ name }) => name === (instructionSet ?? addon.instructionSets[0].name))
  if (!set) {
    const known = addon.instructionSets.map(({ name }) => name).join(', ')
    throw new UserError(`instruction set: expected one of ${known} on this processor, found ${instructionSet}`)
  }
  if (!Number.isInteger(threads) || threads < 1 || threads > limits.MOST_THREADS)
    throw new UserError(`threads: expected a whole number from 1 to ${limits.MOST_THREADS}, found ${threads}`)
  const pool = addon.createPool(set.name, threads)
  const encoded = new WeakMap<Program, Int32Array>()
  const codeOf = (program: Program, size: number): Int32Array => {
    let code = encoded.get(program)
    if (!code) encoded.set(program, (code = program.encode(numbers)))
    if (program.arenaSize > size) throw new Error('this program was made for a larger arena')
    return code
  }
  return {
    engine: 'native',
    instructionSet: process.arch === 'arm64' ? 'neon' : set.name,
    threads,
    description: `native ${set.name}, ${threads} thread${threads === 1 ? '' : 's'}`,
    allocate(size): Arena {
      makeRoom(4 * size)
      const memory = addon.allocate(Math.max(size, 1))
      const { buffer, byteOffset } = memory
      const floats = memory.subarray(0, size)
      return {
        ...liveViews(floats),
        floats,
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

/**
 * What Ctrl-C and SIGTERM say on standard error, at most 511 bytes, before they end the process, for as
 * long as JavaScript cannot serve them; with an empty text they do what they did before. Returns whether
 * the addon is there to do so.
 */
export function setLastWords(text: string): boolean {
  if (!isBuilt()) return false
  const { addon } = loadAddon()
  addon.lastWords?.(text)
  return addon.lastWords !== undefined
}

/** Bytes of arenas that are made before those of which nobody knows any more are given back. */
const BETWEEN_COLLECTIONS = 2 ** 28
let made = 0

/** Collects garbage now and then, since each arena may be as large as all that is in use. */
function makeRoom(bytes: number): void {
  if (made + bytes > BETWEEN_COLLECTIONS && made > 0) {
    collectGarbage()
    made = 0
  }
  made += bytes
}

interface Loaded {
  addon: Addon
  /** The number of each kernel, by name. */
  numbers: Map<string, number>
}

/** By path, so that what an addon declares is checked once. */
const loaded = new Map<string, Loaded>()

function loadAddon(): Loaded {
  if (!isBuilt())
    throw new UserError('the native engine is not built here; run npx espalier native, or use ESPALIER_ENGINE=wasm')
  const path = addonPath()
  const known = loaded.get(path)
  if (known) return known
  const addon = createRequire(import.meta.url)(path) as Addon
  const entry = { addon, numbers: kernelNumbers(addon.declarations ?? [], 'native') }
  loaded.set(path, entry)
  return entry
}
