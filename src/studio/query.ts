/** @file Which runs a list shows, in which order, and which part of it is asked for. */
import { z } from 'zod'
import type { RunPage, RunSummary } from './api.ts'
import { sortKeys } from './api.ts'
import type { Entry, RunIndex } from './run-index.ts'

/** The most rows that are sent at once. */
const MOST = 500

/** As it stands in an address. */
export const querySchema = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MOST).default(100),
  sort: z.enum(sortKeys).default('changed'),
  order: z.enum(['up', 'down']).default('down'),
  /** Words that all have to occur in the folder, method, model or data of a run. */
  text: z.string().max(1000).default(''),
  state: z.enum(['', 'running', 'done', 'stopped']).default(''),
  sweep: z.string().optional(),
})
export type Query = z.output<typeof querySchema>

/** Whole lists by what was asked for, until anything changes: pages of one list are asked for in turn. */
export class Lists {
  readonly #index: RunIndex
  #revision = -1
  #known = new Map<string, readonly Entry[]>()

  constructor(index: RunIndex) {
    this.#index = index
  }

  page(query: Query): RunPage {
    const { offset, limit } = query
    const list = this.#list(query)
    return {
      total: list.length,
      offset,
      rows: list.slice(offset, offset + limit).map((entry) => this.#index.summary(entry)),
    }
  }

  #list({ sort, order, text, state, sweep }: Query): readonly Entry[] {
    if (this.#revision !== this.#index.revision) this.#known = new Map()
    this.#revision = this.#index.revision
    const key = JSON.stringify([sort, order, text, state, sweep])
    const known = this.#known.get(key)
    if (known) return known
    const words = text.toLowerCase().split(/\s+/).filter(Boolean)
    const found = [...this.#index.entries.values()].filter(
      (entry) =>
        (sweep === undefined || entry.sweep === sweep) &&
        (state === '' || entry.summary?.state === state) &&
        (words.length === 0 || contains(entry, words)),
    )
    const list = sorted(found, sort, order)
    this.#known.set(key, list)
    return list
  }
}

function contains({ folder, summary }: Entry, words: readonly string[]): boolean {
  const { method = '', model = '', data = '' } = summary ?? {}
  const all = `${folder} ${method} ${model} ${data}`.toLowerCase()
  return words.every((word) => all.includes(word))
}

/** Runs without the value come last in either order; equal ones stand in the order of their folders. */
function sorted(entries: readonly Entry[], sort: Query['sort'], order: Query['order']): Entry[] {
  const sign = order === 'up' ? 1 : -1
  const keyed = entries.map((entry) => ({ entry, value: keyOf(entry, sort) }))
  keyed.sort((a, b) => {
    if (a.value === undefined || b.value === undefined)
      return Number(a.value === undefined) - Number(b.value === undefined) || byFolder(a.entry, b.entry)
    return sign * compare(a.value, b.value) || byFolder(a.entry, b.entry)
  })
  return keyed.map(({ entry }) => entry)
}

const names = new Intl.Collator('en', { numeric: true })
const byFolder = (a: Entry, b: Entry) => names.compare(a.folder, b.folder)

const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : names.compare(String(a), String(b))

function keyOf({ folder, changed, summary }: Entry, sort: Query['sort']): string | number | undefined {
  if (sort === 'id') return folder
  if (sort === 'changed') return changed
  return summary?.[sort satisfies keyof RunSummary]
}
