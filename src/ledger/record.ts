/**
 * @file The record of one pruned network: what it was made of, by which settings, where, and what came of it.
 * `espalier prune --record` writes it, `espalier ledger` makes rows of it, `espalier verify` does it again.
 * It names no files but by their last part, and holds settings in the place of a command.
 */
import { z } from 'zod'
import { checkFlops } from '../methods/flops.ts'
import { methods } from '../methods/index.ts'
import { checkSettings, type Method, withSettings } from '../methods/method.ts'
import { faithfulMagnitude } from '../methods/second-order/methods.ts'
import { isModelName, models } from '../models/index.ts'
import { scopes } from '../sparsity/scope.ts'
import { checkSchema } from '../util/check-schema.ts'
import { UserError } from '../util/errors.ts'
import { count, nameIn, positive } from '../util/schema.ts'
import { hash, plainText, readSealed } from './sealed.ts'

/** What the name of a record's file ends in. */
export const RECORD = '.record.json'

const fileName = plainText(100, '._+-')
const numbers = z.array(z.number()).min(1).max(64)
const evaluation = z.strictObject({ loss: z.number(), correct: count, count: positive })
const scalars = z.record(plainText(40), z.union([z.string(), z.number(), z.boolean()]))

export const environmentSchema = z.strictObject({
  espalier: plainText(40),
  node: plainText(40),
  /** Engine and instruction set, such as `native avx2`. */
  instructions: plainText(40),
  threads: positive,
  processor: plainText(80),
  processors: positive,
  memoryGiB: z.number().min(0),
  system: plainText(80),
  /** When it was written. */
  date: z.iso.datetime(),
})

export const recordSchema = z.strictObject({
  format: z.literal('espalier prune record 1'),
  network: nameIn(models, isModelName),
  checkpoint: z.strictObject({ name: fileName, sha256: hash, bytes: positive }),
  data: z.strictObject({
    name: fileName,
    sha256: hash,
    /** Samples of both parts. */
    train: positive,
    test: positive,
    mean: numbers,
    std: numbers,
    /** How image files were resized and cropped, where they were. */
    size: positive.optional(),
    crop: positive.optional(),
  }),
  method: nameIn(methods),
  /** The share of zeros that was asked for. */
  sparsity: z.number().min(0).lt(1),
  scope: nameIn(scopes),
  /** The share of the dense multiply-adds of the pruned tensors that may stay; absent: all. */
  flops: z.number().gt(0).max(1).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  prunable: z.enum(['published', 'all']),
  include: plainText(500, '._*:,/ -').optional(),
  exclude: plainText(500, '._*:,/ -').optional(),
  /** Settings of the method that the command line gave, and all with what was usual filled in. */
  asked: scalars,
  settings: scalars,
  /**
   * Of second-order methods, of every stage: how many weights it left, and with what damping and which shares
   * of compensation and descent it moved the others, where it did.
   */
  stages: z
    .array(
      z.strictObject({
        kept: count,
        damping: z.number().optional(),
        scale: z.number().optional(),
        firstOrder: z.number().optional(),
      }),
    )
    .max(1000)
    .optional(),
  /** The tensors that were pruned. */
  layers: z
    .array(z.strictObject({ name: plainText(200, '._:/-'), size: positive, kept: count }))
    .min(1)
    .max(10_000),
  /** On the test set. */
  dense: evaluation,
  final: evaluation,
  /** Gradients of single training samples that were taken, in rounds of updates, too. */
  gradients: count,
  /** Training images that inputs of layers and new statistics were taken from. */
  images: count,
  /** Training samples, of those without gradients, whose loss chose masks and steps. */
  judged: count,
  /** Seconds of the pruning, without the evaluations on the test set. */
  seconds: z.number().min(0),
  /** The same of processors, over all threads: what a busy machine does not change. */
  processorSeconds: z.number().min(0),
  /** Bytes of memory that the process held at most, data sets included. */
  peakMemory: positive,
  /** Hash of the tensors of the pruned network. */
  result: hash,
  environment: environmentSchema,
  digest: hash,
})

export type PruneRecord = z.output<typeof recordSchema>
export type RecordEnvironment = z.output<typeof environmentSchema>

/** Throws UserError, in a sentence, where a file is no record or says what cannot be. */
export function readRecord(path: string): PruneRecord {
  const record = readSealed(path, recordSchema, 'record')
  const method = methodOf(record)
  for (const key of ['asked', 'settings'] as const) {
    checkSchema(method.settings, record[key], { source: `${path}: ${key}`, whole: 'settings' })
    checkSettings(record.method, method, record[key], (setting) => `${path}: ${key}.${setting}`)
    for (const [setting, value] of Object.entries(record[key]))
      if (namesFile(method, setting, value)) throw new UserError(`${path}: ${key}.${setting}: a record names no files`)
  }
  if (!method.scopes.includes(record.scope))
    throw new UserError(
      `${path}: scope: expected ${method.scopes.join(' or ')} for ${record.method}, found ${record.scope}`,
    )
  checkFlops(`${path}: flops`, record.method, method, record)
  for (const { name, size, kept } of record.layers)
    if (kept > size) throw new UserError(`${path}: layers: ${name} keeps ${kept} of ${size} weights`)
  for (const key of ['dense', 'final'] as const) {
    const { correct, count: samples } = record[key]
    if (samples !== record.data.test || correct > samples)
      throw new UserError(
        `${path}: ${key}: expected up to ${record.data.test} right of as many test samples, found ${correct} of ${samples}`,
      )
  }
  return record
}

/** The method of a record: magnitude in faithful mode is that of the published second-order code. */
export const methodOf = ({ method, settings }: Pick<PruneRecord, 'method' | 'settings'>): Method =>
  method === 'magnitude' && settings.faithful === true ? faithfulMagnitude : withSettings(methods[method], settings)

/**
 * Whether the value of a setting is any text, such as the path of a file, which verifying a record would
 * open: others are numbers, switches, or one of a few names.
 */
export function namesFile(method: Method, setting: string, value: unknown): boolean {
  const schema: z.ZodType | undefined = method.settings.shape[setting]
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema
  if (!(inner instanceof z.ZodUnion)) return inner instanceof z.ZodString
  const isText = (kind: unknown) => kind instanceof z.ZodString
  return inner.options.some(isText) && !inner.options.some((kind) => !isText(kind) && z.safeParse(kind, value).success)
}

/** How many weights the layers have, and how many are left. */
export const countsOf = ({ layers }: Pick<PruneRecord, 'layers'>): { size: number; kept: number } => ({
  size: layers.reduce((sum, layer) => sum + layer.size, 0),
  kept: layers.reduce((sum, layer) => sum + layer.kept, 0),
})
