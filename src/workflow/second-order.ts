/**
 * @file Second-order pruning of a trained network, without training: gradients, a choice of weights, an update of the others; once, or in
 * stages of growing sparsity with new gradients at each.
 */
import { Workspace } from '../linear/workspace.ts'
import { keptCount } from '../prune/count.ts'
import { chitaSupport } from '../prune/second-order/chita.ts'
import type { FisherBlock } from '../prune/second-order/columns.ts'
import { blockInverse } from '../prune/second-order/direct-inverse.ts'
import type { BlockInverse } from '../prune/second-order/inverse.ts'
import { localSearch } from '../prune/second-order/local-search.ts'
import { obdSaliency } from '../prune/second-order/obd.ts'
import { valuesOf } from '../prune/second-order/parts.ts'
import { randomMagnitude } from '../prune/second-order/random-magnitude.ts'
import { type SystematicUpdate, systematicUpdates } from '../prune/second-order/update.ts'
import { woodfisherSaliency, woodfisherUpdate } from '../prune/second-order/woodfisher.ts'
import type { Network } from '../train/network.ts'
import { FisherColumns, type Own, type PartBlock } from './fisher-columns.ts'
import type { GradientSource } from './gradients.ts'
import { Judge } from './second-order/judge.ts'
import { lineSearch, type Step } from './second-order/line-search.ts'
import { topMasks } from './second-order/masks.ts'
import {
  type Phase,
  type SecondOrderOptions,
  type SecondOrderResult,
  type StageReport,
  usualDamping,
  usualStages,
} from './second-order/options.ts'

export * from './second-order/options.ts'

/** Prunes some tensors of a network: the weights that it holds afterwards are the result, and its masks say which are pruned. */
export function pruneSecondOrder(
  network: Network,
  source: GradientSource,
  options: SecondOrderOptions,
): SecondOrderResult {
  return new SecondOrderPruning(network, source, options).run()
}

/** g of the first-order term in CHITA's choice. With 1, the regression asks every sample's loss to fall by 1, more than most have. */
const CHITA_FIRST_ORDER = 0.3

/** Dampings of updates, times the usual one: the stronger, the less an update trusts its samples. */
const DAMPINGS = [1, 10, 100]

/** Told how many weights are done. */
type Told = (done: number) => void

/** What a stage begins with. */
interface Stage {
  /** From 1. */
  stage: number
  /** Weights to keep, of all tensors. */
  keep: number
  weights: Float32Array[]
  space: Workspace
}

/** Masks, one per tensor, and the change of the weights that goes with them. */
interface Candidate {
  masks: Float32Array[]
  damping?: number
  update?: Pick<SystematicUpdate, 'compensation'> & Partial<SystematicUpdate>
}

class SecondOrderPruning {
  readonly #network: Network
  readonly #source: GradientSource
  readonly #options: Required<Omit<SecondOrderOptions, 'stages' | 'judge' | 'judgeStart' | 'lambda'>> &
    Pick<SecondOrderOptions, 'lambda'>
  readonly #names: readonly string[]
  readonly #size: number
  /** Weights that are not zero, before pruning. */
  readonly #before: number
  readonly #stages: number
  readonly #judge: Judge
  readonly #judgeStart: Judge
  /** Of all stages, once it was needed. */
  #space?: Workspace
  readonly #seconds: Record<Phase, number> = { gradients: 0, inverse: 0, search: 0, update: 0 }

  constructor(network: Network, source: GradientSource, options: SecondOrderOptions) {
    this.#network = network
    this.#source = source
    const { method, judge, judgeStart = judge, fisher = 'full', faithful = false, onProgress = () => {} } = options
    const { scope = 'global', seed = 0 } = options
    const { scale = faithful ? 1 : 'search', firstOrder = faithful ? 0 : 'search' } = options
    const { candidates = faithful ? 50 : 10 } = options
    const usual = { fisher, faithful, scope, seed, scale, firstOrder, candidates, onProgress }
    this.#options = { ...options, ...usual }
    this.#names = source.tensors
    this.#judge = new Judge(network, this.#names, judge)
    this.#judgeStart = new Judge(network, this.#names, judgeStart)
    const weights = this.#weights()
    this.#size = weights.reduce((sum, { length }) => sum + length, 0)
    this.#before = weights.reduce((sum, w) => sum + w.filter((x) => x !== 0).length, 0)
    const kept = keptCount(this.#size, options.sparsity)
    this.#stages = options.stages ?? (faithful ? 1 : usualStages(method, this.#before, kept))
  }

  run(): SecondOrderResult {
    const kept = keptCount(this.#size, this.#options.sparsity)
    const reports: StageReport[] = []
    for (let stage = 1; stage <= this.#stages; stage++) {
      const share = this.#before * (kept / this.#before) ** (stage / this.#stages)
      reports.push(this.#stage(stage, stage === this.#stages ? kept : Math.round(share)))
    }
    this.#network.applyMasks()
    return { size: this.#size, kept: reports[this.#stages - 1].kept, stages: reports, seconds: this.#seconds }
  }

  #stage(stage: number, keep: number): StageReport {
    const weights = this.#weights()
    if (this.#options.method === 'magnitude')
      return this.#finish({}, weights, { masks: this.#magnitudeMasks(weights, keep) })
    this.#space ??= new Workspace(this.#network.machine, this.#source.room(this.#network))
    const space = this.#space
    return space.scoped(() => this.#withGradients({ stage, keep, weights, space }))
  }

  #withGradients(given: Stage): StageReport {
    const { method } = this.#options
    const { keep, weights } = given
    const columns = this.#columns(given)
    if (method === 'obd') {
      const scores = columns.eachPart(({ tensors: [tensor] }, own) => [obdSaliency(tensor, own(weights)[0])])
      return this.#finish({}, weights, { masks: this.#topMasks(scores, keep) })
    }
    if (method === 'woodfisher') return this.#woodfisher(columns, given)
    if (method === 'cbs-update') {
      const masks = this.#magnitudeMasks(weights, keep)
      return this.#finish({}, weights, ...this.#updated(columns, given, masks))
    }
    columns.all()
    if (method === 'chita') {
      const masks = this.#timed('search', () => this.#chita(columns, given))
      return this.#finish({}, weights, ...this.#updated(columns, given, masks))
    }
    return this.#brainSurgeon(columns, given)
  }

  #columns({ stage, weights, space }: Stage): FisherColumns {
    const [network, source, samples] = [this.#network, this.#source, this.#samplesOf(stage)]
    const sizes = weights.map(({ length }) => length)
    return new FisherColumns(source, sizes, space, this.#options.fisher, (group, name) =>
      this.#timed('gradients', () => {
        const progress = (done: number, total: number) =>
          this.#options.onProgress('gradients', `${name}${done} of ${total} gradients`, done / total)
        return source.collect(network, samples, progress, group, space)
      }),
    )
  }

  /** The training samples whose gradients a stage takes. */
  #samplesOf(stage: number): Uint32Array {
    const { gradients } = this.#options
    const { count } = this.#source
    if (gradients.length === 0 || gradients.length % count !== 0)
      throw new Error(`expected ${count} training samples or a multiple, found ${gradients.length}`)
    const first = ((stage - 1) * count) % gradients.length
    return gradients.subarray(first, first + count)
  }

  /** The local search, and for `cbs` updates: of its masks, and not in faithful mode of those that it starts from. */
  #brainSurgeon(columns: FisherColumns, given: Stage): StageReport {
    const { method, faithful, fisher, candidates } = this.#options
    const { stage, weights, keep } = given
    const start = this.#timed('search', () => this.#start(weights, keep, stage === 1 ? candidates : 1))
    const { masks, search } = this.#timed('search', () => this.#search(columns.searched(fisher), weights, start))
    if (method === 'cbs-select') return this.#finish({ search }, weights, { masks })
    const searched = this.#updated(columns, given, masks)
    const unsearched = faithful ? [] : this.#updated(columns, given, start)
    return this.#finish({ search }, weights, ...searched, ...unsearched)
  }

  #woodfisher(columns: FisherColumns, { weights, keep, space }: Stage): StageReport {
    const { lambda = usualDamping(this.#options.method, this.#options.fisher) } = this.#options
    const wholes = weights.map((w) => w.map((x) => (x === 0 ? 0 : 1)))
    const report: Partial<StageReport> = { residual: 0 }
    // A single block's inverse serves both passes; several are made twice, so that one at a time is in memory.
    const each = (visit: (inverse: BlockInverse, own: Own, progress: Told, block: PartBlock) => Float64Array[]) =>
      columns.each((block, own, { done, total, group }) =>
        this.#timed('inverse', () =>
          space.scoped(() => {
            const progress = (some: number) =>
              this.#options.onProgress('inverse', `${group}${done + some} of ${total} weights`, (done + some) / total)
            if (done === 0) progress(0)
            const inverse = blockInverse(space, block, lambda, own(wholes))
            return visit(inverse, own, progress, block)
          }),
        ),
      )
    let masks: Float32Array[] = []
    const choose = (diagonals: Float64Array[]) => {
      const scores = diagonals.map((diagonal, t) =>
        woodfisherSaliency(weights[t], diagonal).map((s, q) => (weights[t][q] === 0 ? 0 : s)),
      )
      masks = this.#topMasks(scores, keep)
      return masks.map((mask, t) => mask.map((m, q) => (m === 0 && weights[t][q] !== 0 ? 1 : 0)))
    }
    const diagonal = (inverse: BlockInverse, progress: Told, block: PartBlock) => {
      report.residual = Math.max(report.residual ?? 0, inverse.residual)
      return block.derived('diagonals of the inverse', lambda, () => inverse.diagonal(progress))
    }
    const update = (pruned: Float32Array[], diagonals: Float64Array[]) => (inverse: BlockInverse, own: Own) =>
      woodfisherUpdate(inverse, own(weights), own(diagonals), own(pruned))
    if (columns.count === 1) {
      const compensation = each((inverse, own, progress, block) => {
        const diagonals = diagonal(inverse, progress, block)
        return update(choose(diagonals), diagonals)(inverse, own)
      })
      return this.#finish(report, weights, { masks, update: { compensation } })
    }
    const diagonals = each((inverse, _, progress, block) => diagonal(inverse, progress, block))
    const pruned = choose(diagonals)
    const compensation = each((inverse, own, progress) => {
      const some = update(pruned, diagonals)(inverse, own)
      progress(inverse.size)
      return some
    })
    return this.#finish(report, weights, { masks, update: { compensation } })
  }

  #chita(columns: FisherColumns, { weights, keep, space }: Stage): Float32Array[] {
    const { method, fisher, firstOrder, lambda = usualDamping(method, fisher) } = this.#options
    const blocks = columns.blocks(columns.all())
    const parts = blocks.flatMap((block) => block.parts)
    const g = firstOrder === 'search' ? CHITA_FIRST_ORDER : firstOrder
    const found = chitaSupport(space, blocks, valuesOf(parts, weights), { keep, lambda, firstOrder: g })
    const masks = weights.map(({ length }) => new Float32Array(length))
    valuesOf(parts, masks).forEach((mask, i) => void mask.set(found[i]))
    return masks
  }

  #start(weights: Float32Array[], keep: number, candidates: number): Float32Array[] {
    const { seed, faithful } = this.#options
    const sparsity = this.#sparsityOf(keep)
    const onCandidate = ({ candidate, loss }: { candidate: number; loss: number }) =>
      this.#options.onProgress(
        'search',
        `start mask ${candidate + 1} of ${candidates}: loss ${loss.toFixed(4)}`,
        (candidate + 1) / candidates,
      )
    const judge = (masks: readonly ArrayLike<number>[]) => this.#judgeStart.loss(weights, masks)
    return randomMagnitude(weights, judge, { sparsity, seed, faithful, candidates, onCandidate }).masks.map((mask) =>
      Float32Array.from(mask),
    )
  }

  #search(blocks: FisherBlock[], weights: Float32Array[], start: Float32Array[]) {
    const { faithful } = this.#options
    const { masks, trace } = localSearch(blocks, weights, start, (some) => this.#judge.loss(weights, some), {
      faithful,
      onPass: ({ pass, swaps, objective, loss }) =>
        this.#options.onProgress(
          'search',
          `pass ${pass}: ${swaps} exchanges, objective ${objective.toPrecision(4)}, loss ${loss.toFixed(4)}`,
        ),
    })
    const swaps = trace.reduce((sum, pass) => sum + pass.swaps, 0)
    const search = { swaps, from: trace[0].objective, to: trace[trace.length - 1].objective, taken: true }
    return { masks: masks.map((mask) => Float32Array.from(mask)), search }
  }

  /** Masks with CBS-U's update, once for each damping. */
  #updated(columns: FisherColumns, { weights, space }: Stage, masks: Float32Array[]): Candidate[] {
    const zero = () => masks.map(({ length }) => new Float64Array(length))
    const dampings = this.#dampings()
    const updates = dampings.map(() => ({ compensation: zero(), descent: zero() }))
    columns.forEach((block, own, { done, total, group }) => {
      this.#timed('update', () => {
        const { onProgress } = this.#options
        if (done === 0) onProgress('update', '', 0)
        systematicUpdates(space, block, own(weights), own(masks), dampings).forEach((found, i) => {
          const { compensation, descent } = updates[i]
          own(compensation).forEach((change, p) => void change.set(found.compensation[p]))
          own(descent).forEach((step, p) => void step.set(found.descent[p]))
        })
        const solved = block.parts.reduce((sum, { size }) => sum + size, done)
        onProgress('update', `${group}${solved} of ${total} weights`, solved / total)
      })
    })
    return updates.map((update, i) => ({ masks, update, damping: dampings[i] }))
  }

  /** Of updates: what was asked for, else in faithful mode the usual one, else that and stronger ones. */
  #dampings(): readonly number[] {
    const { lambda, faithful, fisher } = this.#options
    if (lambda !== undefined) return [lambda]
    const usual = usualDamping('cbs', fisher)
    return faithful ? [usual] : DAMPINGS.map((times) => times * usual)
  }

  /** Puts the candidate of the lowest loss, with the best share of its update, into the network. */
  #finish(report: Partial<StageReport>, weights: readonly Float32Array[], ...candidates: Candidate[]): StageReport {
    const tried = candidates.map((candidate) => ({ ...this.#stepped(weights, candidate), candidate }))
    const best = tried.reduce((a, b) => (b.loss < a.loss ? b : a))
    const { masks, update } = best.candidate
    const final = best.moved(best)
    this.#names.forEach((name, t) => {
      this.#network.values(name).set(final[t])
      this.#network.mask(name).set(masks[t])
    })
    this.#network.applyMasks()
    const { search } = report
    return {
      ...report,
      ...(search && { search: { ...search, taken: masks === candidates[0].masks } }),
      kept: masks.reduce((sum, mask) => sum + mask.reduce((a, b) => a + b, 0), 0),
      selected: best.selected,
      ...(update && { scale: best.scale, updated: best.loss }),
      ...(update?.descent && { firstOrder: best.firstOrder, damping: best.candidate.damping }),
    }
  }

  #stepped(weights: readonly Float32Array[], { masks, update }: Candidate) {
    const selected = this.#judge.loss(weights, masks)
    const moved = ({ scale, firstOrder }: Step) =>
      weights.map((w, t) => {
        if (!update) return w
        const [change, descent] = [update.compensation[t], update.descent?.[t]]
        return w.map((x, q) => x + scale * change[q] + (descent ? firstOrder * descent[q] : 0))
      })
    if (!update) return { moved, selected, loss: selected, scale: 0, firstOrder: 0 }
    const { scale, firstOrder } = this.#options
    const shares = { scale, firstOrder: update.descent ? firstOrder : 0 }
    const step = this.#timed('update', () =>
      lineSearch(shares, selected, (some) => this.#judge.loss(moved(some), masks)),
    )
    return { moved, selected, ...step }
  }

  /** Exactly `keep` ones at the largest scores (in faithful mode one fewer); where the scope is layerwise, the same share of every tensor. */
  #topMasks(scores: readonly (Float32Array | Float64Array)[], keep: number): Float32Array[] {
    const { scope, faithful } = this.#options
    return topMasks(scores, { sparsity: this.#sparsityOf(keep), scope, faithful })
  }

  #magnitudeMasks(weights: readonly Float32Array[], keep: number): Float32Array[] {
    return this.#topMasks(
      weights.map((w) => w.map(Math.abs)),
      keep,
    )
  }

  /** The sparsity of a stage: what was asked for in the last one, where rounding must not show. */
  #sparsityOf(keep: number): number {
    const { sparsity } = this.#options
    return keep === keptCount(this.#size, sparsity) ? sparsity : 1 - keep / this.#size
  }

  #weights(): Float32Array[] {
    return this.#names.map((name) => Float32Array.from(this.#network.values(name)))
  }

  #timed<T>(phase: Phase, work: () => T): T {
    const start = performance.now()
    try {
      return work()
    } finally {
      this.#seconds[phase] += (performance.now() - start) / 1000
    }
  }
}
