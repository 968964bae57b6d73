/**
 * @file A folder that one process works in at a time: a file in it says which, and is void once that process
 * is gone.
 */
import { createHash, randomUUID } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileProblem, UserError } from './errors.ts'

/** How often a lock is looked at again that others are just taking over, and the milliseconds between. */
const ATTEMPTS = 100
const PAUSE = 10

const NAME = 'lock.json'

export class FolderLock {
  readonly #file: string
  readonly #mine: string

  /**
   * `what` is done in the folder, in messages: run, sweep. Throws UserError where another process has the
   * folder or it cannot be written to.
   */
  constructor(folder: string, what: string) {
    this.#file = join(folder, NAME)
    this.#mine = JSON.stringify({
      pid: process.pid,
      host: hostname(),
      started: startOf(process.pid),
      id: randomUUID(),
    })
    let owner: string | undefined
    try {
      owner = take(this.#file, this.#mine)
    } catch (error) {
      throw unwritable(folder, what, error)
    }
    if (owner) throw inUse(folder, what, owner)
  }

  /**
   * Throws UserError where another process has the folder, or it is there and cannot be written to; takes
   * nothing.
   */
  static check(folder: string, what: string): void {
    if (!existsSync(folder)) return
    try {
      accessSync(folder, constants.W_OK)
    } catch (error) {
      throw unwritable(folder, what, error)
    }
    const owner = FolderLock.owner(folder)
    if (owner) throw inUse(folder, what, owner)
  }

  /** Who has the folder, in words; undefined where nobody has, or whoever had is gone. */
  static owner(folder: string): string | undefined {
    const file = join(folder, NAME)
    const text = read(file)
    return text === undefined ? undefined : ownerOf(file, text)
  }

  release(): void {
    if (read(this.#file) === this.#mine) rmSync(this.#file, { force: true })
  }
}

const inUse = (folder: string, what: string, owner: string): UserError =>
  new UserError(`${folder} is in use by another ${what} (${owner}); wait for it or choose another --out`)

const unwritable = (folder: string, what: string, error: unknown): UserError =>
  new UserError(`cannot write to the ${what} folder ${folder}: ${fileProblem(error)}`)

/** Writes `mine` into a file that no living process has; else says who has it. Throws as node:fs does. */
function take(file: string, mine: string): string | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (create(file, mine)) return undefined
    const found = read(file)
    if (found === undefined) continue // released just now
    const owner = ownerOf(file, found)
    if (owner) return owner
    if (replace(file, found, mine)) return undefined
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE)
  }
  return 'several that are just starting'
}

/**
 * Puts `mine` in the place of what a process left behind that was killed. Of several processes that found it,
 * the one does so that has a further lock, named by what was found; whoever gets that lock later finds
 * something else in the file. Returns whether it was this one.
 */
function replace(file: string, found: string, mine: string): boolean {
  const name = createHash('sha256').update(found).digest('hex').slice(0, 16)
  const right = `${file}.${name}`
  if (take(right, mine) !== undefined) return false
  try {
    if (read(file) !== found || ownerOf(file, found)) return false
    const temporary = `${file}.${randomUUID()}`
    writeFileSync(temporary, mine)
    renameSync(temporary, file)
    return true
  } finally {
    rmSync(right, { force: true })
  }
}

/** Whether there was no such file, and now it is there. Throws as node:fs does. */
function create(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Undefined where there is no such file. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Who holds a lock, in words, or undefined where that process is gone. */
function ownerOf(file: string, text: string): string | undefined {
  try {
    const { pid, host, started } = JSON.parse(text)
    // no lock that anyone wrote here
    if (!Number.isSafeInteger(pid) || typeof host !== 'string') return undefined
    if (host !== hostname()) return `process ${pid} on ${host}`
    return started === startOf(pid) && isAlive(pid) ? `process ${pid}` : undefined
  } catch {
    return isYoung(file) ? 'which is just starting' : undefined // not written yet, or cut short
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // it lives, as another user
  }
}

function isYoung(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat !== undefined && Date.now() - stat.mtimeMs < 10_000
}

/**
 * When a process started, in the kernel's ticks, so that a recycled process number is not mistaken. Linux
 * only; else ''.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return ''
  }
}
