/**
 * @file What a compacted network takes on a runtime: this package's engine, which skips zeros where that
 * pays, or ONNX Runtime, which multiplies with them. Networks that are compared take turns, since the speed
 * of a machine drifts, and of several rounds the least counts.
 */
import type { Machine } from '../engine/machine.ts'
import { withBatch } from '../formats/onnx/batch.ts'
import { encodeModel } from '../formats/onnx/encode.ts'
import { openModel } from '../formats/onnx/file.ts'
import { weightsOfModel } from '../formats/onnx/onnx.ts'
import { runtimeNetwork } from '../formats/onnxruntime/sample-feeds.ts'
import { RuntimeSession } from '../formats/onnxruntime/session.ts'
import { sizeOf } from '../graph/tensor.ts'
import { SparseModel } from '../infer/sparse-model.ts'
import { UserError } from '../util/errors.ts'
import { random } from '../util/random.ts'
import type { Compacted } from './compacted.ts'

/** A network that is ready to be run on its batch again and again. */
export interface Running {
  run(): void | Promise<void>
  close(): Promise<void>
}

export interface Runtime {
  /** Images at a time. */
  batch: number
  /** Whether zeros that are left in a weight save time. */
  skipsZeros: boolean
  /** Throws UserError where it does not take the network. */
  open(network: Compacted): Promise<Running>
}

/** Images from N(0, 1), the same for all networks. */
function imagesOf(count: number, image: readonly number[]): Float32Array {
  const draw = random(0, 'latency')
  return Float32Array.from({ length: count * sizeOf(image) }, () => draw.normal())
}

export const espalierRuntime = (machine: Machine, batch: number): Runtime => ({
  batch,
  skipsZeros: true,
  async open({ onnx, reading }) {
    const model = new SparseModel(weightsOfModel(onnx, reading), { machine, source: onnx.path })
    const images = imagesOf(batch, model.model.image)
    return { run: () => void model.run(images), close: async () => {} }
  },
})

/** Without `threads` ONNX Runtime takes as many as it finds good. */
export const onnxRuntime = (batch: number, threads: number | undefined, purpose: string): Runtime => ({
  batch,
  skipsZeros: false,
  async open({ onnx, reading }) {
    if (onnx.batch !== undefined && onnx.batch !== batch)
      throw new UserError(`--at-once: ${onnx.path} is for batches of ${onnx.batch}, found ${batch}`)
    const fixed = onnx.batch === undefined ? openModel(withBatch(onnx, batch), onnx.path) : onnx
    const { model, feeds } = runtimeNetwork(fixed, reading)
    const bytes = Buffer.concat(encodeModel(onnx.proto))
    const session = await RuntimeSession.open(bytes, { path: onnx.path, purpose, threads })
    const run = await session.repeated(feeds(imagesOf(batch, model.image)))
    return { run, close: () => session.close() }
  },
})

/** Milliseconds of a block of runs. */
const BLOCK = 8
const ROUNDS = 5

/** The least milliseconds of a run of each of several networks that take turns. */
export async function leastTimes(running: readonly Running[], rounds = ROUNDS): Promise<number[]> {
  const calls: number[] = []
  for (const { run } of running) {
    await run()
    calls.push(Math.max(1, Math.ceil(BLOCK / (await timeOf(run, 1)))))
  }
  const least = running.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < rounds; round++)
    for (const [i, { run }] of running.entries()) least[i] = Math.min(least[i], await timeOf(run, calls[i]))
  return least
}

/** Milliseconds of a run, of so many in a row. */
async function timeOf(run: Running['run'], count: number): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < count; i++) await run()
  return (performance.now() - started) / count
}
