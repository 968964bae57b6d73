/**
 * @file Weights that somebody brought, scored as a row of the ledger is: whose they are, how they say they
 * were made, and what was counted here.
 */
import { z } from 'zod'
import { models } from '../models/index.ts'
import { nameIn, positive } from '../util/schema.ts'
import type { Entry } from './entry.ts'
import { countsOf, environmentSchema, recordSchema } from './record.ts'
import { hash, plainText, readSealed } from './sealed.ts'
import { verifierName } from './verification.ts'

/** What the name of its file ends in. */
export const SCORE = '.score.json'

/** How weights were made, in words that a table can hold. */
export const methodText = plainText(80, ' .,()@/+:_-')

const { data, sparsity, layers, final } = recordSchema.shape

export const scoredSchema = z.strictObject({
  format: z.literal('espalier scored weights 1'),
  /** The name of the row, such as mlpnet-mnist-98. */
  row: plainText(80, '.-'),
  network: nameIn(models),
  data: data.omit({ train: true, test: true }),
  sparsity,
  layers,
  /** In the words of who brought them. */
  method: methodText,
  by: verifierName,
  final,
  /** Bytes of the file of weights, as it was brought. */
  bytes: positive,
  result: hash,
  environment: environmentSchema,
  digest: hash,
})
export type Scored = z.output<typeof scoredSchema>

/** Throws UserError where a file is none. */
export const readScored = (path: string): Scored => readSealed(path, scoredSchema, 'score')

/** Its entry in a ledger. Of the cost nothing is known. */
export function entryOfScored(path: string, scored: Scored): Entry {
  const { network, data, sparsity, method, by, final, result, environment, digest } = scored
  const { instructions, espalier } = environment
  return {
    path,
    kind: 'scored',
    network,
    data: data.name,
    method: `${method} (${by})`,
    options: [],
    inputs: new Map(),
    settings: new Map(),
    identity: JSON.stringify(['scored', network, data.sha256, data.mean, data.std, sparsity, result, instructions]),
    seed: 0,
    sparsity,
    epochs: 0,
    ...countsOf(scored),
    accuracy: (100 * final.correct) / final.count,
    instructions,
    espalier,
    outcome: result,
    digest,
    published: [],
  }
}
