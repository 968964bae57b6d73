/**
 * @file Where data sets lie on this machine: `ESPALIER_DATA` is for people, the cache folder is ours and can
 * be deleted at any time.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../util/errors.ts'

/** A data set is not on this machine, or there is none of that name. */
export class MissingData extends UserError {}

/** `ESPALIER_CACHE`, else ~/.cache/espalier. */
export const cacheFolder = (): string => process.env.ESPALIER_CACHE || join(homedir(), '.cache', 'espalier')

/**
 * Where a downloaded data set of that name goes: into `ESPALIER_DATA` where it is set, else into the cache
 * folder.
 */
export const downloadFolder = (name: string): string =>
  join(process.env.ESPALIER_DATA || join(cacheFolder(), 'data'), name)

/**
 * The first of `ESPALIER_DATA/<name>` and the cache folder's `data/<name>` that exists; an empty folder,
 * which a download leaves that found no network, does not.
 */
export function findFolder(name: string): string | undefined {
  const own = process.env.ESPALIER_DATA ? [join(process.env.ESPALIER_DATA, name)] : []
  return [...own, join(cacheFolder(), 'data', name)].find(isThere)
}

const isThere = (path: string): boolean =>
  existsSync(path) && !(statSync(path).isDirectory() && readdirSync(path).length === 0)
