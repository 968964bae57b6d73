// PyTorch as a contender: Debian's python3-torch in a child process that times itself on demand.
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { threadsText } from './contender.mjs'

/** Debian's interpreter: another python3 on the PATH would not see Debian's packages. */
export const PYTHON = process.env.PYTHON ?? '/usr/bin/python3'

/** Why PyTorch cannot run here, or undefined. */
export function missing() {
  const { status, error } = spawnSync(PYTHON, ['-c', 'import torch'])
  if (error || status !== 0)
    return `${PYTHON} has no torch (Debian: apt-get install python3-torch libopenblas0-pthread)`
  return undefined
}

/** What Debian calls the version (torch itself says 1.13.0a0). */
export function debianVersion() {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', `\${Version}`, 'python3-torch'], { encoding: 'utf8' })
  return stdout?.replace(/\+.*/, '') || 'of unknown version'
}

/**
 * OpenBLAS takes some processors for old ones and loses a factor of 4, and its threads and OpenMP's can get
 * into each other's way: all of these settings are tried, the fastest is used. The empty core type is
 * OpenBLAS's own choice.
 */
export function settings(threads, coreTypes) {
  const pairs =
    threads === 1
      ? [[1, 1]]
      : [
          [threads, threads],
          [1, threads],
          [threads, 1],
        ]
  return coreTypes.flatMap((coreType) =>
    pairs.flatMap(([openMp, blas]) => ['active', 'passive'].map((wait) => ({ coreType, openMp, blas, wait }))),
  )
}

/** The environment of a process with such a setting. */
export function environmentOf({ coreType, openMp, blas, wait }) {
  const threads = { OMP_NUM_THREADS: String(openMp), OPENBLAS_NUM_THREADS: String(blas), OMP_WAIT_POLICY: wait }
  return { ...process.env, ...threads, ...(coreType && { OPENBLAS_CORETYPE: coreType }) }
}

/**
 * Starts a script that times itself. Between its turns it is stopped: threads that wait actively would take a
 * processor from the others.
 */
async function startPyTorch(script, { coreType, openMp, blas, wait }) {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const env = environmentOf({ coreType, openMp, blas, wait })
  const child = spawn(PYTHON, [path, String(openMp)], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.on('error', () => {}) // a child that ended early is noticed when it is read
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the PyTorch process ended early')
    return value
  }
  await next()
  const used = `OpenMP ${openMp}, OpenBLAS ${blas}${coreType ? ` as ${coreType}` : ''}, ${wait} waiting`
  return {
    name: `PyTorch ${debianVersion()} (Debian, OpenBLAS)`,
    used,
    async run(steps) {
      child.kill('SIGCONT')
      child.stdin.write(`${steps}\n`)
      const time = Number(await next())
      child.kill('SIGSTOP')
      return time
    },
    close: () => child.kill('SIGKILL'),
  }
}

/** PyTorch on one and on two threads, or a note that says why not. */
export async function pyTorchContenders(script, notes, options) {
  const reason = missing()
  if (reason) notes.push(`PyTorch was skipped: ${reason}.`)
  const contenders = []
  for (const threads of reason ? [] : [1, 2]) {
    const contender = await best(script, threads, options)
    contenders.push(contender)
    notes.push(`${contender.name}: ${contender.used}.`)
  }
  return contenders
}

/**
 * The fastest of all settings for this number of threads. One that this processor cannot run ends early and
 * is passed over.
 */
async function best(script, threads, { steps = 30, coreTypes = ['', 'Haswell', 'Zen', 'SkylakeX'] } = {}) {
  let fastest
  for (const setting of settings(threads, coreTypes)) {
    let candidate
    try {
      candidate = await startPyTorch(script, setting)
      await candidate.run(Math.ceil(steps / 2))
      const time = Math.min(await candidate.run(steps), await candidate.run(steps), await candidate.run(steps))
      if (fastest && time >= fastest.time) candidate.close()
      else {
        fastest?.contender.close()
        fastest = { contender: candidate, time }
      }
    } catch {
      candidate?.close()
    }
  }
  const { contender } = fastest
  return { ...contender, key: `pytorch ${threads}`, name: `${contender.name}, ${threadsText(threads)}` }
}
