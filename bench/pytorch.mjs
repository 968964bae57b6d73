// PyTorch as a contender: Debian's python3-torch in a child process that times itself on demand.
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Debian's interpreter: another python3 on the PATH would not see Debian's packages. */
const PYTHON = process.env.PYTHON ?? '/usr/bin/python3'

/** Why PyTorch cannot run here, or undefined. */
export function missingPyTorch() {
  const { status, error } = spawnSync(PYTHON, ['-c', 'import torch'])
  if (error || status !== 0)
    return `${PYTHON} has no torch (Debian: apt-get install python3-torch libopenblas0-pthread)`
  return undefined
}

/**
 * OpenBLAS takes some processors for old ones and loses a factor of 4: these are tried, the fastest is used.
 * The empty name is its own choice.
 */
export const coreTypes = ['', 'Haswell', 'Zen', 'SkylakeX']

/** Starts a script with a number of threads and an OpenBLAS core type. */
export async function startPyTorch(script, threads, coreType) {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) }
  if (coreType) env.OPENBLAS_CORETYPE = coreType
  const child = spawn(PYTHON, [path, String(threads)], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the PyTorch process ended early')
    return value
  }
  const version = await next()
  return {
    version,
    name: `PyTorch ${version.replace(/\+.*/, '')} (Debian, OpenBLAS${coreType ? `, core type ${coreType}` : ''}), ${threads} thread${threads > 1 ? 's' : ''}`,
    async run(steps) {
      child.stdin.write(`${steps}\n`)
      return Number(await next())
    },
    close: () => child.kill(),
  }
}

/** The fastest of all core types with this number of threads. A core type that the processor cannot run ends early and is passed over. */
export async function bestPyTorch(script, threads) {
  let best
  for (const coreType of coreTypes) {
    let candidate
    try {
      candidate = await startPyTorch(script, threads, coreType)
      await candidate.run(20)
      const time = Math.min(await candidate.run(50), await candidate.run(50), await candidate.run(50))
      if (!best || time < best.time) {
        best?.contender.close()
        best = { contender: candidate, time }
      } else candidate.close()
    } catch {
      candidate?.close()
    }
  }
  return best?.contender
}
