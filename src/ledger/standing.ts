/**
 * @file The rows that anybody's weights can stand in: a network of ledger/networks.yaml at a sparsity, with
 * the data, the preprocessing and the counts that all other figures of the row have.
 */
import { z } from 'zod'
import { leftOf } from '../methods/method.ts'
import { findModel, models } from '../models/index.ts'
import { chooseTensors } from '../sparsity/tensors.ts'
import { checkSchema } from '../util/check-schema.ts'
import { UserError } from '../util/errors.ts'
import { packageFile } from '../util/package.ts'
import { nameIn } from '../util/schema.ts'
import { plainValue, readYaml } from '../util/yaml.ts'
import type { PruneRecord } from './record.ts'
import { hash } from './sealed.ts'

/** What weights are scored against. */
export interface Standing {
  /** `mlpnet-mnist-98`. */
  row: string
  network: string
  data: Omit<PruneRecord['data'], 'train' | 'test'>
  /** Share of zeros among the weights of the layers, below 1. */
  sparsity: number
  layers: readonly { name: string; size: number }[]
  /** How many of them may be left. */
  kept: number
}

const numbers = z.array(z.number()).min(1).max(64)
const networksSchema = z.array(
  z.strictObject({
    name: z.string(),
    network: nameIn(models),
    data: z.string(),
    sha256: hash,
    mean: numbers,
    std: numbers,
  }),
)

/** The row of a name. Throws UserError where there is none. */
export function standingOf(row: string): Standing {
  const path = packageFile('ledger/networks.yaml')
  const networks = checkSchema(networksSchema, plainValue(readYaml(path), path), { source: path, whole: 'list' })
  const found = networks.find(({ name }) => row.startsWith(`${name}-`))
  const text = found && row.slice(found.name.length + 1)
  const percent = text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!found || !(percent >= 0 && percent < 100))
    throw new UserError(
      `--row: expected ${networks.map(({ name }) => name).join(' or ')} and a sparsity in percent, such as ${networks[0].name}-98, found ${row}`,
    )
  const { network, data: name, sha256, mean, std } = found
  const tensors = chooseTensors(findModel(network))
  const layers = tensors.map((tensor) => {
    return { name: tensor.name, size: leftOf([tensor], 0) }
  })
  const sparsity = percent / 100
  return { row, network, data: { name, sha256, mean, std }, sparsity, layers, kept: leftOf(tensors, sparsity) }
}
