/** @file Published figures of networks pruned after their training: those of ledger/published.yaml. */
import { z } from 'zod'
import { methods } from '../methods/index.ts'
import { checkSchema } from '../util/check-schema.ts'
import { packageFile } from '../util/package.ts'
import { nameIn } from '../util/schema.ts'
import { plainValue, readYaml } from '../util/yaml.ts'

/** A test accuracy in percent that somebody published. */
export interface Figure {
  accuracy: number
  deviation?: number
  /** Who published it, and where. */
  source: string
  /** By which settings it was obtained there. */
  settings: string
  /** Whether nobody has compared it with the paper yet. */
  recalled: boolean
}

/** What a figure belongs to; `sparsity` is the share of zeros on its label. */
export interface Place {
  network: string
  data: string
  method: string
  sparsity: number
}

const publishedSchema = z.array(
  z.strictObject({
    network: z.string(),
    data: z.string(),
    /** Our name of the method. */
    method: nameIn(methods),
    source: z.string(),
    settings: z.string(),
    recalled: z.boolean().default(false),
    /** By sparsity in percent. */
    accuracies: z.record(
      z.string().regex(/^\d+(\.\d+)?$/, 'expected a sparsity in percent'),
      z.number().min(0).max(100),
    ),
  }),
)

export class Published {
  /** All figures with what they belong to, in the order of the file. */
  readonly all: readonly (Place & Figure)[]

  constructor(all: readonly (Place & Figure)[]) {
    this.all = all
  }

  of({ network, data, method, sparsity }: Place): Figure[] {
    return this.all
      .filter((one) => one.network === network && one.data === data && one.method === method)
      .filter((one) => Math.abs(one.sparsity - sparsity) < 1e-9)
      .map(({ accuracy, deviation, source, settings, recalled }) => {
        return { accuracy, deviation, source, settings, recalled }
      })
  }
}

/** Throws UserError where the file is not as it should be. Default: the file of this package. */
export function readPublished(path = packageFile('ledger/published.yaml')): Published {
  const entries = checkSchema(publishedSchema, plainValue(readYaml(path), path), { source: path, whole: 'list' })
  const all = entries.flatMap(({ accuracies, ...entry }) =>
    Object.entries(accuracies).map(([percent, accuracy]) => {
      return { ...entry, sparsity: Number(percent) / 100, accuracy }
    }),
  )
  return new Published(all)
}
