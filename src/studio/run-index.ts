/**
 * @file All runs below the folders that are watched, kept as they are on disk. Files are only looked at, by
 * their times of change, since watchers of a system have room for some thousand folders. What goes on is
 * looked at every second, the rest in turns, and recipes are read while nothing else is to be done.
 */
import { statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FILES } from '../experiment/run/folder.ts'
import { nextTurn, pauseAfter } from '../util/next-turn.ts'
import type { Change, Counts, RunSummary } from './api.ts'
import { type Folder, Folders } from './folders.ts'
import { type RecipeSummary, summaryOf } from './summary.ts'

/** A run of the list. */
export interface Entry {
  folder: string
  sweep?: string
  /** When its metrics changed last. */
  changed: number
  /** Undefined until it is read. */
  summary?: RunSummary
}

/** Milliseconds between two looks. */
const PERIOD = 1000
/** How many folders where nothing goes on have their turn at a look. */
const IN_TURN = 2000
/** Milliseconds of work before others have their turn. */
const SLICE = 12
/** More changes than this are not named one by one. */
const MOST_NAMED = 200

export class RunIndex {
  readonly #folders: Folders
  readonly #entries = new Map<string, Entry>()
  readonly #recipes = new Map<string, { time: number; recipe: RecipeSummary }>()
  readonly #listeners = new Set<(change: Change) => void>()
  #timer?: NodeJS.Timeout
  #next = 0
  #reading = false
  #ended = false
  /** Counts up whenever an entry changes. */
  revision = 0

  constructor(paths: readonly string[]) {
    this.#folders = new Folders(paths)
  }

  /** Finds all runs, and goes on looking until {@link end}. */
  async begin(): Promise<void> {
    await this.#folders.begin()
    for (const folder of this.#folders.all.values()) this.#enter(folder)
    this.#timer = setInterval(() => this.#look(), PERIOD)
    void this.#readAll()
  }

  end(): void {
    this.#ended = true
    clearInterval(this.#timer)
    this.#listeners.clear()
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries
  }

  /** Folders that hold a sweep. */
  get sweeps(): Folder[] {
    return [...this.#folders.all.values()].filter(({ sweep }) => sweep)
  }

  /** The summary of a run, read now where it was not. */
  summary(entry: Entry): RunSummary {
    if (!entry.summary) this.#summarize(entry)
    return entry.summary!
  }

  counts(): Counts {
    const counts: Counts = { running: 0, done: 0, stopped: 0, reading: 0 }
    for (const { summary } of this.#entries.values()) counts[summary?.state ?? 'reading']++
    return counts
  }

  /** Calls `told` at every change until the function that is returned is called. */
  listen(told: (change: Change) => void): () => void {
    this.#listeners.add(told)
    return () => this.#listeners.delete(told)
  }

  /** Looks at what goes on, and at some of the rest. */
  #look(): void {
    const all = [...this.#folders.all.values()]
    const begin = this.#next % Math.max(1, all.length)
    const inTurn = [...all.slice(begin), ...all.slice(0, begin)].slice(0, IN_TURN)
    this.#next = begin + inTurn.length
    const lively = all.filter(({ path, run }) => !run || this.#entries.get(path)?.summary?.state === 'running')
    const looked = [...new Set([...lively, ...inTurn])]
    const moved = new Set(looked.filter((folder) => this.#folders.look(folder)))
    const ids = [...moved].filter(({ sweep }) => sweep).map(({ path }) => path)
    if (moved.size > 0) ids.push(...this.#compare())
    for (const folder of looked) if (this.#refresh(folder, moved.has(folder))) ids.push(folder.path)
    if (ids.length > 0) this.#tell([...new Set(ids)])
  }

  /** Takes up new runs, and forgets those that are gone. */
  #compare(): string[] {
    const gone = [...this.#entries.keys()].filter((path) => !this.#folders.all.get(path)?.run)
    for (const path of gone) {
      this.#entries.delete(path)
      this.#recipes.delete(path)
      this.revision++
    }
    const added = [...this.#folders.all.values()].filter((folder) => this.#enter(folder))
    return [...gone, ...added.map(({ path }) => path)]
  }

  /** Whether a run is another than before; `moved`: whether an entry of its folder came or went. */
  #refresh({ path }: Folder, moved: boolean): boolean {
    const entry = this.#entries.get(path)
    if (!entry?.summary) return false
    const time = metricsTime(path)
    const before = entry.summary
    if (!moved && time === entry.changed && before.state !== 'running') return false
    entry.changed = time
    this.#summarize(entry)
    return JSON.stringify(before) !== JSON.stringify(entry.summary)
  }

  /** Makes a run of a folder that is one and not yet known as one; returns whether it is new. */
  #enter({ path, run }: Folder): boolean {
    if (!run || this.#entries.has(path)) return false
    this.#entries.set(path, { folder: path, sweep: this.#sweepOf(path), changed: metricsTime(path) })
    this.revision++
    void this.#readAll()
    return true
  }

  /** The sweep in whose folder `runs` a run is. */
  #sweepOf(path: string): string | undefined {
    const runs = dirname(path)
    return basename(runs) === 'runs' && this.#folders.all.get(dirname(runs))?.sweep ? dirname(runs) : undefined
  }

  #summarize(entry: Entry): void {
    const { folder } = entry
    const time = statSync(join(folder, FILES.recipe), { throwIfNoEntry: false })?.mtimeMs ?? 0
    const known = this.#recipes.get(folder)
    entry.summary = summaryOf(entry, known?.time === time ? known.recipe : undefined)
    const { name, model, data, method, seed, asked, epochs, problem } = entry.summary
    if (!problem) this.#recipes.set(folder, { time, recipe: { name, model, data, method, seed, asked, epochs } })
    this.revision++
  }

  /** Reads what is not read yet, a few runs at a time. */
  async #readAll(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    // What was entered in this turn is all there by the next one.
    await nextTurn()
    const pause = pauseAfter(SLICE)
    let told = performance.now()
    for (let waiting = this.#unread(); waiting.length > 0; waiting = this.#unread())
      for (const entry of waiting) {
        this.summary(entry)
        if (!(await pause())) continue
        if (this.#ended) return
        if (performance.now() - told < PERIOD) continue
        this.#tell()
        told = performance.now()
      }
    this.#reading = false
    this.#tell()
  }

  /** What changed last comes first. */
  #unread(): Entry[] {
    return [...this.#entries.values()].filter(({ summary }) => !summary).sort((a, b) => b.changed - a.changed)
  }

  #tell(ids?: string[]): void {
    const change = { counts: this.counts(), ids: ids && ids.length <= MOST_NAMED ? ids : undefined }
    for (const told of this.#listeners) told(change)
  }
}

const metricsTime = (folder: string): number =>
  statSync(join(folder, FILES.metrics), { throwIfNoEntry: false })?.mtimeMs ?? 0
