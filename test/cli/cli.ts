/**
 * @file The command line as people use it: most tests run it in their own process, those of signals, pipes
 * and exit statuses as the compiled program in a process of its own.
 */
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runCli } from '../../src/cli/cli.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const main = join(root, 'lib/cli.js')

/**
 * Compiles src to dist, and bundles it with site to lib, where it is newer. Several test processes may ask at
 * once: one of them compiles, the others wait.
 */
export async function compiled(): Promise<void> {
  await oneAtATime('compiling', () => {
    const newest = Math.max(...['src', 'site'].map((folder) => newestIn(join(root, folder))))
    if ((statSync(main, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) return
    const started = new Date()
    const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root })
    run(join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json')
    run(join(root, 'scripts/bundle.mjs'))
    utimesSync(main, started, started) // What is saved while it compiles is newer.
  })
}

/** When something in a folder changed last. */
export const newestIn = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => statSync(join(folder, file)).mtimeMs),
  )

/** Does something that other test processes may want to do at the same time, by the name of its lock. */
export async function oneAtATime(name: string, work: () => void): Promise<void> {
  mkdirSync(join(root, 'build'), { recursive: true })
  const lock = join(root, 'build', name)
  while (!acquire(lock)) await setTimeout(200)
  try {
    work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

/** Takes the lock, also from a process that was killed while it held it. */
function acquire(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > 180_000) rmSync(lock, { recursive: true, force: true })
    return false
  }
}

export interface Finished {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface SpawnOptions {
  cwd?: string
  env?: Record<string, string>
  stdio?: StdioOptions
}

/** One thread, so that tests which run side by side do not wait for each other's. */
const ENVIRONMENT = { ESPALIER_THREADS: '1' }

/** Starts the compiled program. */
export function start(args: readonly string[], { cwd, env, stdio }: SpawnOptions = {}): ChildProcess {
  const own = { ...process.env, ...ENVIRONMENT, ...env }
  return spawn(process.execPath, [main, ...args], { cwd, env: own, ...(stdio && { stdio }) })
}

export async function finish(child: ChildProcess): Promise<Finished> {
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text))
  const [code, signal] = await once(child, 'close')
  return { code, signal, stdout, stderr }
}

/** The compiled program, from start to end. */
export const spawned = (args: readonly string[], options?: SpawnOptions): Promise<Finished> =>
  finish(start(args, options))

let last: Promise<unknown> = Promise.resolve()

/** A command in this process: one at a time, since folder and environment are those of the process. */
export function espalier(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const next = last.then(() => runHere(args, options))
  last = next.catch(() => {})
  return next
}

async function runHere(args: readonly string[], { cwd, env, columns }: RunOptions): Promise<Finished> {
  const [stdout, stderr] = [new Captured(columns), new Captured(columns)]
  const before = { cwd: process.cwd(), env: { ...process.env } }
  Object.assign(process.env, ENVIRONMENT, env)
  if (cwd !== undefined) process.chdir(cwd)
  try {
    const code = await runCli(args, { stdout, stderr, env: process.env })
    return { code, signal: null, stdout: stdout.text, stderr: stderr.text }
  } finally {
    process.chdir(before.cwd)
    for (const name of Object.keys(process.env)) if (!(name in before.env)) delete process.env[name]
    Object.assign(process.env, before.env)
  }
}

export interface RunOptions {
  cwd?: string
  env?: Readonly<Record<string, string>>
  /** The output is a terminal of so many columns. */
  columns?: number
}

/** What was written; a terminal where it has columns. */
export class Captured extends Writable {
  readonly isTTY: boolean
  readonly columns?: number
  text = ''

  constructor(columns?: number) {
    super({ decodeStrings: false })
    this.columns = columns
    this.isTTY = columns !== undefined
  }

  override _write(chunk: string | Buffer, _: unknown, done: () => void): void {
    this.text += chunk
    done()
  }
}

/** Every line of a text as JSON. */
export const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
