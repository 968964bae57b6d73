/** @file Masks of a file that a method starts from: what is zero in it is pruned. */
import { existsSync } from 'node:fs'
import { readWeights } from '../../formats/weights-file.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { keptCount } from '../../sparsity/count.ts'
import { countKept } from '../../sparsity/mask.ts'
import { masksIn } from '../../train/checkpoint.ts'
import { namedAs } from '../../train/layer-names.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { suggestion } from '../../util/suggest.ts'
import { publishedCounts } from './brain-surgeon/random-magnitude.ts'
import { startNames } from './composition.ts'

/** A file of masks. `called` is what messages call the setting that names it. */
export class MaskFile {
  /** One per tensor. */
  readonly masks: readonly Float32Array[]
  readonly #path: string
  readonly #called: string

  private constructor(path: string, called: string, masks: readonly Float32Array[]) {
    this.#path = path
    this.#called = called
    this.masks = masks
  }

  /** Throws UserError where there is no such file, or it holds another network. */
  static async read(path: string, model: Model, tensors: readonly Tensor[], called: string): Promise<MaskFile> {
    if (!existsSync(path))
      throw new UserError(`${called}: there is neither a start nor a file named ${path}${suggestion(path, startNames)}`)
    try {
      const { file } = namedAs(model, await readWeights(path))
      return new MaskFile(path, called, masksIn(file, tensors, path))
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${called}: ${error.message}`) : error
    }
  }

  /**
   * Throws UserError where the masks keep other than what a sparsity leaves; in faithful mode
   * than what the published code does. Weights that are zero without pruning may be missing.
   */
  check(weights: readonly ArrayLike<number>[], sparsity: number, faithful: boolean): void {
    const size = weights.reduce((sum, { length }) => sum + length, 0)
    const kept = this.masks.reduce((sum, mask) => sum + countKept(mask), 0)
    const zeros = this.masks.reduce(
      (sum, mask, t) => sum + mask.reduce((count, m, q) => count + (m === 0 && weights[t][q] === 0 ? 1 : 0), 0),
      0,
    )
    const exact = keptCount(size, sparsity)
    const { least, most } = faithful ? publishedCounts(size, sparsity) : { least: exact, most: exact }
    if (kept + zeros >= least && kept <= most) return
    const expected = least === most ? grouped(most) : `${grouped(least)} to ${grouped(most)}`
    throw new UserError(
      `${this.#called}: ${this.#path} keeps ${grouped(kept)} of ${grouped(size)} weights, expected ${expected}, which the sparsity ${sparsity} leaves`,
    )
  }
}
