/**
 * @file Programs: validated lists of kernel calls. Only what passes here reaches C, which checks nothing.
 */
import { UserError } from '../util/errors.ts'
import { type Instruction, named } from './kernel.ts'

/** Arguments are signed 32-bit integers, so this many floats can be addressed. */
export const MOST_FLOATS = 0x7fffffff

/**
 * Instructions as a machine runs them. Made by {@link assemble} only, so a Program is always valid for its
 * arena.
 */
export class Program {
  readonly instructions: readonly Instruction[]
  /** Floats of arena that the program may touch. */
  readonly arenaSize: number

  private constructor(instructions: readonly Instruction[], arenaSize: number) {
    this.instructions = instructions
    this.arenaSize = arenaSize
  }

  /**
   * Checks every instruction: whole 32-bit arguments, the right number of them, all memory inside the arena;
   * and, unless the machine takes `anySize`, that C has room for what it holds of its operands.
   */
  static assemble(instructions: readonly Instruction[], arenaSize: number, anySize = false): Program {
    instructions.forEach((instruction, at) => {
      const { kernel, args } = instruction
      const fail = (message: string): never => {
        throw new Error(`malformed program: instruction ${at} (${kernel.name}): ${message}`)
      }
      const expected = kernel.parameters.length
      if (kernel.list ? args.length < expected : args.length !== expected)
        fail(`expected ${expected} arguments${kernel.list ? ' or more' : ''}, found ${args.length}`)
      const anyBits = kernel.bits ? expected : args.length
      const bad = args.findIndex(
        (value, i) => !Number.isInteger(value) || value < (i < anyBits ? 0 : -MOST_FLOATS - 1) || value > MOST_FLOATS,
      )
      if (bad >= 0) fail(`expected whole numbers from 0 to 2^31 - 1, found ${args[bad]}`)
      let extents: ReturnType<typeof kernel.extents> = []
      try {
        extents = kernel.extents(named(instruction), args)
        if (!anySize) kernel.room?.(named(instruction))
      } catch (error) {
        // What is too large for a kernel is no error of a program.
        if (error instanceof UserError) throw error
        fail((error as Error).message)
      }
      for (const { offset, length } of extents)
        if (!(length >= 0 && length <= MOST_FLOATS && offset + length <= arenaSize))
          fail(`touches [${offset}, ${offset + length}) outside an arena of ${arenaSize} floats`)
    })
    return new Program(instructions, arenaSize)
  }

  /**
   * The words [kernel, number of arguments, arguments...] per instruction, with a machine's kernel numbers.
   */
  encode(kernelNumbers: ReadonlyMap<string, number>): Int32Array {
    const words = this.instructions.flatMap(({ kernel, args }) => {
      const number = kernelNumbers.get(kernel.name)
      if (number === undefined)
        throw new Error(`this build of the engine lacks the kernel ${kernel.name}; rebuild with npm run build`)
      return [number, args.length, ...args]
    })
    return Int32Array.from(words)
  }
}
