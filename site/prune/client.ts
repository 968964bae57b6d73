/** @file The page's side of its worker. A worker that is stopped is replaced, and opens the network anew. */
import { UserError } from '../../src/util/errors.ts'
import type { Tell } from '../work/prune.ts'
import type { Answer, Asks, Facts } from './protocol.ts'

/** What rejects where the work was stopped. */
export class Stopped extends Error {}

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
  tell?: Tell
}

export class Client {
  #worker = this.#start()
  #waiting = new Map<number, Waiting>()
  #next = 0
  /** The network that is open, for a worker that takes the place of one that was stopped. */
  #open?: Asks['open']['ask']

  /** Throws UserError where the file is none, with the sentence to show; the network before stays open. */
  async open(name: string, bytes: Uint8Array): Promise<Facts> {
    return this.#opened({ name, bytes })
  }

  /** Opens the same file anew, as one of a built-in network. */
  async openAs(network: string): Promise<Facts> {
    return this.#opened({ ...this.#open!, network })
  }

  async #opened(file: Asks['open']['ask']): Promise<Facts> {
    try {
      const facts = await this.ask('open', file)
      this.#open = file
      return facts
    } catch (error) {
      if (this.#open) await this.ask('open', this.#open)
      throw error
    }
  }

  ask<What extends keyof Asks>(
    what: What,
    ask: Asks[What]['ask'],
    tell?: Waiting['tell'],
  ): Promise<Asks[What]['answer']> {
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, tell })
      this.#worker.postMessage({ id, ask: { what, ...ask } })
    })
  }

  /** Ends what the worker does at once. What was pruned and measured before is gone with it. */
  async stop(): Promise<void> {
    this.#worker.terminate()
    for (const { reject } of this.#waiting.values()) reject(new Stopped('stopped'))
    this.#waiting.clear()
    this.#worker = this.#start()
    if (this.#open) await this.ask('open', this.#open)
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.id)
      if (!waiting) return
      if ('text' in data) return waiting.tell?.(data.text, data.share, data.left)
      this.#waiting.delete(data.id)
      if ('error' in data) waiting.reject(new UserError(data.error))
      else waiting.resolve(data.result)
    }
    worker.onerror = ({ message }) => {
      for (const { reject } of this.#waiting.values()) reject(new UserError(`the worker failed: ${message}`))
      this.#waiting.clear()
    }
    return worker
  }
}
