/** @file What a network takes on a machine: the least milliseconds of a batch. */
import { sizeOf } from '../graph/tensor.ts'
import type { SparseModel } from '../infer/sparse-model.ts'
import { random } from '../util/random.ts'

/** The least milliseconds of a call, over so many blocks of calls of at least a few milliseconds. */
export function wholeTime(model: SparseModel, batch: number, rounds: number): number {
  const draw = random(0, 'latency')
  const images = Float32Array.from({ length: batch * sizeOf(model.model.image) }, () => draw.normal())
  model.run(images)
  const calls = Math.max(1, Math.ceil(BLOCK / timeOf(() => model.run(images))))
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const took = timeOf(() => {
      for (let i = 0; i < calls; i++) model.run(images)
    })
    least = Math.min(least, took / calls)
  }
  return least
}

/** Milliseconds of a block of calls. */
const BLOCK = 5

function timeOf(work: () => void): number {
  const started = performance.now()
  work()
  return performance.now() - started
}
