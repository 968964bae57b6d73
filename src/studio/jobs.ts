/**
 * @file Commands that are started from the page: `espalier run` and `espalier sweep` as processes of their
 * own. They end, with a checkpoint, when the studio does.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { FILES } from '../experiment/run/folder.ts'
import { runChild } from '../sweep/child.ts'
import { UserError } from '../util/errors.ts'
import { makeFolder } from '../util/files.ts'
import type { Job, Startable } from './api.ts'
import type { Entry } from './run-index.ts'

/** What can be started, with the file that each stands for. */
export type StartableFile = Startable & { path: string }

export interface JobsOptions {
  /** The command line of espalier, for node. */
  command: readonly string[]
  /** The folders that new runs, and new sweeps, are made in. */
  bases: Readonly<Record<Startable['kind'], string>>
  startable(): StartableFile[]
}

export const startSchema = z.strictObject({
  kind: z.enum(['recipe', 'sweep']),
  name: z.string(),
  /** As of `--set`. */
  set: z
    .array(z.string().regex(/^[\w.]+=/, 'expected key=value'))
    .max(100)
    .default([]),
})

interface Started {
  job: Job
  controller: AbortController
  end: Promise<void>
}

/** The most commands that are remembered. */
const MOST = 200

export class Jobs {
  readonly #options: JobsOptions
  readonly #started: Started[] = []
  readonly #listeners = new Set<() => void>()
  #count = 0

  constructor(options: JobsOptions) {
    this.#options = options
  }

  /** The last ones first. */
  list(): Job[] {
    return this.#started.map(({ job }) => job).reverse()
  }

  startable(): Startable[] {
    return this.#options.startable().map(({ kind, name }) => ({ kind, name }))
  }

  /** Calls `told` whenever one begins or ends. */
  listen(told: () => void): () => void {
    this.#listeners.add(told)
    return () => this.#listeners.delete(told)
  }

  /** Starts a recipe or sweep by its name in the list. Throws UserError where there is none. */
  start({ kind, name, set }: z.output<typeof startSchema>): Job {
    const found = this.#options.startable().find((one) => one.kind === kind && one.name === name)
    if (!found) throw new UserError(`there is no ${kind} named ${name} to start`)
    const out = freshFolder(this.#options.bases[kind], basename(name).replace(/\.ya?ml$/i, ''))
    const changes = set.flatMap((change) => ['--set', change])
    const verb = kind === 'recipe' ? 'run' : 'sweep'
    return this.#run([verb, found.path, ...changes, '--out', out], out)
  }

  /** Goes on with a run that has stopped. Throws UserError where it has not. */
  resume({ folder, summary }: Entry): Job {
    if (summary?.state !== 'stopped') throw new UserError(`${folder}: expected a run that has stopped`)
    return this.#run(['run', join(folder, FILES.recipe), '--resume', '--out', folder], folder)
  }

  /** How many of them go on. */
  get running(): number {
    return this.#started.filter(({ job }) => job.ended === undefined).length
  }

  /** Whether what goes on in a folder was started here. */
  isHere(folder: string): boolean {
    return this.#at(folder) !== undefined
  }

  /** Stops what was started in a folder, with a checkpoint. Throws UserError where nothing was. */
  stop(folder: string): void {
    const found = this.#at(folder)
    if (!found) throw new UserError(`${folder}: nothing that was started here goes on in it`)
    found.job.state = 'stopping'
    found.controller.abort()
    this.#tell()
  }

  /** Stops all of them; resolves when they have ended. */
  async end(): Promise<void> {
    for (const { job, controller } of this.#started) {
      if (job.state === 'running') job.state = 'stopping'
      controller.abort()
    }
    await Promise.all(this.#started.map(({ end }) => end))
  }

  #at(folder: string): Started | undefined {
    return this.#started.findLast(({ job }) => job.out === folder && job.ended === undefined)
  }

  #run(args: readonly string[], out: string): Job {
    const controller = new AbortController()
    const id = ++this.#count
    const typed = ['espalier', ...args].map((word) => (/^[\w./=:+-]+$/.test(word) ? word : JSON.stringify(word)))
    const job: Job = { id, command: typed.join(' '), out, state: 'running', started: Date.now() }
    const end = runChild([...this.#options.command, ...args, '--json'], { signal: controller.signal }).then(
      ({ code, errors, signal }) => {
        job.ended = Date.now()
        if (code === 0) job.state = 'done'
        else if (job.state === 'stopping') job.state = 'stopped'
        else {
          job.state = 'failed'
          job.error = errors || `ended by ${signal ?? `status ${code}`}`
        }
        // What could not even begin leaves nothing behind.
        if (existsSync(out) && readdirSync(out).length === 0) rmdirSync(out)
        this.#tell()
      },
    )
    this.#started.push({ job, controller, end })
    const over = this.#started.length > MOST ? this.#started.findIndex((one) => one.job.ended !== undefined) : -1
    if (over >= 0) this.#started.splice(over, 1)
    this.#tell()
    return job
  }

  #tell(): void {
    for (const told of this.#listeners) told()
  }
}

/** A folder `BASE/NAME-1`, `-2`, ... that did not exist before; the command makes it. */
function freshFolder(base: string, name: string): string {
  makeFolder(base)
  for (let i = 1; ; i++) {
    const path = join(base, `${name}-${i}`)
    if (existsSync(path)) continue
    // Taken at once, so that two that are started together do not get the same.
    mkdirSync(path)
    return path
  }
}
