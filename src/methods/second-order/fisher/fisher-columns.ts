/**
 * @file Gradient columns block by block, however many of them fit into memory: what second-order methods walk
 * through. Where not all fit, every walk computes them anew, group by group.
 */
import type { Workspace } from '../../../linear/workspace.ts'
import type { FisherBlock, GramBlock, GramColumns } from './columns.ts'
import type { GradientSource, Gradients } from './gradients.ts'
import { blockParts, type FisherBlocks, type Part, valuesOf } from './parts.ts'

/** A block of the Fisher matrix; `tensors[i]` are the columns of `parts[i]`. */
export interface PartBlock extends GramBlock {
  readonly parts: readonly Part[]
  /**
   * Float64 values that follow from the block's gradients and some settings, a list per part: kept where the
   * gradients are.
   */
  derived(what: string, settings: unknown, compute: () => Float64Array[]): Float64Array[]
}

/** Of what all tensors hold, that of the present block. */
export type Own = <T extends Float32Array | Float64Array | Uint8Array>(tensors: readonly T[]) => T[]

/**
 * Where a walk is: weights of the group that are done, of all of it, and which group it is ('' where there is
 * one only).
 */
export interface Place {
  readonly done: number
  readonly total: number
  readonly group: string
}

export class FisherColumns {
  readonly #source: GradientSource
  readonly #space: Workspace
  readonly #sizes: readonly number[]
  readonly #blocks: readonly (readonly Part[])[]
  readonly #collect: (group: number) => Gradients
  /** The only group, once it was needed. */
  #only?: Gradients

  /**
   * Columns of the source's tensors, of these sizes. `collect` computes those of a group, in the free room of
   * the workspace; `name` is what to call it.
   */
  constructor(
    source: GradientSource,
    sizes: readonly number[],
    space: Workspace,
    blocks: FisherBlocks,
    collect: (group: number, name: string) => Gradients,
  ) {
    this.#source = source
    this.#space = space
    this.#sizes = sizes
    this.#blocks = blockParts(sizes, blocks)
    this.#collect = (group) => collect(group, this.#nameOf(group))
  }

  /** How many blocks there are. */
  get count(): number {
    return this.#blocks.length
  }

  /** All columns, which must be one group. */
  all(): Gradients {
    if (this.#source.groups > 1) throw new Error('these gradients are not in memory together')
    this.#only ??= this.#collect(0)
    return this.#only
  }

  /** Visits every block. */
  forEach(visit: (block: PartBlock, own: Own, place: Place) => void): void {
    this.#walk((group) => this.blocks(group), visit)
  }

  /** What `visit` says of every block, a list per part, put together to a list per tensor. */
  each(visit: (block: PartBlock, own: Own, place: Place) => Float64Array[]): Float64Array[] {
    return this.#gathered((group) => this.blocks(group), visit)
  }

  /** The same with the parts as they are in memory for blocks: for what needs no weights together. */
  eachPart(visit: (block: PartBlock, own: Own, place: Place) => Float64Array[]): Float64Array[] {
    return this.#gathered(
      ({ samples, parts, tensors, cached }) => parts.map((part, i) => partBlock(samples, [part], [tensors[i]], cached)),
      visit,
    )
  }

  /** The blocks that lie in a group, made one by one. */
  *blocks({ samples, parts, tensors, cached }: Gradients): Generator<PartBlock> {
    const held = ({ tensor, first }: Part) =>
      parts.findIndex((part) => part.tensor === tensor && part.first <= first && first < part.first + part.size)
    for (const block of this.#blocks) {
      if (held(block[0]) < 0) continue
      const columns = block.map((part) => {
        const i = held(part)
        return part.size === parts[i].size ? tensors[i] : range(tensors[i], part.first - parts[i].first, part.size)
      })
      yield partBlock(samples, block, columns, cached)
    }
  }

  /**
   * What the local search works with: all tensors together, or one each. Blocks within a tensor are those of
   * updates only.
   */
  searched(blocks: FisherBlocks): FisherBlock[] {
    const { samples, tensors } = this.all()
    return blocks === 'full' ? [{ samples, tensors }] : tensors.map((tensor) => ({ samples, tensors: [tensor] }))
  }

  #gathered(
    blocksOf: (group: Gradients) => Iterable<PartBlock>,
    visit: (block: PartBlock, own: Own, place: Place) => Float64Array[],
  ): Float64Array[] {
    const results = this.#sizes.map((size) => new Float64Array(size))
    this.#walk(blocksOf, (block, own, place) => {
      const found = visit(block, own, place)
      own(results).forEach((values, i) => void values.set(found[i]))
    })
    return results
  }

  #walk(
    blocksOf: (group: Gradients) => Iterable<PartBlock>,
    visit: (block: PartBlock, own: Own, place: Place) => void,
  ): void {
    const run = (gradients: Gradients, group: string) => {
      const total = gradients.parts.reduce((sum, { size }) => sum + size, 0)
      let done = 0
      for (const block of blocksOf(gradients)) {
        const { parts } = block
        visit(block, (all) => valuesOf(parts, all), { done, total, group })
        done += parts.reduce((sum, { size }) => sum + size, 0)
      }
    }
    if (this.#source.groups === 1) run(this.all(), '')
    else
      for (let group = 0; group < this.#source.groups; group++)
        this.#space.scoped(() => run(this.#collect(group), this.#nameOf(group)))
  }

  #nameOf(group: number): string {
    return this.#source.groups === 1 ? '' : `part ${group + 1} of ${this.#source.groups}, `
  }
}

/** Columns [first, first + size). */
function range(columns: GramColumns, first: number, size: number): GramColumns {
  const weights = Int32Array.from({ length: size }, (_, i) => first + i)
  return columns.subset(weights, `${columns.name}[${first}..${first + size - 1}]`)
}

function partBlock(
  samples: number,
  parts: readonly Part[],
  tensors: readonly GramColumns[],
  cached: Gradients['cached'],
): PartBlock {
  const sizes = parts.map(({ size }) => size)
  return {
    samples,
    parts,
    tensors,
    derived: (what, settings, compute) =>
      cached ? cached.cache.derived(cached.key, [settings, parts], what, sizes, compute) : compute(),
  }
}
