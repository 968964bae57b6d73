/**
 * @file What a machine is: it runs programs over an arena. There are `native` (C with threads), `wasm` (the
 * same C, one thread), `webgpu` (WGSL on a device) and `reference` (float64 TypeScript); `machines/open.ts`
 * chooses one.
 */
import type { Program } from './program.ts'

export type Floats = Float32Array | Float64Array
export type EngineName = 'native' | 'wasm' | 'webgpu' | 'reference'

/** What kernels are compiled for; `float64` are those of the reference machine. */
export type InstructionSet = 'avx512' | 'avx2' | 'baseline' | 'neon' | 'wasm' | 'webgpu' | 'float64'

/**
 * Memory that programs run over. What is given out of it by `view`, `peek` and `bytes` is good until the
 * arena runs the next time: a machine whose memory lies elsewhere gives copies.
 */
export interface Arena {
  /** Floats that it has. */
  readonly size: number
  /** `count` floats from `offset` on, to read and to write; the next run takes what was written. */
  view(offset: number, count: number): Floats
  /** The same to write alone, all of it: what it holds is not known. */
  blank(offset: number, count: number): Floats
  /** The same to read alone: what is written there may be lost. */
  peek(offset: number, count: number): Floats
  /**
   * All tensors, addressed by float. float64 on the reference machine. Live: an arena that it is asked of
   * stays in the memory of the process from then on.
   */
  readonly floats: Floats
  /**
   * The same memory as doubles (own memory on the reference machine): even float offset f is double f / 2.
   */
  readonly doubles: Float64Array
  /** `count` bytes from float `offset` on, as `view` (own memory on the reference machine). */
  bytes(offset: number, count: number): Uint8Array
  run(program: Program): void
}

export interface Machine {
  readonly engine: EngineName
  readonly instructionSet: InstructionSet
  readonly threads: number
  /** Whether its kernels take operands of any size; those in C hold rows of them in buffers. Default: no. */
  readonly anySize?: boolean
  /** Bytes of the largest arena that it runs over, where that is less than engines address. */
  readonly mostBytes?: number
  /** For reports, such as `native avx2, 2 threads`. */
  readonly description: string
  /** A zeroed arena. */
  allocate(floats: number): Arena
  /** Runs programs over arenas of their own, at most as many as there are threads, each on one of them. */
  runApart(runs: readonly Run[]): void
}

export interface Run {
  arena: Arena
  program: Program
}
