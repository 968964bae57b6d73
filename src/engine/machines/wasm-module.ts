/**
 * @file The WebAssembly machine: the same kernels with 128-bit vectors, single-threaded, wherever JavaScript
 * runs.
 */
import type { Arena, Machine } from '../machine.ts'
import type { Program } from '../program.ts'
import { type Declaration, kernelNumbers } from './declarations.ts'
import { liveViews } from './views.ts'

interface Exports {
  memory: WebAssembly.Memory
  __heap_base: WebAssembly.Global
  declarations?(): number
  run(arena: number, code: number, length: number): void
}

const PAGE = 65536
/** Words kept for the program's code, which is copied in before each run. */
const CODE_WORDS = 1 << 18

/**
 * A machine from the compiled module kernels/espalier.wasm. Throws UserError where that is of another
 * version.
 */
export function wasmMachine(module: WebAssembly.Module): Machine {
  const instantiate = () => new WebAssembly.Instance(module).exports as unknown as Exports
  const numbers = kernelNumbers(declarationsOf(instantiate()), 'wasm')
  const encoded = new WeakMap<Program, Int32Array>()
  return {
    engine: 'wasm',
    instructionSet: 'wasm',
    threads: 1,
    description: 'wasm simd128, 1 thread',
    runApart(runs) {
      for (const { arena, program } of runs) arena.run(program)
    },
    allocate(size): Arena {
      const wasm = instantiate()
      const code = align(wasm.__heap_base.value as number)
      const base = align(code + CODE_WORDS * 4)
      const missing = base + size * 4 - wasm.memory.buffer.byteLength
      if (base + size * 4 > 2 ** 32) throw new Error(`wasm memory ends at 4 GiB; this needs ${size * 4} bytes`)
      if (missing > 0) wasm.memory.grow(Math.ceil(missing / PAGE))
      const words = new Int32Array(wasm.memory.buffer, code, CODE_WORDS)
      const floats = new Float32Array(wasm.memory.buffer, base, size)
      return {
        ...liveViews(floats),
        floats,
        doubles: new Float64Array(wasm.memory.buffer, base, size >> 1),
        bytes: (offset, count) => new Uint8Array(wasm.memory.buffer, base + 4 * offset, count),
        run(program) {
          let list = encoded.get(program)
          if (!list) encoded.set(program, (list = program.encode(numbers)))
          if (program.arenaSize > size) throw new Error('this program was made for a larger arena')
          if (list.length > CODE_WORDS)
            throw new Error(`program too long for wasm: ${list.length} of ${CODE_WORDS} words`)
          words.set(list)
          wasm.run(base, code, list.length)
        },
      }
    },
  }
}

/** Structs of kernels/declarations.h: three texts and a number each, up to the first without a kind. */
function declarationsOf({ memory, declarations }: Exports): Declaration[] {
  if (!declarations) return []
  const bytes = new Uint8Array(memory.buffer)
  const words = new Int32Array(memory.buffer)
  const text = (at: number) => new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)))
  const found: Declaration[] = []
  for (let at = declarations() / 4; words[at] !== 0; at += 4) {
    const [kind, name, list] = [words[at], words[at + 1], words[at + 2]].map(text)
    found.push({ kind, name, list, value: words[at + 3] })
  }
  return found
}

const align = (offset: number) => Math.ceil(offset / 64) * 64
