/** @file The rows of a ledger: means and sample deviations over entries that differ by their seed alone. */
import { meanAndDeviation } from '../sweep/summary.ts'
import { UserError } from '../util/errors.ts'
import { groupBy } from '../util/group-by.ts'
import { type Entry, type Kind, kinds } from './entry.ts'
import type { Figure } from './published.ts'
import type { Verification } from './verification.ts'

export interface Row {
  network: string
  data: string
  checkpoint?: Entry['checkpoint']
  method: string
  /** What tells it from rows of the same method and sparsity. */
  options: readonly string[]
  /** All settings, with what was usual filled in, stages and damping too. */
  settings: Readonly<Record<string, string>>
  /** How inputs were made of images, where no option says it: those of all rows of the checkpoint. */
  inputs: readonly string[]
  sparsity: number
  kind: Kind
  /** In rising order. */
  seeds: readonly number[]
  /** Distinct numbers of weights left, in rising order. */
  kept: readonly number[]
  size: number
  /** In percent; the sample deviation is absent of a single seed. */
  accuracy: { mean: number; deviation?: number }
  dense?: { mean: number; deviation?: number }
  epochs: number
  /** The least and the most over seeds. */
  gradients?: readonly [number, number]
  images?: readonly [number, number]
  instructions?: string
  /** Means over seeds; the memory is the most of them. */
  seconds?: number
  processorSeconds?: number
  peakMemory?: number
  versions: readonly string[]
  published: readonly Figure[]
  /** Who verified a record of it, each once. */
  verified: readonly string[]
  paths: readonly string[]
}

/**
 * Throws UserError where two entries of a row have the same seed and other results; of several with the same
 * result the first counts.
 */
export function rowsOf(entries: readonly Entry[], verifications: readonly Verification[] = []): Row[] {
  const groups = [...groupBy(entries, ({ identity }) => identity).values()].map(withoutCopies)
  const told = distinguished(groups.map(([first]) => first))
  return groups.map((group, i) => rowOf(group, told[i], verifications)).sort(inOrder)
}

function withoutCopies(group: readonly Entry[]): Entry[] {
  const bySeed = new Map<number, Entry>()
  for (const entry of group) {
    const first = bySeed.get(entry.seed)
    if (first === undefined) bySeed.set(entry.seed, entry)
    else if (first.outcome !== entry.outcome)
      throw new UserError(
        `${first.path} and ${entry.path} have the same settings, seed and instruction set, and other results: expected one of them`,
      )
  }
  return [...bySeed.values()].sort((a, b) => a.seed - b.seed)
}

function rowOf(group: readonly Entry[], told: Told, verifications: readonly Verification[]): Row {
  const [first] = group
  const known = <T>(of: (entry: Entry) => T | undefined) => group.map(of).filter((value) => value !== undefined)
  const range = (of: (entry: Entry) => number | undefined): [number, number] | undefined => {
    const values = known(of)
    return values.length > 0 ? [Math.min(...values), Math.max(...values)] : undefined
  }
  const mean = (of: (entry: Entry) => number | undefined) => {
    const values = known(of)
    return values.length > 0 ? meanAndDeviation(values) : undefined
  }
  const digests = new Set(known(({ digest }) => digest))
  return {
    network: first.network,
    data: first.data,
    checkpoint: first.checkpoint,
    method: first.method,
    ...told,
    settings: Object.fromEntries(first.settings),
    sparsity: first.sparsity,
    kind: first.kind,
    seeds: group.map(({ seed }) => seed),
    kept: [...new Set(group.map(({ kept }) => kept))].sort((a, b) => a - b),
    size: first.size,
    accuracy: meanAndDeviation(group.map(({ accuracy }) => accuracy)),
    dense: mean(({ dense }) => dense),
    epochs: Math.max(...group.map(({ epochs }) => epochs)),
    gradients: range(({ gradients }) => gradients),
    images: range(({ images }) => images),
    instructions: first.instructions,
    seconds: mean(({ seconds }) => seconds)?.mean,
    processorSeconds: mean(({ processorSeconds }) => processorSeconds)?.mean,
    peakMemory: range(({ peakMemory }) => peakMemory)?.[1],
    versions: [...new Set(known(({ espalier }) => espalier))].sort(),
    published: first.published,
    verified: [...new Set(verifications.filter(({ record }) => digests.has(record)).map(({ by }) => by))].sort(),
    paths: group.map(({ path }) => path),
  }
}

/** By network, sparsity and accuracy, the best first. */
const inOrder = (a: Row, b: Row): number =>
  compared(a.network, b.network) ||
  compared(a.data, b.data) ||
  kinds.indexOf(a.kind) - kinds.indexOf(b.kind) ||
  compared(a.checkpoint?.sha256, b.checkpoint?.sha256) ||
  compared(a.checkpoint?.data, b.checkpoint?.data) ||
  a.sparsity - b.sparsity ||
  b.accuracy.mean - a.accuracy.mean

const compared = (a = '', b = '') => (a < b ? -1 : Number(a > b))

type Told = Pick<Row, 'options' | 'inputs'>

/**
 * The options of each of some entries. Where entries of a checkpoint differ in their inputs, each says its
 * own; where options do not tell an entry from another, it says the settings that do: a version that fills in
 * something else makes another row.
 */
function distinguished(entries: readonly Entry[]): Told[] {
  const place = ({ network, data, checkpoint }: Entry) => [network, data, checkpoint?.sha256, checkpoint?.data]
  const label = (entry: Entry) => {
    const { method, options, sparsity, instructions, inputs } = entry
    return JSON.stringify([place(entry), method, options, sparsity, instructions, [...inputs]])
  }
  const together = groupBy(entries, (entry) => JSON.stringify(place(entry)))
  const alike = groupBy(entries, label)
  return entries.map((entry) => {
    const others = together.get(JSON.stringify(place(entry)))!.filter(({ inputs }) => inputs.size > 0)
    const inputs = differing(entry, others, 'inputs')
    return {
      options: [...entry.options, ...inputs, ...differing(entry, alike.get(label(entry))!, 'settings')],
      inputs: inputs.length > 0 ? [] : [...entry.inputs].map(textOf),
    }
  })
}

/** What an entry has otherwise than one of some others. */
const differing = (entry: Entry, others: readonly Entry[], what: 'inputs' | 'settings'): string[] =>
  [...entry[what]].filter(([key, value]) => others.some((other) => other[what].get(key) !== value)).map(textOf)

const textOf = ([key, value]: readonly [string, string]) => `${key} ${value}`
