/** @file Times of several networks on every runtime that is asked for, on each of which they take turns. */
import { leastInTurns, runOf } from '../../figures/time.ts'
import { onnxOf } from '../../formats/network-file.ts'
import { SparseModel } from '../../infer/sparse-model.ts'
import type { Running } from '../../target/runtimes.ts'
import { UserError } from '../../util/errors.ts'
import { oneOf } from '../flags/choices.ts'
import { type RuntimeFlags, type Timing, timingUnlessNone, unitRuntimeOf } from '../prune/runtime.ts'
import type { Candidate } from './compare-structure.ts'

/** A runtime, ready to be asked for times. */
export interface TimedOn {
  /** As `--runtime` calls it. */
  name: string
  /** What it is, in words. */
  engine: string
  /** Samples at a time. */
  batch: number
  open(candidate: Candidate): Promise<Running>
}

/** The runtimes of `--runtime`, comma separated; none of `none`. Throws UserError, naming the flag. */
export async function runtimesOf(flags: RuntimeFlags): Promise<TimedOn[]> {
  const { runtime = 'espalier', threads, atOnce } = flags
  const names = runtime.split(',').map((name) => name.trim())
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new UserError(`--runtime: expected every runtime once, found ${twice} twice`)
  if (names.length > 1 && names.includes('none'))
    throw new UserError(`--runtime: expected none alone, found ${runtime}`)
  const found: TimedOn[] = []
  for (const name of names) {
    // Of several runtimes those that have threads take them.
    const own = names.length > 1 && name === 'wasm' ? undefined : threads
    const asked = { runtime: name, threads: own, atOnce }
    const one = name === 'onnxruntime' ? await inRuntime(asked) : await here(asked)
    if (one) found.push(one)
  }
  return found
}

async function here(asked: RuntimeFlags & { runtime: string }): Promise<TimedOn | undefined> {
  oneOf('--runtime', asked.runtime, ['espalier', 'wasm', 'onnxruntime', 'none'] as const)
  const timing = await timingUnlessNone(asked)
  return (
    timing && { name: asked.runtime, engine: timing.machine.description, batch: timing.batch, open: opener(timing) }
  )
}

const opener =
  ({ machine, batch }: Timing): TimedOn['open'] =>
  async ({ path, model, file }) => {
    const sparse = new SparseModel(file, { machine, model: file.onnx ? undefined : model.name, source: path })
    return { run: runOf(sparse, batch), close: async () => {} }
  }

async function inRuntime(asked: RuntimeFlags): Promise<TimedOn> {
  const runtime = await unitRuntimeOf(asked)
  return {
    name: 'onnxruntime',
    engine: runtime.description,
    batch: runtime.batch,
    open({ path, model, file }) {
      const { onnx } = file
      // Files of weights are made the ONNX model that would be written of them.
      const made = onnx?.file.path === path ? onnx.file : onnxOf(path, { weights: file, model, onnx }).file
      return runtime.open({ onnx: made, reading: onnx?.reading ?? {} })
    },
  }
}

/** Milliseconds of each network, by the name of the runtime. */
export async function timesOn(
  runtimes: readonly TimedOn[],
  candidates: readonly Candidate[],
): Promise<Record<string, number>[]> {
  const all = candidates.map((): Record<string, number> => ({}))
  for (const { name, open } of runtimes) {
    const opened: Running[] = []
    try {
      for (const candidate of candidates) opened.push(await open(candidate))
      const least = await leastInTurns(opened.map(({ run }) => run))
      least.forEach((milliseconds, i) => {
        all[i][name] = milliseconds
      })
    } finally {
      for (const one of opened) await one.close()
    }
  }
  return all
}
