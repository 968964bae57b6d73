/**
 * @file What TypeScript knows of a kernel of `kernels/*.c`: its arguments, the memory that it touches
 * (checked before a program reaches C), and its meaning, as plain float64 code over the same arena. The
 * latter is the reference machine, which every other machine is tested against.
 */

/**
 * The reference machine's arena: tensors in `floats`, matrices of doubles in `doubles` (one per two floats),
 * data sets in `bytes` (four per float).
 */
export interface ReferenceMemory {
  floats: Float64Array | Float32Array
  doubles: Float64Array
  bytes: Uint8Array
}

/** A run of floats that a kernel reads or writes. */
export interface Extent {
  offset: number
  length: number
}

export interface Kernel<P extends string = string> {
  /** The name in kernels/kernels.def. */
  readonly name: string
  /** Arguments in the order in which C reads them. Offsets and sizes count floats. */
  readonly parameters: readonly P[]
  /** Whether more arguments follow, as many as the named ones say. */
  readonly list?: boolean
  /** Whether those are any 32 bits, of floats for example, rather than whole numbers of at least 0. */
  readonly bits?: boolean
  /**
   * Everything that the kernel will touch. Throws where arguments make no sense together. `list` has all
   * arguments, the named ones too.
   */
  extents(args: Readonly<Record<P, number>>, list: readonly number[]): Extent[]
  /**
   * Throws where C, which holds rows of operands in buffers of fixed size, has no room for them. Other
   * machines take them.
   */
  room?(args: Readonly<Record<P, number>>): void
  /** What the kernel computes, obvious and slow. */
  reference(args: Readonly<Record<P, number>>, memory: ReferenceMemory, list: readonly number[]): void
}

/** One call: a kernel and its arguments, all 32-bit integers. */
export interface Instruction {
  readonly kernel: Kernel
  readonly args: readonly number[]
}

/**
 * An instruction with arguments given by name, and any further ones (of kernels that take lists) behind them.
 */
export function call<P extends string>(
  kernel: Kernel<P>,
  args: Record<P, number>,
  more: readonly number[] = [],
): Instruction {
  return { kernel: kernel, args: [...kernel.parameters.map((name) => args[name]), ...more] }
}

/** Arguments by name. */
export function named(instruction: Instruction): Record<string, number> {
  return Object.fromEntries(instruction.kernel.parameters.map((name, i) => [name, instruction.args[i]]))
}

/** Extent of a strided read: from `offset` to the last element. */
export function stridedExtent(offset: number, dims: readonly number[], strides: readonly number[]): Extent {
  if (dims.some((n) => n < 1) || strides.some((s) => s < 0))
    throw new Error('sizes must be 1 or more, strides 0 or more')
  return { offset, length: dims.reduce((last, n, i) => last + (n - 1) * strides[i], 0) + 1 }
}
