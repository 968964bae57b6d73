/** @file What a run says: to whoever listens, and what it is to be traced by also to its metrics.jsonl. */

import type { Gap } from '../../methods/gsm/selection.ts'
import type { PruneResult } from '../../methods/prune.ts'
import { effectiveSparsity } from '../../sparsity/collapse.ts'
import type { RunEvent } from './events.ts'
import type { RunFolder } from './folder.ts'

export class Journal {
  readonly #folder: RunFolder
  readonly #onEvent: (event: RunEvent) => void

  constructor(folder: RunFolder, onEvent: (event: RunEvent) => void = () => {}) {
    this.#folder = folder
    this.#onEvent = onEvent
  }

  tell(event: RunEvent): void {
    this.#onEvent(event)
  }

  record(event: Extract<RunEvent, { type: 'epoch' | 'prune' | 'rewire' }>): void {
    this.#folder.appendMetric(event)
    this.tell(event)
  }

  /** `target`: the sparsity asked for. */
  recordPruning(step: number, target: number, result: PruneResult, gap?: Gap): void {
    const { sparsity, layers, multiplyAdds, deadOutputs, outputs, floor, statistics, polished, gradients } = result
    const collapsed = result.collapsed.map(({ name }) => name)
    const found = { sparsity, effectiveSparsity: effectiveSparsity(result), collapsed, deadOutputs, outputs, layers }
    this.record({ type: 'prune', step, target, ...found, multiplyAdds, floor, statistics, polished, gradients, gap })
  }
}
