/**
 * @file Second-order pruning of a trained network, without training: gradients, a choice of weights, an update of the others; once, or in
 * stages of growing sparsity with new gradients at each.
 */
import { keptCount } from '../prune/count.ts'
import { chitaSupport } from '../prune/second-order/chita.ts'
import { type Block, DampedInverse } from '../prune/second-order/inverse.ts'
import { localSearch } from '../prune/second-order/local-search.ts'
import { obdSaliency } from '../prune/second-order/obd.ts'
import { randomMagnitude } from '../prune/second-order/random-magnitude.ts'
import { type SystematicUpdate, systematicUpdate } from '../prune/second-order/update.ts'
import { woodfisherSaliency, woodfisherUpdate } from '../prune/second-order/woodfisher.ts'
import type { Network } from '../train/network.ts'
import type { GradientSource, Gradients } from './gradients.ts'
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

/** Masks, one per tensor, and the change of the weights that goes with them. */
interface Candidate {
  masks: Float32Array[]
  update?: Pick<SystematicUpdate, 'compensation'> & Partial<SystematicUpdate>
}

class SecondOrderPruning {
  readonly #network: Network
  readonly #source: GradientSource
  readonly #options: Required<Omit<SecondOrderOptions, 'stages' | 'judge' | 'judgeStart'>>
  readonly #names: readonly string[]
  readonly #size: number
  /** Weights that are not zero, before pruning. */
  readonly #before: number
  readonly #stages: number
  readonly #judge: Judge
  readonly #judgeStart: Judge
  readonly #seconds: Record<Phase, number> = { gradients: 0, inverse: 0, search: 0, update: 0 }

  constructor(network: Network, source: GradientSource, options: SecondOrderOptions) {
    this.#network = network
    this.#source = source
    const { method, judge, judgeStart = judge, fisher = 'full', faithful = false, onProgress = () => {} } = options
    const { lambda = usualDamping(method, fisher), scope = 'global', seed = 0 } = options
    const { scale = faithful ? 1 : 'search', firstOrder = faithful ? 0 : 'search' } = options
    const { candidates = faithful ? 50 : 10 } = options
    const usual = { fisher, faithful, lambda, scope, seed, scale, firstOrder, candidates, onProgress }
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
    const { method, lambda, firstOrder } = this.#options
    const weights = this.#weights()
    if (method === 'magnitude') return this.#finish({}, weights, { masks: this.#magnitudeMasks(weights, keep) })
    const gradients = this.#timed('gradients', () =>
      this.#source.collect(this.#network, this.#samplesOf(stage), (done, total) => {
        this.#options.onProgress('gradients', `${done} of ${total} gradients`, done / total)
      }),
    )
    if (method === 'obd') {
      const scores = gradients.tensors.map((tensor, t) => obdSaliency(tensor, weights[t]))
      return this.#finish({}, weights, { masks: this.#topMasks(scores, keep) })
    }
    const blocks = this.#blocks(gradients)
    if (method === 'woodfisher') return this.#woodfisher(gradients, blocks, weights, keep)
    if (method === 'chita') {
      const g = firstOrder === 'search' ? CHITA_FIRST_ORDER : firstOrder
      const masks = this.#timed('search', () =>
        chitaSupport(gradients.space, blocks, weights, { keep, lambda, firstOrder: g }).map((mask) =>
          Float32Array.from(mask),
        ),
      )
      return this.#finish({}, weights, this.#updated(gradients, blocks, weights, masks))
    }
    if (method === 'cbs-update')
      return this.#finish({}, weights, this.#updated(gradients, blocks, weights, this.#magnitudeMasks(weights, keep)))
    return this.#brainSurgeon(stage, gradients, blocks, weights, keep)
  }

  /** The local search, and for `cbs` the update: of its masks, and not in faithful mode of those that it starts from, the better ones. */
  #brainSurgeon(
    stage: number,
    gradients: Gradients,
    blocks: Block[],
    weights: Float32Array[],
    keep: number,
  ): StageReport {
    const { method, faithful, candidates } = this.#options
    const start = this.#timed('search', () => this.#start(weights, keep, stage === 1 ? candidates : 1))
    const { masks, search } = this.#timed('search', () => this.#search(blocks, weights, start))
    if (method === 'cbs-select') return this.#finish({ search }, weights, { masks })
    const searched = this.#updated(gradients, blocks, weights, masks)
    if (faithful) return this.#finish({ search }, weights, searched)
    const unsearched = this.#updated(gradients, blocks, weights, start)
    return this.#finish({ search }, weights, searched, unsearched)
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

  #woodfisher({ space }: Gradients, blocks: Block[], weights: Float32Array[], keep: number): StageReport {
    const { lambda } = this.#options
    const wholes = weights.map((w) => w.map((x) => (x === 0 ? 0 : 1)))
    const report: Partial<StageReport> = { residual: 0 }
    // A single block's inverse serves both passes; several are made twice, so that one at a time is in memory.
    const each = <T>(visit: (inverse: DampedInverse, own: Own) => T[]): T[] =>
      eachBlock(blocks, (block, own) =>
        space.scoped(() => visit(new DampedInverse(space, block, lambda, own(wholes)), own)),
      )
    let masks: Float32Array[] = []
    const choose = (diagonals: Float64Array[]) => {
      const scores = diagonals.map((diagonal, t) =>
        woodfisherSaliency(weights[t], diagonal).map((s, q) => (weights[t][q] === 0 ? 0 : s)),
      )
      masks = this.#topMasks(scores, keep)
      return masks.map((mask, t) => mask.map((m, q) => (m === 0 && weights[t][q] !== 0 ? 1 : 0)))
    }
    const diagonal = (inverse: DampedInverse) => {
      report.residual = Math.max(report.residual ?? 0, inverse.residual)
      const total = inverse.size
      return inverse.diagonal((done) =>
        this.#options.onProgress('inverse', `${done} of ${total} weights`, done / total),
      )
    }
    const compensation = this.#timed('inverse', () => {
      if (blocks.length === 1)
        return each((inverse) => {
          const diagonals = diagonal(inverse)
          return woodfisherUpdate(inverse, weights, diagonals, choose(diagonals))
        })
      const diagonals = each((inverse) => diagonal(inverse))
      const pruned = choose(diagonals)
      return each((inverse, own) => woodfisherUpdate(inverse, own(weights), own(diagonals), own(pruned)))
    })
    return this.#finish(report, weights, { masks, update: { compensation } })
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

  #search(blocks: Block[], weights: Float32Array[], start: Float32Array[]) {
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

  /** Masks with CBS-U's update. */
  #updated(
    { space }: Gradients,
    blocks: readonly Block[],
    weights: readonly Float32Array[],
    masks: Float32Array[],
  ): Candidate {
    const parts = this.#timed('update', () =>
      eachBlock(blocks, (block, own) => {
        const what = block.tensors.map(({ name }) => name).join(', ')
        this.#options.onProgress('update', `solving for the kept weights of ${what}`)
        const { compensation, descent } = systematicUpdate(space, block, own(weights), own(masks), this.#options.lambda)
        return compensation.map((change, t) => [change, descent[t]])
      }),
    )
    return { masks, update: { compensation: parts.map(([change]) => change), descent: parts.map(([, step]) => step) } }
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
      ...(search && { search: { ...search, taken: best === tried[0] } }),
      kept: masks.reduce((sum, mask) => sum + mask.reduce((a, b) => a + b, 0), 0),
      selected: best.selected,
      ...(update && { scale: best.scale, updated: best.loss }),
      ...(update?.descent && { firstOrder: best.firstOrder }),
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

  #blocks({ samples, tensors }: Gradients): Block[] {
    return this.#options.fisher === 'full'
      ? [{ samples, tensors }]
      : tensors.map((tensor) => ({ samples, tensors: [tensor] }))
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

/** Of one item per tensor of all blocks, those of the present block. */
type Own = <T>(all: readonly T[]) => T[]

/** What `visit` returns for each block, one item per tensor, in the order of all tensors. */
function eachBlock<T>(blocks: readonly Block[], visit: (block: Block, own: Own) => T[]): T[] {
  let t = 0
  return blocks.flatMap((block) => {
    const [first, last] = [t, (t += block.tensors.length)]
    return visit(block, (all) => all.slice(first, last))
  })
}
