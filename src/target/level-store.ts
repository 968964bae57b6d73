/**
 * @file Measured levels in a folder, a file for each tensor, so that another target of the same network takes
 * seconds and an interrupted search goes on where it was. The folder's name says all that levels depend on.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensors, type StoredTensor, writeSafetensors } from '../formats/safetensors.ts'
import { UserError } from '../util/errors.ts'
import { makeFolder } from '../util/files.ts'
import { sha256 } from '../util/sha256.ts'
import type { Level, TensorLevels } from './tensor-levels.ts'

export class LevelStore {
  readonly folder: string

  /**
   * `key`: everything that the levels depend on, as text: weights, data, method, settings, levels, samples,
   * engine. Makes the folder. Throws UserError where it cannot.
   */
  constructor(parent: string, key: string) {
    this.folder = join(parent, sha256([key]).slice(0, 24))
    makeFolder(this.folder)
  }

  /** Undefined where the tensor has not been measured, or its file is damaged: then it is measured again. */
  read(name: string): TensorLevels | undefined {
    const path = this.#path(name)
    if (!existsSync(path)) return undefined
    try {
      const { tensors, metadata } = readSafetensors(path)
      const facts: Omit<Level, 'mask'>[] = JSON.parse(metadata.levels)
      const levels = facts.map((level, i) => ({ ...level, mask: Uint8Array.from(tensors.get(`${i}`)!.data) }))
      return metadata.name === name ? { name, size: Number(metadata.size), levels } : undefined
    } catch (error) {
      if (error instanceof UserError || error instanceof SyntaxError || error instanceof TypeError) return undefined
      throw error
    }
  }

  write({ name, size, levels }: TensorLevels): void {
    const tensors = new Map<string, StoredTensor>(
      levels.map(({ mask }, i) => [`${i}`, { dtype: 'U8', shape: [mask.length], data: mask }]),
    )
    const facts = levels.map(({ mask: _, ...facts }) => facts)
    writeSafetensors(this.#path(name), {
      tensors,
      metadata: { name, size: String(size), levels: JSON.stringify(facts) },
    })
  }

  #path = (name: string) => join(this.folder, `${sha256([name]).slice(0, 16)}.safetensors`)
}
