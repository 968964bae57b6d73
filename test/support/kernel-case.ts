/**
 * @file One kernel call on random operands, compared with the reference machine. Operands lie between NaN, so
 * that a read beside an operand shows in the result and a write beside one shows in the NaN.
 */
import fc from 'fast-check'
import type { Instruction } from '../../src/engine/kernel.ts'
import type { Floats, Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Program } from '../../src/engine/program.ts'
import { type Random, random } from '../../src/util/random.ts'

/** Half the distance between 1 and the next float32: the most that one rounding changes, relatively. */
export const ROUNDING = 2 ** -24

/**
 * The error allowed in one written value: `want` is the reference's value and `magnitude` what the reference
 * computes from the absolute values of the operands (the sum of the absolute values of all terms).
 */
export type Tolerance = (want: number, magnitude: number) => number

/** The reference's value rounded to float32, to the bit. */
export const exact: Tolerance = () => 0

export interface KernelCase {
  /** Values of the operands by name; bytes are a data set. */
  operands: Record<string, ArrayLike<number>>
  /** The call, given where the operands lie. */
  call(at: Record<string, number>): Instruction
  /** The operands that the kernel may change, and how exactly. */
  writes: Record<string, Tolerance>
}

/** What the reference computed, for cases that several engines are tested with. */
const references = new WeakMap<KernelCase, { want: Floats; magnitude: Floats }>()

/**
 * Fails where a machine's result differs from the reference machine's, or memory beside the results has
 * changed. The machines may differ in their number of threads only: all must give the same bits.
 */
export function expectAgreement(machines: readonly Machine[], test: KernelCase): void {
  const at: Record<string, number> = {}
  let size = GAP
  for (const [name, values] of Object.entries(test.operands)) {
    at[name] = size
    size += floatsOf(values) + GAP
  }
  // Nothing behind the last operand: with the sanitizers, the end of the arena is guarded by them.
  size -= GAP
  const program = Program.assemble([test.call(at)], size)

  const execute = (machine: Machine, change?: (value: number) => number) => {
    const arena = machine.allocate(size)
    arena.floats.fill(Number.NaN)
    for (const [name, values] of Object.entries(test.operands))
      if (values instanceof Uint8Array) arena.bytes(at[name], values.length).set(values)
      else arena.floats.set(change ? Array.from(values, change) : values, at[name])
    arena.run(program)
    return arena.floats
  }
  const known = references.get(test)
  const want = known?.want ?? execute(openReference())
  const magnitude = known?.magnitude ?? execute(openReference(), Math.abs)
  references.set(test, { want, magnitude })

  let first: Floats | undefined
  for (const machine of machines) {
    const floats = execute(machine)
    first ??= floats
    for (const { name, from, to, tolerance } of partsOf(test, at, size))
      for (let i = from; i < to; i++) {
        const got = floats[i]
        const wanted = Math.fround(want[i])
        if (!Object.is(got, wanted)) {
          const allowed = tolerance(want[i], magnitude[i])
          if (!(allowed > 0 && Math.abs(got - want[i]) <= allowed))
            throw new Error(
              `${machine.description}: ${name}[${i - from}] is ${got}, expected ${want[i]} within ${allowed}`,
            )
        }
        if (!Object.is(got, first[i]))
          throw new Error(
            `${machine.description}: ${name}[${i - from}] is ${got}, ${first[i]} on ${machines[0].description}`,
          )
      }
  }
}

/** A stretch of the arena whose floats are compared, by one tolerance. */
interface Part {
  name: string
  from: number
  to: number
  tolerance: Tolerance
}

/** The operands but for those of bytes, and the gaps between them, which stay as they were. */
function partsOf(test: KernelCase, at: Readonly<Record<string, number>>, size: number): Part[] {
  const parts: Part[] = []
  let end = 0
  const gap = (to: number) => parts.push({ name: 'the gap', from: end, to, tolerance: exact })
  for (const [name, values] of Object.entries(test.operands)) {
    const from = at[name]
    gap(from)
    end = from + floatsOf(values)
    if (!(values instanceof Uint8Array)) parts.push({ name, from, to: end, tolerance: test.writes[name] ?? exact })
  }
  gap(size)
  return parts
}

/** Values for a case whose shapes fast-check chose; so that shapes shrink and values stay. */
export const values = fc.nat().map((seed) => random(seed, 'values'))

/** Sizes at and beside the widths of vectors and tiles. */
export const size = fc.oneof(
  fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 127),
  fc.integer({ min: 1, max: 130 }),
)

/** Uniform float32 values in [-1, 1). */
export function uniform(rng: Random, n: number): number[] {
  return Array.from({ length: n }, () => Math.fround(2 * rng.uniform() - 1))
}

/** An operand that is only written. */
export const blank = (n: number): number[] => new Array<number>(n).fill(Number.NaN)

const GAP = 19

const floatsOf = (values: ArrayLike<number>) =>
  values instanceof Uint8Array ? Math.ceil(values.length / 4) : values.length
