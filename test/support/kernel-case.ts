/**
 * @file One kernel call on random operands, compared with the reference machine. Operands lie between NaN, so
 * that a read beside an operand shows in the result and a write beside one shows in the NaN.
 */
import fc from 'fast-check'
import type { Instruction } from '../../src/engine/kernel.ts'
import type { Arena, Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Program } from '../../src/engine/program.ts'
import { type Random, random } from '../../src/util/random.ts'
import { type Region, type RegionType, recordCase } from './record-case.ts'

/** Half the distance between 1 and the next float32: the most that one rounding changes, relatively. */
export const ROUNDING = 2 ** -24

/**
 * The error allowed in one written value: `want` is the reference's value and `magnitude` what the reference
 * computes from the absolute values of the operands (the sum of the absolute values of all terms). Only where
 * a function takes both is the latter computed.
 */
export type Tolerance = (want: number, magnitude: number) => number

/** The reference's value rounded to float32, to the bit. */
export const exact: Tolerance = () => 0

export interface KernelCase {
  /** Values of the operands by name; bytes are a data set, a Float64Array lies there as doubles. */
  operands: Record<string, ArrayLike<number>>
  /** The call, given where the operands lie. */
  call(at: Record<string, number>): Instruction
  /** The operands that the kernel may change, and how exactly. */
  writes: Record<string, Tolerance>
}

/** A case as it lies in memory, and what the reference makes of it; the same for all engines. */
interface Prepared {
  program: Program
  /** Where the operands lie, in the order of their places. */
  at: Record<string, number>
  /** The arena before the call, in the forms of the engines and of the reference. */
  before: Float32Array<ArrayBuffer>
  regions: readonly Region[]
}

function prepared(test: KernelCase): Prepared {
  const at: Record<string, number> = {}
  let size = GAP
  for (const [name, values] of Object.entries(test.operands)) {
    if (values instanceof Float64Array) size += size % 2
    at[name] = size
    size += roomOf(values) + GAP
  }
  // Nothing behind the last operand: with the sanitizers, the end of the arena is guarded by them.
  size -= GAP
  const program = Program.assemble([test.call(at)], size)

  const fill = (arena: Memory) => {
    arena.floats.fill(Number.NaN)
    for (const [name, values] of Object.entries(test.operands))
      valuesAt(arena, { type: typeOf(values), offset: at[name] }, values.length).set(values)
  }
  const takeAbsolute = (arena: Arena) => {
    for (const [name, values] of Object.entries(test.operands)) {
      if (values instanceof Uint8Array) continue
      const own = valuesAt(arena, { type: typeOf(values), offset: at[name] }, values.length)
      for (let i = 0; i < own.length; i++) own[i] = Math.abs(own[i])
    }
  }
  const takeSmallForZero = (arena: Arena) => {
    for (let i = 0; i < arena.size; i++) if (isSmall(arena.floats[i])) arena.floats[i] = Math.sign(arena.floats[i]) * 0
  }
  const reference = (change: (arena: Arena) => void = () => {}) => {
    const arena = openReference().allocate(size)
    fill(arena)
    change(arena)
    arena.run(program)
    return arena
  }
  const want = reference()
  // What a device may make of it that takes the smallest numbers for zeros (WGSL leaves it to devices).
  const hasSmall = Object.values(test.operands).some(
    (values) => !(values instanceof Uint8Array) && Array.from(values).some(isSmall),
  )
  const flushed = hasSmall ? reference(takeSmallForZero) : undefined
  // Half of the work, which only sums ask for.
  const magnitude = Object.values(test.writes).some((tolerance) => tolerance.length > 1)
    ? reference(takeAbsolute)
    : want
  const regions = Object.entries(test.writes).map(([name, tolerance]): Region => {
    const operand = test.operands[name]
    const region = { type: typeOf(operand), offset: at[name] }
    const expected = Float64Array.from<number>(valuesAt(want, region, operand.length))
    const terms = valuesAt(magnitude, region, operand.length)
    const tolerances = expected.map((value, i) => tolerance(value, terms[i]))
    const zeros = flushed && Float64Array.from<number>(valuesAt(flushed, region, operand.length))
    return { ...region, want: expected, tolerance: tolerances, flushed: zeros }
  })
  // An even number of floats, so that doubles can be seen in the same buffer.
  const buffer = new ArrayBuffer(8 * Math.ceil(size / 2))
  const before = new Float32Array(buffer, 0, size)
  const bytes = (offset: number, count: number) => new Uint8Array(buffer, 4 * offset, count)
  fill({ floats: before, doubles: new Float64Array(buffer), bytes })
  return { program, at, before, regions }
}

/**
 * Fails where a machine's result differs from the reference machine's, or memory beside the results has
 * changed, or machines that differ in their number of threads only do not give the same bits.
 */
export function expectAgreement(machines: readonly Machine[], test: KernelCase): void {
  const { program, at, before, regions } = prepared(test)
  if (machines.some(({ engine }) => engine === 'wasm')) recordCase(program.instructions[0], before, regions)

  const place = (i: number) => {
    const name = Object.keys(at).findLast((operand) => at[operand] <= i)
    return name === undefined ? 'before the operands' : `${name}[${i - at[name]}]`
  }
  const untouched = new Int32Array(before.buffer, 0, before.length)
  /** What the first machine of each instruction set has left. */
  const firsts = new Map<string, { memory: Memory; bits: Int32Array; description: string }>()
  for (const machine of machines) {
    const { engine, instructionSet, description } = machine
    const arena = machine.allocate(before.length)
    bitsOf(arena).set(untouched)
    arena.run(program)
    // Only now: what an arena gives out is good until it runs.
    const bits = bitsOf(arena)
    const memory = memoryOf(bits)
    const kernels = `${engine} ${instructionSet}`
    const first = firsts.get(kernels) ?? { memory, bits, description }
    firsts.set(kernels, first)
    // To the bit what agreed before.
    if (first.bits !== bits && areSame(bits, first.bits)) continue
    const fail = (i: number, got: number, expected: string) => {
      throw new Error(`${description}: ${place(i)} is ${got}, expected ${expected}`)
    }
    for (const region of regions) {
      const got = valuesAt(memory, region, region.want.length)
      const same = valuesAt(first.memory, region, region.want.length)
      for (let i = 0; i < got.length; i++) {
        const [value, wanted, tolerance] = [got[i], region.want[i], region.tolerance[i]]
        const rounded = region.type === 'doubles' ? wanted : Math.fround(wanted)
        const agrees = Object.is(value, rounded) || (tolerance > 0 && Math.abs(value - wanted) <= tolerance)
        if (!agrees && engine === 'webgpu' && isFlushed(value, region, i)) continue
        if (!agrees) fail(region.offset + Math.floor(i * WIDTH[region.type]), value, `${wanted} within ${tolerance}`)
        if (!Object.is(value, same[i]))
          fail(region.offset + Math.floor(i * WIDTH[region.type]), value, `${same[i]} as on ${first.description}`)
      }
    }
    const changing = regions.map(({ type, offset, want }) => [offset, offset + Math.ceil(want.length * WIDTH[type])])
    for (let i = 0; i < bits.length; i++)
      if (bits[i] !== untouched[i] && !changing.some(([from, to]) => i >= from && i < to))
        fail(i, memory.floats[i], 'what it was before')
  }
}

/** Below what single precision has at full length, and not 0. */
const isSmall = (x: number) => x !== 0 && Math.abs(x) < 2 ** -126

/** Whether a value is right where the smallest numbers, given or found, count as zeros. */
function isFlushed(value: number, { want, tolerance, flushed }: Region, i: number): boolean {
  if (value === 0 && isSmall(want[i])) return true
  if (!flushed) return false
  const rounded = Math.fround(flushed[i])
  return Object.is(value, rounded) || value === rounded || Math.abs(value - flushed[i]) <= tolerance[i]
}

/** Whether two arenas hold the same bits. */
const areSame = (one: Int32Array, other: Int32Array): boolean => Buffer.compare(bytesOf(one), bytesOf(other)) === 0
const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array) => new Uint8Array(buffer, byteOffset, byteLength)

/** What an arena holds. */
type Memory = Pick<Arena, 'floats' | 'doubles' | 'bytes'>

/** Floats that a value takes. */
const WIDTH: Readonly<Record<RegionType, number>> = { floats: 1, doubles: 2, bytes: 0.25 }

const typeOf = (values: ArrayLike<number>): RegionType =>
  values instanceof Uint8Array ? 'bytes' : values instanceof Float64Array ? 'doubles' : 'floats'

/** `count` values from where a region begins. */
function valuesAt(memory: Memory, { type, offset }: { type: RegionType; offset: number }, count: number) {
  if (type === 'bytes') return memory.bytes(offset, count)
  const start = type === 'doubles' ? offset / 2 : offset
  return memory[type].subarray(start, start + count)
}

/** All of an arena of a machine other than the reference machine. */
function bitsOf(arena: Arena): Int32Array {
  const { buffer, byteOffset } = arena.bytes(0, 4 * arena.size)
  return new Int32Array(buffer, byteOffset, arena.size)
}

const memoryOf = ({ buffer, byteOffset, length }: Int32Array): Memory => ({
  floats: new Float32Array(buffer, byteOffset, length),
  doubles: new Float64Array(buffer, byteOffset, length >> 1),
  bytes: (offset, count) => new Uint8Array(buffer, byteOffset + 4 * offset, count),
})

/** Values for a case whose shapes fast-check chose; so that shapes shrink and values stay. */
export const values = fc.nat().map((seed) => random(seed, 'values'))

/** Sizes at and beside the widths of vectors and tiles. */
export const size = fc.oneof(
  fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 127),
  fc.integer({ min: 1, max: 130 }),
)

/** Uniform float32 values in [-1, 1). */
export function uniform(rng: Random, n: number): number[] {
  const drawn = new Array<number>(n)
  for (let i = 0; i < n; i++) drawn[i] = Math.fround(2 * rng.uniform() - 1)
  return drawn
}

/** An operand that is only written. */
export const blank = (n: number): number[] => new Array<number>(n).fill(Number.NaN)

const GAP = 19

/** Floats that an operand takes. */
function roomOf(values: ArrayLike<number>): number {
  if (values instanceof Uint8Array) return Math.ceil(values.length / 4)
  return values instanceof Float64Array ? 2 * values.length : values.length
}
