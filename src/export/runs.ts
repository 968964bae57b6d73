/** @file The runs that are exported: where they are, what they recorded so far, and what they are called. */
import { statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { FILES } from '../experiment/run/folder.ts'
import { recordsIn, runFolders } from '../experiment/run/records.ts'
import { FolderLock } from '../util/folder-lock.ts'
import { type Point, pointsOf } from './scalars.ts'

export interface ExportedRun {
  folder: string
  /** Its path below the deepest folder that all runs lie in. */
  name: string
  /** `goes on`: a process works in its folder; `stopped`: it has no result yet, and none does. */
  state: 'complete' | 'goes on' | 'stopped'
  points: Point[]
}

/**
 * The runs in folders of runs and sweeps, each once. Throws UserError where a folder holds no run, or a line
 * of metrics is no record.
 */
export function exportedRuns(folders: readonly string[]): ExportedRun[] {
  const found = new Map(folders.flatMap(runFolders).map((folder) => [resolve(folder), folder]))
  const above = commonFolder([...found.keys()].map(dirname))
  return [...found].map(([path, folder]) => {
    const goesOn = FolderLock.owner(folder) !== undefined
    const records = recordsIn(folder, { unfinished: goesOn })
    const file = join(folder, FILES.metrics)
    const points = pointsOf(records, file, statSync(file).mtimeMs / 1000)
    const state = records.some(({ type }) => type === 'final') ? 'complete' : goesOn ? 'goes on' : 'stopped'
    return { folder, name: relative(above, path) || basename(path), state, points }
  })
}

/** The deepest folder that holds all of these, of one of them itself. */
function commonFolder(paths: readonly string[]): string {
  const [first, ...others] = paths.map((path) => path.split(sep))
  const differs = (at: number) => others.some((parts) => parts[at] !== first[at])
  let depth = 0
  while (depth < first.length && !differs(depth)) depth++
  return first.slice(0, depth).join(sep) || sep
}
