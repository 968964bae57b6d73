/**
 * @file What networks take, measured in turns: A B, A B, ... in short blocks, so that a machine whose speed
 * drifts is fair to all. The least of a network's blocks counts, since whatever else a machine does only
 * makes it slower.
 */
import { sizeOf } from '../graph/tensor.ts'
import type { SparseModel } from '../infer/sparse-model.ts'
import { clockStep } from '../util/clock.ts'
import { random } from '../util/random.ts'

/** One run of a network. */
export type Run = () => unknown

export interface TurnOptions {
  /**
   * Seconds after which no round begins, once there have been three. Default 1.5. Before, it is enough where
   * the least of every network has come three times: a quiet machine needs few rounds, a busy one takes more.
   */
  seconds?: number
  /** Called after each block: the share that is done at the least. */
  onBlock?(share: number): void
}

/**
 * Milliseconds of a block: short ones find the moments in which a busy machine does nothing else, but no
 * shorter than so many steps of the clock.
 */
const BLOCK = { least: 2, steps: 50 }
/** Rounds that there are in any case, and those without which nothing is settled before the time is over. */
const LEAST_ROUNDS = 3
const SETTLING_ROUNDS = 8
/** Blocks that say the same as the least, and by how much they may differ. */
const SAME = { blocks: 3, within: 1.02 }

/** The least milliseconds of a run of each network. */
export async function leastInTurns(
  runs: readonly Run[],
  { seconds = 1.5, onBlock = () => {} }: TurnOptions = {},
): Promise<number[]> {
  const calls: number[] = []
  for (const run of runs) {
    await run() // Compiles, and finds its memory.
    calls.push(await callsInBlock(run))
  }
  const times = runs.map(() => [] as number[])
  const started = performance.now()
  for (let round = 0; ; round++) {
    const passed = (performance.now() - started) / 1000
    if (round >= LEAST_ROUNDS && passed >= seconds) break
    if (round >= SETTLING_ROUNDS && times.every(isSettled)) break
    for (const [i, run] of runs.entries()) {
      // What ran before leaves caches, and a clock, of its own: short runs are counted once they are warm.
      if (calls[i] > 1) await timeOf(run, Math.ceil(calls[i] / 2))
      times[i].push(await timeOf(run, calls[i]))
      const least = (round * runs.length + i + 1) / (runs.length * LEAST_ROUNDS)
      onBlock(Math.min(1, least))
    }
  }
  return times.map((blocks) => Math.min(...blocks))
}

/** How many runs fill a block. */
async function callsInBlock(run: Run): Promise<number> {
  const block = Math.max(BLOCK.least, BLOCK.steps * clockStep())
  for (let calls = 1; ; calls *= 2) {
    const each = await timeOf(run, calls)
    // Of a few steps of the clock nothing follows.
    if (calls * each >= Math.min(block, 10 * clockStep())) return Math.max(1, Math.ceil(block / each))
  }
}

function isSettled(blocks: readonly number[]): boolean {
  const most = SAME.within * Math.min(...blocks)
  return blocks.filter((time) => time <= most).length >= SAME.blocks
}

/** Milliseconds per run of some in a row. What runs at once is not waited for, which would take time, too. */
async function timeOf(run: Run, calls: number): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < calls; i++) {
    const found = run()
    if (found instanceof Promise) await found
  }
  return (performance.now() - started) / calls
}

/** Runs of a batch of images from N(0, 1). */
export function runOf(model: SparseModel, batch: number): Run {
  const images = noise(batch * sizeOf(model.model.image))
  return () => model.run(images)
}

/** So many numbers from N(0, 1), always the same. */
export function noise(count: number): Float32Array {
  const draw = random(0, 'latency')
  return Float32Array.from({ length: count }, () => draw.normal())
}

/**
 * Times beside one network, the dense one, which takes its turns whenever another is measured. What another
 * takes is said by its ratio to the dense network at that time, times the least that the dense network ever
 * took: a machine that is slower for some minutes changes nothing.
 */
export class Yardstick {
  readonly #dense: Run
  readonly #options: TurnOptions
  #least = Number.POSITIVE_INFINITY

  constructor(dense: Run, options: TurnOptions = {}) {
    this.#dense = dense
    this.#options = options
  }

  /** Milliseconds of the dense network: the least until now; infinite before anything was measured. */
  get dense(): number {
    return this.#least
  }

  /**
   * Milliseconds of other networks, and by how much times at this moment have to be multiplied to be those of
   * the machine at its best.
   */
  async measure(
    others: readonly Run[],
    onBlock?: (share: number) => void,
  ): Promise<{ times: number[]; factor: number }> {
    const [now, ...times] = await leastInTurns([this.#dense, ...others], { ...this.#options, onBlock })
    this.#least = Math.min(this.#least, now)
    const factor = this.#least / now
    return { times: times.map((time) => factor * time), factor }
  }
}
