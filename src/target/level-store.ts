/**
 * @file Measured levels in a folder, a file for each level of a tensor, so that another target of the same
 * network takes seconds and an interrupted search goes on where it was. The folder's name says all that
 * levels depend on.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts'
import { UserError } from '../util/errors.ts'
import { makeFolder } from '../util/files.ts'
import { sha256 } from '../util/sha256.ts'
import type { KeptLevels } from './levels.ts'
import type { Level } from './tensor-levels.ts'

export class LevelStore implements KeptLevels {
  readonly folder: string

  /**
   * `key`: everything that the levels depend on, as text: weights, data, method, settings, samples, engine.
   * Makes the folder. Throws UserError where it cannot.
   */
  constructor(parent: string, key: string) {
    this.folder = join(parent, sha256([key]).slice(0, 24))
    makeFolder(this.folder)
  }

  /**
   * A level of a tensor. Undefined where it has not been measured, or its file is damaged: then it is
   * measured again.
   */
  read(name: string, sparsity: number): Level | undefined {
    const path = this.#path(name, sparsity)
    if (!existsSync(path)) return undefined
    try {
      const { tensors, metadata } = readSafetensors(path)
      const level: Level = { ...JSON.parse(metadata.level), mask: Uint8Array.from(tensors.get('mask')!.data) }
      return metadata.name === name && level.sparsity === sparsity ? level : undefined
    } catch (error) {
      if (error instanceof UserError || error instanceof SyntaxError || error instanceof TypeError) return undefined
      throw error
    }
  }

  write(name: string, { mask, ...facts }: Level): void {
    writeSafetensors(this.#path(name, facts.sparsity), {
      tensors: new Map([['mask', { dtype: 'U8', shape: [mask.length], data: mask }]]),
      metadata: { name, level: JSON.stringify(facts) },
    })
  }

  #path = (name: string, sparsity: number) =>
    join(this.folder, `${sha256([name]).slice(0, 16)}-${sparsity}.safetensors`)
}
