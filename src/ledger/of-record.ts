/** @file The entry of a record. */
import type { Entry } from './entry.ts'
import type { Published } from './published.ts'
import { countsOf, methodOf, type PruneRecord } from './record.ts'

export function entryOfRecord(path: string, record: PruneRecord, published: Published): Entry {
  const { network, data, method, sparsity, seed, checkpoint, environment, final, dense } = record
  const { instructions, espalier } = environment
  const { scope, flops, prunable, include, exclude } = record
  const others = { flops, scope, prunable, include, exclude }
  const usual: Partial<typeof others> = { scope: 'global', prunable: 'published' }
  const chosen = Object.entries(others).filter(([key, value]) => value !== usual[key as keyof typeof usual])
  const flags = Object.entries(record.asked).map(([key, value]) => [flagOf(record, key), value] as const)
  const settings = new Map([...Object.entries(others), ...Object.entries(record.settings)].map(textOf))
  const { sha256, mean, std, size, crop } = data
  const inputs = Object.entries({ mean, std, size, crop }).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, [value].flat().join(' ')]],
  )
  const identity = [network, checkpoint.sha256, sha256, mean, std, size, crop, method, sparsity, instructions]
  return {
    path,
    kind: 'pruned',
    network,
    data: data.name,
    checkpoint: { sha256: checkpoint.sha256, name: checkpoint.name, data: sha256 },
    method,
    options: [...flags, ...chosen].map(([key, value]) => (value === true ? key : `${key} ${value}`)),
    inputs: new Map(inputs),
    settings,
    identity: JSON.stringify([...identity, [...settings].sort(([a], [b]) => (a < b ? -1 : 1))]),
    seed,
    sparsity,
    epochs: 0,
    ...countsOf(record),
    accuracy: (100 * final.correct) / final.count,
    dense: (100 * dense.correct) / dense.count,
    gradients: record.gradients,
    images: record.images,
    instructions,
    seconds: record.seconds,
    processorSeconds: record.processorSeconds,
    peakMemory: record.peakMemory,
    espalier,
    outcome: record.result,
    digest: record.digest,
    published: published.of({ network, data: data.name, method, sparsity }),
  }
}

const textOf = ([key, value]: [string, unknown]): [string, string] => [key, String(value ?? '')]

/** `block-size` for `blocks`. */
function flagOf(record: PruneRecord, key: string): string {
  const flag = methodOf(record).settings.shape[key]?.meta?.()?.flag
  return typeof flag === 'string' ? flag : key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
