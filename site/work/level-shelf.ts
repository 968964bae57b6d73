/** @file Measured levels of an opened network, for the next action. */
import type { KeptLevels } from '../../src/target/levels.ts'
import type { Level } from '../../src/target/tensor-levels.ts'
import type { Asked } from './asked.ts'

/** Levels in memory, by all that they depend on, for the next action. */
export class LevelShelf {
  readonly #kept = new Map<string, Map<string, Level>>()

  /** Those of an action; `key` is the same where its levels are. */
  of({ method, granularity, samples }: Pick<Asked, 'method' | 'granularity' | 'samples'>): KeptLevels {
    const files = samples.files?.map((file) => [file.name, file.size, file.lastModified])
    const key = JSON.stringify([method, granularity, samples.kind, samples.normalization, files])
    const levels = this.#kept.get(key) ?? new Map<string, Level>()
    this.#kept.set(key, levels)
    return {
      read: (name, sparsity) => levels.get(`${sparsity} ${name}`),
      write: (name, level) => void levels.set(`${level.sparsity} ${name}`, level),
    }
  }
}
