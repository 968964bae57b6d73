/** @file The record of a verification: who did a record again, where, and what came of it. */
import { z } from 'zod'
import { count } from '../util/schema.ts'
import { environmentSchema } from './record.ts'
import { hash, plainText, readSealed } from './sealed.ts'

/** What the name of its file ends in. */
export const VERIFICATION = '.verification.json'

/** Who verifies: a name that tables can hold. */
export const verifierName = plainText(40, ' .@_-')

export const verificationSchema = z.strictObject({
  format: z.literal('espalier verification 1'),
  /** The digest of the record: of one that was changed since, it is no verification. */
  record: hash,
  by: verifierName,
  /** Whether it was pruned again, or the pruned file was measured. */
  how: z.enum(['again', 'file']),
  /** Right on the test set, of so many, and the weights left. */
  correct: count,
  count,
  kept: count,
  /** Whether the network is the same to the bit. */
  same: z.boolean(),
  environment: environmentSchema,
  digest: hash,
})

export type Verification = z.output<typeof verificationSchema>

/** Throws UserError where a file is none. */
export const readVerification = (path: string): Verification => readSealed(path, verificationSchema, 'verification')
