/** @file What a record is verified with: data and weights that somebody here names, never the record. */
import { datasets } from '../../data/index.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import { dataHash } from '../../ledger/content-hash.ts'
import type { PruneRecord } from '../../ledger/record.ts'
import type { Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'
import { sha256 } from '../../util/sha256.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { printNote } from '../display/output.ts'
import { type EvaluationData, loadEvaluationData } from '../flags/data.ts'
import { namedNetwork } from '../flags/named-network.ts'

/** What says which network and which data: a record, or a row of the ledger. */
export interface Claimed {
  network: string
  data: Omit<PruneRecord['data'], 'train' | 'test'>
  layers: readonly { name: string }[]
}

/** A network of the record's, with weights. */
export interface Weights {
  file: WeightsFile
  path: string
  model: Model
}

/** The data set by name or folder. Throws UserError where it has to be named here. */
export function dataName({ data }: Pick<Claimed, 'data'>, given: string | undefined): string {
  if (given !== undefined) return given
  if (Object.hasOwn(datasets, data.name)) return data.name
  throw new UserError(`verify needs --data with the folder of ${data.name}, the data set of the record`)
}

/**
 * The data set, with inputs made as in the record. Throws UserError where it holds other images or labels
 * than those that the record was made with.
 */
export async function recordedData(record: Pick<Claimed, 'data'>, name: string, model: Model): Promise<EvaluationData> {
  const { mean, std, size, crop, sha256 } = record.data
  const flags = { mean: mean.join(), std: std.join(), size, crop }
  const loading = new DataDisplay()
  const inputs = await loadEvaluationData(name, model, {}, flags, { onProgress: loading.show }).finally(() =>
    loading.stop(),
  )
  expectHash(
    dataHash(inputs.data),
    sha256,
    `${name} holds other images or labels than ${record.data.name} of the record`,
  )
  return inputs
}

/** Throws UserError where the file is not the one that was pruned. */
export async function recordedCheckpoint(record: PruneRecord, path: string): Promise<Weights> {
  const { name, sha256: expected } = record.checkpoint
  expectHash(sha256([readBytes(path)]), expected, `${path} is not ${name} of the record`)
  return weightsFor(record, path)
}

/** Throws UserError where a file holds another network than that of the record. */
export async function weightsFor({ network }: Pick<Claimed, 'network'>, path: string): Promise<Weights> {
  return { path, ...namedNetwork(await readWeights(path, {}, printNote), path, network) }
}

function expectHash(found: string, expected: string, what: string): void {
  if (found !== expected)
    throw new UserError(`${what}: expected SHA-256 ${expected.slice(0, 16)}, found ${found.slice(0, 16)}`)
}
