/**
 * @file The memory of a WebAssembly module that runs programs: what the module itself holds, scratches and
 * stacks of threads, the program's code, and the arena.
 */
import { UserError } from '../../util/errors.ts'

export interface WasmExports {
  memory?: WebAssembly.Memory
  __heap_base: WebAssembly.Global
  /** Where a stack begins, which grows downwards. Of modules over shared memory. */
  __stack_pointer?: WebAssembly.Global
  declarations?(): number
  scratch_bytes?(): number
  run(arena: number, code: number, length: number, scratches: number, part: number, parts: number): void
}

/** Byte offsets. */
export interface Layout {
  /** Pointers to the scratch of each thread. */
  scratches: number
  /** Where the stack of each thread begins but the first, whose is the module's own. */
  stacks: number[]
  code: number
  arena: number
  /** Where the memory may end. */
  end: number
}

const PAGE = 65536
const STACK = 65536
/** Words kept for the program's code, which is copied in before each run. */
export const CODE_WORDS = 1 << 18

/** Throws UserError where the module is of another version, and an error where the arena has no room. */
export function layoutOf({ __heap_base, scratch_bytes }: WasmExports, threads: number, floats: number): Layout {
  if (!scratch_bytes) throw new UserError('the wasm module is of another version of this package')
  const scratches = align(__heap_base.value as number)
  const first = align(scratches + 4 * threads)
  const stacks = Array.from({ length: threads - 1 }, (_, i) => first + threads * scratch_bytes() + (i + 1) * STACK)
  const code = first + threads * scratch_bytes() + (threads - 1) * STACK
  const arena = align(code + CODE_WORDS * 4)
  const end = arena + floats * 4
  if (end > 2 ** 32) throw new Error(`wasm memory ends at 4 GiB; this needs ${floats * 4} bytes`)
  return { scratches, stacks, code, arena, end }
}

/** Writes the pointers to the scratches, which lie behind them. */
export function writeScratches(buffer: ArrayBufferLike, { scratches, code }: Layout, threads: number): void {
  const first = align(scratches + 4 * threads)
  const bytes = (code - (threads - 1) * STACK - first) / threads
  new Uint32Array(buffer, scratches, threads).set(Array.from({ length: threads }, (_, i) => first + i * bytes))
}

export const pagesFor = (bytes: number): number => Math.ceil(bytes / PAGE)

const align = (offset: number) => Math.ceil(offset / 64) * 64
