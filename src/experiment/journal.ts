/** @file What a run says: to whoever listens, and what it is to be traced by also to its metrics.jsonl. */
import { effectiveSparsity } from '../prune/collapse.ts'
import type { Gap } from '../workflow/gsm.ts'
import type { PruneResult } from '../workflow/prune.ts'
import type { RunFolder } from './folder.ts'
import type { RunEvent } from './run-events.ts'

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
    const { sparsity, deadOutputs, outputs, floor, statistics } = result
    const collapsed = result.collapsed.map(({ name }) => name)
    const found = { sparsity, effectiveSparsity: effectiveSparsity(result), collapsed, deadOutputs, outputs }
    this.record({ type: 'prune', step, target, ...found, floor, statistics, gap })
  }
}
