/**
 * @file Run folders: one run each, used by one process at a time.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileProblem, UserError } from '../util/errors.ts'

/** What a run writes. `dense` appears at the first pruning event, `model` and `report` at the end. */
export const FILES = {
  recipe: 'recipe.yaml',
  environment: 'environment.json',
  metrics: 'metrics.jsonl',
  checkpoint: 'checkpoint.safetensors',
  dense: 'dense.safetensors',
  model: 'model.safetensors',
  report: 'report.md',
} as const

const LOCK = 'lock.json'

export class RunFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** A folder `runs/<name>-1`, `-2`, ... that did not exist before. */
  static fresh(name: string, base = 'runs'): RunFolder {
    makeFolder(base)
    for (let i = 1; ; i++) {
      const path = join(base, `${name}-${i}`)
      try {
        mkdirSync(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
        throw new UserError(`cannot make the run folder ${path}: ${fileProblem(error)}`)
      }
      return RunFolder.#locked(path)
    }
  }

  /**
   * A folder by path, made if need be (not to `resume`). Where it holds a run: `resume` keeps it, `force` removes it, otherwise
   * it is refused. A folder that another process works in is always refused.
   */
  static open(path: string, mode: { resume?: boolean; force?: boolean }): RunFolder {
    if (!mode.resume) makeFolder(path)
    else if (!existsSync(path)) throw new UserError(`${path} holds no run to resume: there is no such folder`)
    const folder = RunFolder.#locked(path)
    const holdsRun = Object.values(FILES).some((file) => existsSync(join(path, file)))
    if (holdsRun && !mode.resume && !mode.force) {
      folder.release()
      throw new UserError(
        `${path} already holds a run: use --resume to go on with it, --force to replace it, or another --out`,
      )
    }
    if (holdsRun && mode.force) for (const file of Object.values(FILES)) rmSync(join(path, file), { force: true })
    for (const file of readdirSync(path)) if (isLeftover(file)) rmSync(join(path, file), { force: true })
    return folder
  }

  static #locked(path: string): RunFolder {
    const lock = join(path, LOCK)
    const mine = JSON.stringify({ pid: process.pid, host: hostname(), started: startOf(process.pid) })
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        writeFileSync(lock, mine, { flag: 'wx' })
        return new RunFolder(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
          throw new UserError(`cannot write to the run folder ${path}: ${fileProblem(error)}`)
      }
      const owner = ownerOf(lock)
      if (owner) throw new UserError(`${path} is in use by another run (${owner}); wait for it or choose another --out`)
      rmSync(lock, { force: true }) // left behind by a process that was killed
    }
    throw new UserError(`${path} is being used by several runs at once; choose another --out`)
  }

  /** The path of one of the run's files. */
  file(name: keyof typeof FILES): string {
    return join(this.path, FILES[name])
  }

  has(name: keyof typeof FILES): boolean {
    return existsSync(this.file(name))
  }

  /** Bytes of one of the run's files. */
  size(name: keyof typeof FILES): number {
    return statSync(this.file(name)).size
  }

  /** Appends a line to metrics.jsonl. */
  appendMetric(record: object): void {
    try {
      appendFileSync(this.file('metrics'), `${JSON.stringify(record)}\n`)
    } catch (error) {
      throw new UserError(`cannot write ${this.file('metrics')}: ${fileProblem(error)}`)
    }
  }

  /** Cuts metrics.jsonl back to what it was when a checkpoint was written. */
  truncateMetrics(bytes: number): void {
    if (this.has('metrics') && this.size('metrics') > bytes) truncateSync(this.file('metrics'), bytes)
  }

  release(): void {
    rmSync(join(this.path, LOCK), { force: true })
  }
}

/** Whether a file is what a killed process had begun to write (src/util/files.ts). */
const isLeftover = (file: string): boolean =>
  Object.values(FILES).some((name) => file.startsWith(`${name}.`) && /\.\d+\.tmp$/.test(file))

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw new UserError(`cannot make the folder ${path}: ${fileProblem(error)}`)
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
