/**
 * @file The folders below those that are watched: which hold a run, which a sweep, and which of them have
 * changed. A folder is read again only where its time of change is another, so that looking at ten thousand
 * takes as many calls of stat. Links are not followed, so that nothing outside is ever found.
 */
import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FILES } from '../experiment/run/folder.ts'
import { SWEEP_FILES } from '../sweep/files.ts'
import { pauseAfter } from '../util/next-turn.ts'

export interface Folder {
  /** As the studio was given it: the path below one of its folders. */
  path: string
  /** Whether it holds a run, and a sweep. */
  run: boolean
  sweep: boolean
  /** When an entry of it came or went last, in milliseconds; -1 where it has not been read. */
  read: number
  below: Map<string, Folder>
}

/** Milliseconds of work before others have their turn. */
const SLICE = 12

export class Folders {
  readonly #roots: Folder[]
  /** All that are there, by their paths. */
  readonly all = new Map<string, Folder>()

  constructor(paths: readonly string[]) {
    this.#roots = paths.map((path) => emptyFolder(path))
    for (const root of this.#roots) this.all.set(root.path, root)
  }

  /** Reads all of them; others have turns meanwhile. */
  async begin(): Promise<void> {
    const pause = pauseAfter(SLICE)
    const waiting = [...this.#roots]
    for (let folder = waiting.pop(); folder; folder = waiting.pop()) {
      this.#read(folder)
      waiting.push(...folder.below.values())
      await pause()
    }
  }

  /** Looks whether a folder has changed, and what is new in it; false where all is as it was. */
  look(folder: Folder): boolean {
    if (changeOf(folder.path) === folder.read) return false
    const waiting = [folder]
    for (let one = waiting.pop(); one; one = waiting.pop()) {
      const known = new Set(one.below.values())
      this.#read(one)
      waiting.push(...[...one.below.values()].filter((below) => !known.has(below)))
    }
    return true
  }

  #read(folder: Folder): void {
    // Before its entries, so that what comes in between is found the next time.
    folder.read = changeOf(folder.path)
    const entries = entriesOf(folder.path)
    const has = (name: string) => entries.some((entry) => entry.name === name && entry.isFile())
    folder.run = has(FILES.metrics) && has(FILES.recipe)
    folder.sweep = has(SWEEP_FILES.sweep)
    // The beginnings that the runs of a sweep share (src/sweep/trunk.ts) are no runs of it.
    const isTrunks = (name: string) => folder.sweep && name === SWEEP_FILES.trunks
    const names = new Set(entries.filter((entry) => isWatched(entry) && !isTrunks(entry.name)).map(({ name }) => name))
    for (const [name, below] of folder.below)
      if (!names.has(name)) {
        folder.below.delete(name)
        this.#forget(below)
      }
    for (const name of names) {
      const path = join(folder.path, name)
      if (folder.below.has(name) || this.all.has(path)) continue
      const below = emptyFolder(path)
      folder.below.set(name, below)
      this.all.set(path, below)
    }
  }

  #forget(folder: Folder): void {
    this.all.delete(folder.path)
    for (const below of folder.below.values()) this.#forget(below)
  }
}

const emptyFolder = (path: string): Folder => ({ path, run: false, sweep: false, read: -1, below: new Map() })

const isWatched = (entry: Dirent): boolean =>
  entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules'

/** When an entry came or went; 0 where there is no such folder (yet). */
const changeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Nothing where there is no such folder, or it must not be read. */
function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch {
    return []
  }
}
