/**
 * @file Where data sets lie on this machine: `ESPALIER_DATA` is for people, the cache folder is ours and can
 * be deleted at any time.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../util/errors.ts'

/** The error of a data set that is not on this machine, or of a name that no data set has. */
export class MissingData extends UserError {}

/** The cache folder: `ESPALIER_CACHE`, or else ~/.cache/espalier. */
export const cacheFolder = (): string => process.env.ESPALIER_CACHE || join(homedir(), '.cache', 'espalier')

/**
 * The folder that a data set of that name is downloaded into: in `ESPALIER_DATA` where that is set, or else
 * in the cache folder.
 */
export const downloadFolder = (name: string): string =>
  join(process.env.ESPALIER_DATA || join(cacheFolder(), 'data'), name)

/**
 * The folder of a data set: the first of `ESPALIER_DATA/<name>` and the cache folder's `data/<name>` that
 * exists. An empty folder counts as absent, since a download that finds no network leaves one.
 */
export function findFolder(name: string): string | undefined {
  const chosen = process.env.ESPALIER_DATA ? [join(process.env.ESPALIER_DATA, name)] : []
  return [...chosen, join(cacheFolder(), 'data', name)].find(hasContent)
}

const hasContent = (path: string): boolean =>
  existsSync(path) && !(statSync(path).isDirectory() && readdirSync(path).length === 0)
