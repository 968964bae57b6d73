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
} from 'node:fs'
import { join } from 'node:path'
import { fileProblem, UserError } from '../../util/errors.ts'
import { checkFolder, makeFolder, readText } from '../../util/files.ts'
import { FolderLock } from '../../util/folder-lock.ts'
import { readYaml } from '../../util/yaml.ts'
import { withoutAbout } from '../recipe/sections/about.ts'
import type { RunResult } from './events.ts'

/**
 * What a run writes. `dense` appears at the first pruning event and is written anew at every one that finds
 * no weight pruned (of alternating phases), `snapshot` when the recipe says so, `best` at every epoch that is
 * the best so far and gone in the end, `target` when sparsities
 * are chosen for a target, `model` and `report` at the end.
 */
export const FILES = {
  recipe: 'recipe.yaml',
  environment: 'environment.json',
  metrics: 'metrics.jsonl',
  checkpoint: 'checkpoint.safetensors',
  dense: 'dense.safetensors',
  snapshot: 'snapshot.safetensors',
  target: 'target.json',
  best: 'best.safetensors',
  model: 'model.safetensors',
  report: 'report.md',
} as const

interface OpenMode {
  resume?: boolean
  force?: boolean
}

export class RunFolder {
  readonly path: string

  readonly #lock: FolderLock

  private constructor(path: string) {
    this.path = path
    this.#lock = new FolderLock(path, 'run')
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
      return new RunFolder(path)
    }
  }

  /**
   * A folder by path, made if need be (not to `resume`). Where it holds a run: `resume` keeps it, `force`
   * removes it, otherwise it is refused. A folder that another process works in is always refused.
   */
  static open(path: string, mode: OpenMode): RunFolder {
    if (mode.resume) expectFolder(path)
    else makeFolder(path)
    const folder = new RunFolder(path)
    try {
      expectRoom(path, mode)
    } catch (error) {
      folder.release()
      throw error
    }
    if (holdsRun(path) && mode.force) for (const file of Object.values(FILES)) rmSync(join(path, file), { force: true })
    for (const file of readdirSync(path)) if (isLeftover(file)) rmSync(join(path, file), { force: true })
    return folder
  }

  /**
   * Throws what {@link open} would throw, and where a run is to be resumed {@link expectToResume}; changes
   * nothing.
   */
  static check(path: string, mode: OpenMode, recipe: string): void {
    if (mode.resume) expectFolder(path)
    else checkFolder(path)
    FolderLock.check(path, 'run')
    expectRoom(path, mode)
    if (mode.resume) expectRun(path, recipe)
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

  /**
   * Throws UserError where there is no run of this recipe (as YAML) to go on with, its own recipe is damaged,
   * or it is complete.
   */
  expectToResume(recipe: string): void {
    expectRun(this.path, recipe)
  }

  remove(name: keyof typeof FILES): void {
    rmSync(this.file(name), { force: true })
  }

  /** Appends a line to metrics.jsonl: the record, with the `time` at which it was written. */
  appendMetric(record: object): void {
    const line = JSON.stringify({ ...record, time: new Date().toISOString() })
    try {
      appendFileSync(this.file('metrics'), `${line}\n`)
    } catch (error) {
      throw new UserError(`cannot write ${this.file('metrics')}: ${fileProblem(error)}`)
    }
  }

  /**
   * Cuts metrics.jsonl back to what it was when a checkpoint was written. Throws UserError where it has lost
   * something since.
   */
  truncateMetrics(bytes: number): void {
    const size = this.has('metrics') ? this.size('metrics') : 0
    if (size < bytes)
      throw new UserError(
        `${this.file('metrics')} is damaged: expected at least the ${bytes} bytes of the checkpoint, found ${size}`,
      )
    if (size > bytes) truncateSync(this.file('metrics'), bytes)
  }

  release(): void {
    this.#lock.release()
  }
}

const holdsRun = (path: string): boolean => Object.values(FILES).some((file) => existsSync(join(path, file)))

function expectFolder(path: string): void {
  if (!existsSync(path)) throw new UserError(`${path} holds no run to resume: there is no such folder`)
}

function expectRoom(path: string, { resume, force }: OpenMode): void {
  if (holdsRun(path) && !resume && !force)
    throw new UserError(
      `${path} already holds a run: use --resume to go on with it, --force to replace it, or another --out`,
    )
}

function expectRun(path: string, recipe: string): void {
  const file = (name: keyof typeof FILES) => join(path, FILES[name])
  if (!existsSync(file('recipe'))) throw new UserError(`${path} holds no run to resume`)
  readYaml(file('recipe'))
  if (withoutAbout(readText(file('recipe'))) !== withoutAbout(recipe))
    throw new UserError(`${file('recipe')} differs from the recipe given: resume with the same recipe, seed and --set`)
  if (existsSync(file('report'))) throw new UserError(`${path}: this run is complete; see ${file('report')}`)
}

/** The result of a complete run, from the last line of its metrics; undefined of others. */
export function resultIn(path: string): RunResult | undefined {
  if (!existsSync(join(path, FILES.report))) return undefined
  const lines = readFileSync(join(path, FILES.metrics), 'utf8').trimEnd().split('\n')
  try {
    const last: { type: string } & RunResult = JSON.parse(lines[lines.length - 1])
    return last.type === 'final' ? last : undefined
  } catch {
    return undefined
  }
}

/** Whether a file is what a killed process had begun to write (src/util/files.ts). */
const isLeftover = (file: string): boolean =>
  Object.values(FILES).some((name) => file.startsWith(`${name}.`) && /\.\d+\.tmp$/.test(file))
