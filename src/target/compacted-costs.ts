/** @file What a network comes to when channels that nothing needs are left out and it is written. */
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { atLevels, type Compacted, compacted, type DenseNetwork } from './compacted.ts'
import { CompactedTimes } from './compacted-times.ts'
import type { Runtime } from './runtimes.ts'
import type { NetworkCosts } from './search-units.ts'
import type { UnitLevels } from './unit.ts'

/** Bytes, at most, of what a file says of how it was pruned. */
const MADE = 1500

/** Seconds that networks take turns for. */
const SECONDS = 0.4

export class CompactedCosts {
  readonly #network: DenseNetwork
  readonly #compacted: Compacted
  readonly #times?: CompactedTimes

  private constructor(network: DenseNetwork, dense: Compacted, times?: CompactedTimes) {
    this.#network = network
    this.#compacted = dense
    this.#times = times
  }

  /**
   * Without a runtime there are no times. Rejects with UserError where the network cannot be written as an
   * ONNX model, or the runtime does not take it.
   */
  static async open(network: DenseNetwork, runtime?: Runtime): Promise<CompactedCosts> {
    const dense = compacted(network)
    return new CompactedCosts(network, dense, runtime && (await CompactedTimes.open(runtime, dense, SECONDS)))
  }

  /** Whether there are times. */
  get timed(): boolean {
    return this.#times !== undefined
  }

  /** Of the dense network. */
  async ofDense(): Promise<NetworkCosts> {
    return costsOf(this.#compacted, await this.#times?.ofDense())
  }

  /** Of the network with units at these levels, the others dense. */
  at(units: readonly UnitLevels[], levels: ReadonlyMap<string, number>): Promise<NetworkCosts> {
    return this.#of(atLevels(this.#network, units, levels))
  }

  /** Of the network with some tensors changed. */
  withTensors(changed: TensorFile['tensors']): Promise<NetworkCosts> {
    const { file } = this.#network
    return this.#of(compacted({ ...this.#network, file: { ...file, tensors: new Map([...file.tensors, ...changed]) } }))
  }

  async close(): Promise<void> {
    await this.#times?.close()
  }

  async #of(one: Compacted): Promise<NetworkCosts> {
    return costsOf(one, await this.#times?.of(one))
  }
}

const costsOf = ({ bytes, multiplyAdds }: Compacted, milliseconds: number | undefined): NetworkCosts => ({
  ...(milliseconds !== undefined && { milliseconds }),
  bytes: bytes + MADE,
  multiplyAdds,
})
