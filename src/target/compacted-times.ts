/** @file Times of compacted networks on a runtime, each in turns with the dense one. */
import { Yardstick } from '../figures/time.ts'
import type { Compacted } from './compacted.ts'
import type { Running, Runtime } from './runtimes.ts'

export class CompactedTimes {
  readonly #runtime: Runtime
  readonly #dense: Running
  readonly #yardstick: Yardstick

  private constructor(runtime: Runtime, dense: Running, seconds: number) {
    this.#runtime = runtime
    this.#dense = dense
    this.#yardstick = new Yardstick(dense.run, { seconds })
  }

  /** `seconds`: as of turns (figures/time.ts). Rejects with UserError where the runtime refuses it. */
  static async open(runtime: Runtime, dense: Compacted, seconds: number): Promise<CompactedTimes> {
    return new CompactedTimes(runtime, await runtime.open(dense), seconds)
  }

  /** Milliseconds of the dense network. */
  async ofDense(): Promise<number> {
    await this.#yardstick.measure([])
    return this.#yardstick.dense
  }

  /** Milliseconds of another. */
  async of(network: Compacted): Promise<number> {
    const running = await this.#runtime.open(network)
    try {
      return (await this.#yardstick.measure([running.run])).times[0]
    } finally {
      await running.close()
    }
  }

  close(): Promise<void> {
    return this.#dense.close()
  }
}
