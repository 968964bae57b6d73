/**
 * @file Files that are either whole or not there.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileProblem, UserError } from './errors.ts'

/** The whole file, or a UserError that says why not. */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${fileProblem(error)}`)
  }
}

/** The text of a whole file that a person wrote. Throws UserError, also where it is not UTF-8. */
export function readText(path: string): string {
  const bytes = readBytes(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UserError(`${path} is not text: expected UTF-8, found other bytes`)
  }
}

/** Makes a folder, and those above it, where there is none. Throws UserError. */
export function makeFolder(path: string): void {
  try {
    makeFolders(resolve(path))
  } catch (error) {
    throw new UserError(`cannot make the folder ${path}: ${fileProblem(error)}`)
  }
}

/**
 * Throws as node:fs does, whose own way to make folders above never ends where a file system says that a
 * folder that is there has no room for others (/proc).
 */
export function makeFolders(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
    makeFolders(dirname(path))
    makeFolders(path)
  }
}

/** Throws what {@link makeFolder} would throw, as far as that can be told without making one. */
export function checkFolder(path: string): void {
  let above = resolve(path)
  while (!existsSync(above)) above = dirname(above)
  const is = above === resolve(path)
  try {
    if (!statSync(above).isDirectory()) throw Object.assign(new Error(), { code: is ? 'EEXIST' : 'ENOTDIR' })
    if (!is) accessSync(above, constants.W_OK)
  } catch (error) {
    throw new UserError(`cannot make the folder ${path}: ${fileProblem(error)}`)
  }
}

/** The most bytes that are written at once: some systems refuse 2 GiB. */
const MOST_AT_ONCE = 2 ** 28

/**
 * Writes beside the target, forces the bytes to disk, then renames: whatever happens in between (a full disk,
 * kill -9, a power cut), the target is the old file or the new one. Content that is large can be given in
 * parts. Errors name the file as `called`.
 */
export function writeAtomically(
  path: string,
  content: Uint8Array | string | Iterable<Uint8Array>,
  called = path,
): void {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = openSync(temporary, 'w')
    try {
      const whole = typeof content === 'string' ? Buffer.from(content) : content
      for (const bytes of whole instanceof Uint8Array ? [whole] : whole)
        for (let at = 0; at < bytes.length; )
          at += writeSync(file, bytes, at, Math.min(bytes.length - at, MOST_AT_ONCE))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    syncFolder(dirname(path))
  } catch (error) {
    try {
      rmSync(temporary, { force: true })
    } catch {} // nothing was written
    throw new UserError(`cannot write ${called}: ${fileProblem(error)}`)
  }
}

/** Makes the rename itself durable, on systems that let folders be opened. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch {}
}
