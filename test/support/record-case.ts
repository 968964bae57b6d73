/**
 * @file Kernel cases in files, for processors that the tests do not run on: scripts/replay-cases.c runs them.
 * ESPALIER_RECORD names the folder.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Instruction } from '../../src/engine/kernel.ts'

/** In the order of their numbers in a file of cases. */
const TYPES = ['floats', 'doubles', 'bytes'] as const
export type RegionType = (typeof TYPES)[number]

/** Values that a kernel may change: what the reference machine gives, and how far a result may be from it. */
export interface Region {
  /** What they are: doubles lie at an even offset, bytes four to a float. */
  type: RegionType
  /** In floats. */
  offset: number
  want: Float64Array
  tolerance: Float64Array
  /** What is right, too, where the smallest numbers count as zeros. */
  flushed?: Float64Array
}

const MAGIC = 0x45534143

/** Whether this run only records. */
export const isRecording = Boolean(process.env.ESPALIER_RECORD)

/**
 * Appends one call: its arguments, the arena before it and what may change, which everything beside must not.
 */
export function recordCase(instruction: Instruction, before: Float32Array, regions: readonly Region[]): void {
  const folder = process.env.ESPALIER_RECORD
  if (!folder) return
  const { kernel, args } = instruction
  // Ends with a zero, in whole words.
  const name = Buffer.alloc(4 * Math.ceil((kernel.name.length + 1) / 4))
  name.write(kernel.name)
  const bytes = [
    ints(MAGIC, name.length, args.length, before.length, regions.length),
    name,
    ints(...args),
    bytesOf(before),
    ...regions.flatMap(({ type, offset, want, tolerance }) => [
      ints(TYPES.indexOf(type), offset, want.length),
      bytesOf(want),
      bytesOf(tolerance),
    ]),
  ]
  appendFileSync(join(folder, `${process.pid}.cases`), Buffer.concat(bytes))
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength)
const ints = (...values: number[]) => Buffer.from(Int32Array.from(values).buffer)
