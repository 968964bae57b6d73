/**
 * @file The WebAssembly machine: the same kernels with 128-bit vectors, wherever JavaScript runs; on one
 * thread, or on a team of them (wasm-threads.ts).
 */
import type { Arena, Machine } from '../machine.ts'
import type { Program } from '../program.ts'
import { type Declaration, kernelNumbers } from './declarations.ts'
import { liveViews } from './views.ts'
import { CODE_WORDS, type Layout, layoutOf, pagesFor, type WasmExports, writeScratches } from './wasm-memory.ts'

/** Threads beside the one that calls. */
export interface Team {
  /** All of them. */
  threads: number
  /**
   * Gives every thread an instance over a memory. What it returns starts them on their parts of the code that
   * lies there, which has so many words.
   */
  join(memory: WebAssembly.Memory, layout: Layout): (length: number) => void
}

/** A memory with an instance over it, and where what lies there. */
interface Place {
  memory: WebAssembly.Memory
  layout: Layout
  exports: WasmExports
}

/**
 * A machine on one thread from the compiled module kernels/espalier.wasm. Throws UserError where that is of
 * another version.
 */
export function wasmMachine(module: WebAssembly.Module): Machine {
  const instantiate = () => new WebAssembly.Instance(module).exports as unknown as WasmExports
  return machineOf(instantiate(), (floats) => {
    const exports = instantiate()
    const memory = exports.memory!
    const layout = layoutOf(exports, 1, floats)
    const missing = layout.end - memory.buffer.byteLength
    if (missing > 0) memory.grow(pagesFor(missing))
    return { memory, layout, exports }
  })
}

/** Enough for what the module itself holds. */
const LEAST_PAGES = 64

/** A machine from kernels/espalier-threads.wasm, over memory that a team shares. */
export function sharedMachine(module: WebAssembly.Module, team: Team): Machine {
  const over = (memory: WebAssembly.Memory) =>
    new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as WasmExports
  const first = sharedMemory(LEAST_PAGES)
  const probe = { ...over(first), memory: first }
  return machineOf(
    probe,
    (floats) => {
      const layout = layoutOf(probe, team.threads, floats)
      const memory = sharedMemory(Math.max(LEAST_PAGES, pagesFor(layout.end)))
      return { memory, layout, exports: over(memory) }
    },
    team,
  )
}

const sharedMemory = (pages: number) => new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })

const ALONE: Team = { threads: 1, join: () => () => {} }

function machineOf(first: WasmExports, placeFor: (floats: number) => Place, team = ALONE): Machine {
  const numbers = kernelNumbers(declarationsOf(first), 'wasm')
  const encoded = new WeakMap<Program, Int32Array>()
  const { threads } = team
  return {
    engine: 'wasm',
    instructionSet: 'wasm',
    threads,
    description: `wasm simd128, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    runApart(runs) {
      for (const { arena, program } of runs) arena.run(program)
    },
    allocate(size): Arena {
      const { memory, layout, exports } = placeFor(size)
      const { buffer } = memory
      writeScratches(buffer, layout, threads)
      const start = team.join(memory, layout)
      const words = new Int32Array(buffer, layout.code, CODE_WORDS)
      const floats = new Float32Array(buffer, layout.arena, size)
      return {
        ...liveViews(floats),
        floats,
        doubles: new Float64Array(buffer, layout.arena, size >> 1),
        bytes: (offset, count) => new Uint8Array(buffer, layout.arena + 4 * offset, count),
        run(program) {
          let list = encoded.get(program)
          if (!list) encoded.set(program, (list = program.encode(numbers)))
          if (program.arenaSize > size) throw new Error('this program was made for a larger arena')
          if (list.length > CODE_WORDS)
            throw new Error(`program too long for wasm: ${list.length} of ${CODE_WORDS} words`)
          words.set(list)
          start(list.length)
          exports.run(layout.arena, layout.code, list.length, layout.scratches, 0, threads)
        },
      }
    },
  }
}

/** Structs of kernels/declarations.h: three texts and a number each, up to the first without a kind. */
function declarationsOf({ memory, declarations }: WasmExports): Declaration[] {
  if (!declarations) return []
  const bytes = new Uint8Array(memory!.buffer)
  const words = new Int32Array(memory!.buffer)
  // Copied, since texts are not decoded from shared memory.
  const text = (at: number) => new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)))
  const found: Declaration[] = []
  for (let at = declarations() / 4; words[at] !== 0; at += 4) {
    const [kind, name, list] = [words[at], words[at + 1], words[at + 2]].map(text)
    found.push({ kind, name, list, value: words[at + 3] })
  }
  return found
}
