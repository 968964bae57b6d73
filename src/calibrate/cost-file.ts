/** @file Tables of costs as files: JSON that `espalier calibrate` writes. */
import { z } from 'zod'
import { type CostTable, layerKinds, passes } from '../engine/cost.ts'
import { checkSchema, checkValue } from '../util/check-schema.ts'
import { UserError } from '../util/errors.ts'
import { readText } from '../util/files.ts'
import { sha256 } from '../util/sha256.ts'

/** What the files say that they are. */
const FORMAT = 'espalier costs 1'

const number = z.number().min(0)
const named = z.string().regex(/^[\w .,()+-]{1,80}$/, 'expected up to 80 letters, digits, spaces and .,()+-')
const cost = z.strictObject({
  multiplyAdd: number,
  value: number,
  weight: number,
  call: number,
  error: number.optional(),
})
const kinds = z.strictObject(keyed(layerKinds, z.strictObject({ dense: cost, sparse: cost })))
const schema = z.strictObject({
  format: z.literal(FORMAT),
  name: named,
  lanes: z.union([z.literal(4), z.literal(8), z.literal(16)]),
  date: z.string(),
  processor: z.string(),
  instructionSet: z.string(),
  threads: z.int().min(1),
  costs: z.strictObject(keyed(passes, kinds)),
})

/** Throws UserError, which begins with the flag, where a table cannot be called so. */
export const checkCostsName = (flag: string, name: string): string => checkValue(named, name, flag)

/** Throws UserError where it is no table of costs. */
export function readCosts(path: string): CostTable {
  let value: unknown
  try {
    value = JSON.parse(readText(path))
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(`${path} is no table of costs: expected JSON as espalier calibrate writes it`)
  }
  const { format: _, ...table } = checkSchema(schema, value, { source: path, whole: 'the table of costs' })
  for (const pass of passes)
    for (const kind of layerKinds)
      for (const kernels of ['dense', 'sparse'] as const) {
        const { multiplyAdd, value, weight, call } = table.costs[pass][kind][kernels]
        if (multiplyAdd + value + weight + call === 0)
          throw new UserError(`${path}: costs.${pass}.${kind}.${kernels}: expected a constant above 0, found zeros`)
      }
  return table
}

/** The text of a table's file. */
export const costsText = (table: CostTable): string => `${JSON.stringify({ format: FORMAT, ...table }, null, 2)}\n`

/**
 * What runs and results remember of the table that chose their kernels: its name, and a digest of what it
 * chooses by. Runs with the same of both choose the same kernels.
 */
export interface CostsUsed {
  name: string
  digest: string
}

const DIGITS = 16

export const costsUsed = ({ name, lanes, costs }: CostTable): CostsUsed => ({
  name,
  digest: sha256([JSON.stringify([lanes, costs])]).slice(0, DIGITS),
})

/** The same schema under each of some keys. */
function keyed<Key extends string, Schema extends z.ZodType>(
  keys: readonly Key[],
  schema: Schema,
): Record<Key, Schema> {
  return Object.fromEntries(keys.map((key) => [key, schema])) as Record<Key, Schema>
}
