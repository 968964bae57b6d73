/** @file A folder that one process works in at a time: a file in it says which, and is void once that process is gone. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileProblem, UserError } from './errors.ts'

export class FolderLock {
  readonly #file: string

  /** `what` is done in the folder, in messages: run, sweep. Throws UserError where another process has the folder or it cannot be written to. */
  constructor(folder: string, what: string) {
    this.#file = join(folder, 'lock.json')
    const mine = JSON.stringify({ pid: process.pid, host: hostname(), started: startOf(process.pid) })
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        writeFileSync(this.#file, mine, { flag: 'wx' })
        return
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
          throw new UserError(`cannot write to the ${what} folder ${folder}: ${fileProblem(error)}`)
      }
      const owner = ownerOf(this.#file)
      if (owner)
        throw new UserError(`${folder} is in use by another ${what} (${owner}); wait for it or choose another --out`)
      rmSync(this.#file, { force: true }) // left behind by a process that was killed
    }
    throw new UserError(`${folder} is being used by several ${what}s at once; choose another --out`)
  }

  release(): void {
    rmSync(this.#file, { force: true })
  }
}

/** Who holds a lock, in words, or undefined where that process is gone. */
function ownerOf(lock: string): string | undefined {
  try {
    const { pid, host, started } = JSON.parse(readFileSync(lock, 'utf8'))
    if (host !== hostname()) return `process ${pid} on ${host}`
    return started === startOf(pid) && isAlive(pid) ? `process ${pid}` : undefined
  } catch {
    return isYoung(lock) ? 'which is just starting' : undefined // not written yet, or cut short
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

/** When a process started, in the kernel's ticks, so that a recycled process number is not mistaken. Linux only; else ''. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return ''
  }
}
