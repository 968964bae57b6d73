/**
 * @file Second-order pruning of a trained network, without training: gradients, a choice of weights, an update of the others; once, or in
 * stages of growing sparsity with new gradients at each.
 */
import type { Vector } from '../linear/vector.ts'
import { Workspace } from '../linear/workspace.ts'
import { keptCount } from '../prune/count.ts'
import { chitaSupport } from '../prune/second-order/chita.ts'
import type { FisherBlock } from '../prune/second-order/columns.ts'
import { blockInverse } from '../prune/second-order/direct-inverse.ts'
import type { BlockInverse } from '../prune/second-order/inverse.ts'
import { localSearch } from '../prune/second-order/local-search.ts'
import { obdSaliency } from '../prune/second-order/obd.ts'
import { type FisherBlocks, valuesOf } from '../prune/second-order/parts.ts'
import { randomMagnitude } from '../prune/second-order/random-magnitude.ts'
import { systematicUpdate } from '../prune/second-order/update.ts'
import { woodfisherSaliency, woodfisherUpdate } from '../prune/second-order/woodfisher.ts'
import { selectTop } from '../select/top.ts'
import type { Network } from '../train/network.ts'
import { FisherColumns, type Own } from './fisher-columns.ts'
import type { GradientSource } from './gradients.ts'

export const secondOrderMethods = {
  magnitude: '|w|, no update: the control',
  obd: 'Optimal Brain Damage: diagonal Fisher, no update (LeCun et al. 1990)',
  woodfisher: 'WoodFisher: saliencies and updates of single weights, summed (Singh & Alistarh 2020)',
  'cbs-select': 'Combinatorial Brain Surgeon, selection by local search only (Yu et al. 2022)',
  'cbs-update': 'magnitude, then the systematic update of the kept weights (Yu et al. 2022)',
  cbs: 'Combinatorial Brain Surgeon: local search and systematic update (Yu et al. 2022)',
  chita: 'CHITA: sparse regression on the gradients, in stages (Benbaki et al. 2023)',
} as const
export type SecondOrderMethod = keyof typeof secondOrderMethods

export interface SecondOrderOptions {
  method: SecondOrderMethod
  /** Share of zeros among the weights of the tensors, 0 to 1. */
  sparsity: number
  /** Training samples whose gradients are taken: as many as the source says, or a multiple of that, of which each stage takes the next part, in turn. */
  gradients: Uint32Array
  /** Training samples whose loss judges masks and updates; best disjoint from `gradients`. As many as the network's option `judged`. */
  judge: Uint32Array
  /** Training samples that judge start masks; a multiple of the evaluation batch, 500. Default: `judge`. */
  judgeStart?: Uint32Array
  /** Damping. Default {@link usualDamping}: 3e-2 for CHITA, else 1e-3 for one block of all tensors and 1e-5 for several. */
  lambda?: number
  /** Which weights interact: one block of all tensors, one per tensor, or at most so many consecutive weights of a tensor (which selection by local search takes for one per tensor). Default `full`. */
  fisher?: FisherBlocks
  /** Which scores compete, where saliencies decide (magnitude, obd, woodfisher, cbs-update): all of them, or those of a tensor each. Default `global`. */
  scope?: 'global' | 'layerwise'
  /** Steps of growing sparsity, gradients taken anew at each. Default 1. */
  stages?: number
  /** g of the first-order term in updates and in CHITA. Default 0 in the first stage (a trained network is at a minimum), 0.3 after it; CHITA: always 0.3. */
  firstOrder?: number
  /** Share of the update that is made: a number, or `search` for the one of the lowest loss on `judge`. Default `search`. */
  scale?: number | 'search'
  /** Start masks tried by randomized magnitude pruning; 1 is magnitude alone. Default 10. */
  candidates?: number
  /** Seed of randomized magnitude pruning. Default 0. */
  seed?: number
  /** Counts, start masks, scan order and scale as in the authors' code, in order to compare with published results. Default false. */
  faithful?: boolean
  onProgress?: (phase: Phase, text: string, share?: number) => void
}

export type Phase = 'gradients' | 'inverse' | 'search' | 'update'

export interface StageReport {
  /** Weights kept after the stage, of all of the tensors. */
  kept: number
  /** Loss on the judging samples before the update, and after it where there is one. */
  selected: number
  updated?: number
  /** Share of the update that was made. */
  scale?: number
  /** Exchanges of the local search, and its objective at the start and at the end. */
  search?: { swaps: number; from: number; to: number }
  /** Of the Fisher system, relative. */
  residual?: number
}

export interface SecondOrderResult {
  size: number
  kept: number
  stages: StageReport[]
  /** Time by phase. */
  seconds: Record<Phase, number>
}

/** The damping where none is asked for: CHITA steps far with few samples. */
export function usualDamping(method: SecondOrderMethod, fisher: FisherBlocks): number {
  if (method === 'chita') return 3e-2
  return fisher === 'full' ? 1e-3 : 1e-5
}

/** Prunes some tensors of a network: the weights that it holds afterwards are the result, and its masks say which are pruned. */
export function pruneSecondOrder(
  network: Network,
  source: GradientSource,
  options: SecondOrderOptions,
): SecondOrderResult {
  return new SecondOrderPruning(network, source, options).run()
}

/** With 1, the regression asks every sample's loss to fall by 1, more than most have: steps become too long. */
const FIRST_ORDER = 0.3

const SCALES = [1, 0.75, 0.5, 0.25, 0]

class SecondOrderPruning {
  readonly #network: Network
  readonly #source: GradientSource
  readonly #options: Required<Omit<SecondOrderOptions, 'firstOrder' | 'judgeStart'>> &
    Pick<SecondOrderOptions, 'firstOrder' | 'judgeStart'>
  readonly #names: readonly string[]
  readonly #size: number
  readonly #seconds: Record<Phase, number> = { gradients: 0, inverse: 0, search: 0, update: 0 }
  /** Of all stages, once it was needed. */
  #space?: Workspace

  constructor(network: Network, source: GradientSource, options: SecondOrderOptions) {
    this.#network = network
    this.#source = source
    const { fisher = 'full', faithful = false } = options
    const { lambda = usualDamping(options.method, fisher), scale = faithful ? 1 : 'search' } = options
    const { stages = 1, scope = 'global', candidates = faithful ? 50 : 10, seed = 0, onProgress = () => {} } = options
    this.#options = { ...options, fisher, faithful, lambda, scale, stages, scope, candidates, seed, onProgress }
    this.#names = source.tensors
    this.#size = this.#names.reduce((sum, name) => sum + network.values(name).length, 0)
  }

  run(): SecondOrderResult {
    const { sparsity, stages } = this.#options
    const before = this.#weights().reduce((sum, w) => sum + w.filter((x) => x !== 0).length, 0)
    const reports: StageReport[] = []
    for (let stage = 1; stage <= stages; stage++) {
      // Every stage removes the same share of what is left.
      const kept = keptCount(this.#size, sparsity)
      const share = before * (kept / before) ** (stage / stages)
      reports.push(this.#stage(stage, stage === stages ? kept : Math.round(share)))
    }
    this.#network.applyMasks()
    return { size: this.#size, kept: reports[stages - 1].kept, stages: reports, seconds: this.#seconds }
  }

  #stage(stage: number, keep: number): StageReport {
    const { method } = this.#options
    const weights = this.#weights()
    if (method === 'magnitude') return this.#finish({}, this.#magnitudeMasks(weights, keep), weights)
    this.#space ??= new Workspace(this.#network.machine, this.#source.room(this.#network))
    return this.#space.scoped(() => this.#withGradients(stage, keep, weights, this.#space!))
  }

  #withGradients(stage: number, keep: number, weights: Float32Array[], space: Workspace): StageReport {
    const { method, lambda, firstOrder, fisher } = this.#options
    const columns = this.#columns(stage, weights, space)
    if (method === 'obd') {
      const scores = columns.eachPart(({ tensors: [tensor] }, own) => [obdSaliency(tensor, own(weights)[0])])
      return this.#finish({}, this.#topMasks(scores, keep), weights)
    }
    if (method === 'woodfisher') return this.#woodfisher(columns, weights, keep, space)
    const g = firstOrder ?? (method === 'chita' || stage > 1 ? FIRST_ORDER : 0)
    const report: Partial<StageReport> = {}
    if (method !== 'cbs-update') columns.all()
    const masks = this.#timed('search', () => {
      if (method === 'chita') return this.#chita(columns, weights, keep, g, space)
      if (method === 'cbs-update') return this.#magnitudeMasks(weights, keep)
      return this.#search(columns.searched(fisher), weights, this.#start(weights, keep), report)
    })
    if (method === 'cbs-select') return this.#finish(report, masks, weights)
    const change = columns.each((block, own, { done, total, group }) =>
      this.#timed('update', () => {
        const { onProgress } = this.#options
        if (done === 0) onProgress('update', '', 0)
        const change = systematicUpdate(space, block, own(weights), own(masks), lambda, g)
        const solved = block.parts.reduce((sum, { size }) => sum + size, done)
        onProgress('update', `${group}${solved} of ${total} weights`, solved / total)
        return change
      }),
    )
    return this.#finish(report, masks, weights, change)
  }

  #columns(stage: number, weights: readonly Float32Array[], space: Workspace): FisherColumns {
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

  #woodfisher(columns: FisherColumns, weights: Float32Array[], keep: number, space: Workspace): StageReport {
    const { lambda } = this.#options
    const wholes = weights.map((w) => w.map((x) => (x === 0 ? 0 : 1)))
    const report: Partial<StageReport> = { residual: 0 }
    // A single block's inverse serves both passes; several are made twice, so that one at a time is in memory.
    const each = (visit: (inverse: BlockInverse, own: Own, progress: (done: number) => void) => Float64Array[]) =>
      columns.each((block, own, { done, total, group }) =>
        this.#timed('inverse', () =>
          space.scoped(() => {
            const progress = (some: number) =>
              this.#options.onProgress('inverse', `${group}${done + some} of ${total} weights`, (done + some) / total)
            if (done === 0) progress(0)
            const inverse = blockInverse(space, block, lambda, own(wholes))
            return visit(inverse, own, progress)
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
    const diagonal = (inverse: BlockInverse, progress: (done: number) => void) => {
      report.residual = Math.max(report.residual ?? 0, inverse.residual)
      return inverse.diagonal(progress)
    }
    const update = (pruned: Float32Array[], diagonals: Float64Array[]) => (inverse: BlockInverse, own: Own) =>
      woodfisherUpdate(inverse, own(weights), own(diagonals), own(pruned))
    if (columns.count === 1) {
      const change = each((inverse, own, progress) => {
        const diagonals = diagonal(inverse, progress)
        return update(choose(diagonals), diagonals)(inverse, own)
      })
      return this.#finish(report, masks, weights, change)
    }
    const diagonals = each((inverse, _, progress) => diagonal(inverse, progress))
    const pruned = choose(diagonals)
    const change = each((inverse, own, progress) => {
      const some = update(pruned, diagonals)(inverse, own)
      progress(inverse.size)
      return some
    })
    return this.#finish(report, masks, weights, change)
  }

  #chita(columns: FisherColumns, weights: Float32Array[], keep: number, firstOrder: number, space: Workspace) {
    const blocks = columns.blocks(columns.all())
    const parts = blocks.flatMap((block) => block.parts)
    const found = chitaSupport(space, blocks, valuesOf(parts, weights), {
      ...{ keep, lambda: this.#options.lambda, firstOrder },
    })
    const masks = weights.map(({ length }) => new Float32Array(length))
    valuesOf(parts, masks).forEach((mask, i) => void mask.set(found[i]))
    return masks
  }

  #start(weights: Float32Array[], keep: number): Float32Array[] {
    const { candidates, seed, faithful, judgeStart } = this.#options
    const sparsity = this.#sparsityOf(keep)
    const onCandidate = ({ candidate, loss }: { candidate: number; loss: number }) =>
      this.#options.onProgress(
        'search',
        `start mask ${candidate + 1} of ${candidates}: loss ${loss.toFixed(4)}`,
        (candidate + 1) / candidates,
      )
    const judge = (masks: readonly ArrayLike<number>[]) => this.#judge(weights, masks, judgeStart)
    return randomMagnitude(weights, judge, { sparsity, seed, faithful, candidates, onCandidate }).masks.map((mask) =>
      Float32Array.from(mask),
    )
  }

  #search(
    blocks: FisherBlock[],
    weights: Float32Array[],
    start: Float32Array[],
    report: Partial<StageReport>,
  ): Float32Array[] {
    const { faithful } = this.#options
    const { masks, trace } = localSearch(blocks, weights, start, (some) => this.#judge(weights, some), {
      faithful,
      onPass: ({ pass, swaps, objective, loss }) =>
        this.#options.onProgress(
          'search',
          `pass ${pass}: ${swaps} exchanges, objective ${objective.toPrecision(4)}, loss ${loss.toFixed(4)}`,
        ),
    })
    report.search = {
      swaps: trace.reduce((sum, { swaps }) => sum + swaps, 0),
      from: trace[0].objective,
      to: trace[trace.length - 1].objective,
    }
    return masks.map((mask) => Float32Array.from(mask))
  }

  /** Puts the masks and the best share of the update into the network. */
  #finish(
    report: Partial<StageReport>,
    masks: readonly Float32Array[],
    weights: readonly Float32Array[],
    change?: readonly Float64Array[],
  ): StageReport {
    const selected = this.#judge(weights, masks)
    const done: StageReport = {
      ...report,
      kept: masks.reduce((sum, mask) => sum + mask.reduce((a, b) => a + b, 0), 0),
      selected,
    }
    let final = weights
    if (change) {
      const moved = (scale: number) => weights.map((w, t) => w.map((x, q) => x + scale * change[t][q]))
      const scales = this.#options.scale === 'search' ? SCALES : [this.#options.scale]
      const tried = this.#timed('update', () =>
        scales.map((scale) => ({ scale, loss: this.#judge(moved(scale), masks) })),
      )
      const best = tried.reduce((a, b) => (b.loss < a.loss ? b : a))
      Object.assign(done, { scale: best.scale, updated: best.loss })
      final = moved(best.scale)
    }
    this.#names.forEach((name, t) => {
      this.#network.values(name).set(final[t])
      this.#network.mask(name).set(masks[t])
    })
    this.#network.applyMasks()
    return done
  }

  /**
   * Exactly `keep` ones at the largest scores of weights that are left, of all or (by scope) the same share of every tensor; in faithful mode those above the
   * threshold strictly, which is one less.
   */
  #topMasks(scores: readonly (Float32Array | Float64Array)[], keep: number): Float32Array[] {
    const { scope, faithful } = this.#options
    const masks = scores.map(({ length }) => new Float32Array(length))
    const sparsity = this.#sparsityOf(keep)
    const select = (some: typeof scores, into: typeof masks) => {
      const size = some.reduce((sum, { length }) => sum + length, 0)
      selectTop(some, faithful ? strictCount(size, sparsity) : keptCount(size, sparsity), into)
    }
    if (scope === 'global') select(scores, masks)
    else scores.forEach((some, t) => void select([some], [masks[t]]))
    return masks
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

  /** Mean loss on the judging samples of given weights under masks. The network's own weights come back. */
  #judge(weights: readonly Vector[], masks: readonly ArrayLike<number>[], samples = this.#options.judge): number {
    const present = this.#weights()
    this.#names.forEach((name, t) => {
      this.#network.values(name).set(weights[t].map((w, q) => (masks[t][q] === 0 ? 0 : w)))
    })
    const { loss } = this.#network.evaluateTraining(samples)
    this.#names.forEach((name, t) => {
      this.#network.values(name).set(present[t])
    })
    return Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss
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

/** How many weights the authors' threshold keeps: those strictly above the k-th largest, k = ceil(n (1 - s)). */
const strictCount = (size: number, sparsity: number) => (sparsity === 0 ? size : Math.ceil(size * (1 - sparsity)) - 1)
