/**
 * @file Second-order pruning of a trained network, without training: gradients, a choice of weights, an
 * update of the others; once, or in stages of growing sparsity with new gradients at each.
 */
import { Workspace } from '../../linear/workspace.ts'
import { keptCount } from '../../sparsity/count.ts'
import { costOf, weightCosts } from '../../sparsity/multiply-adds.ts'
import type { Network } from '../../train/network.ts'
import { grouped } from '../../util/format.ts'
import { checkFlops } from '../flops.ts'
import { proposeBrainSurgeon } from './brain-surgeon/stage.ts'
import { lowestLoss, moved, unchanged } from './candidates.ts'
import { proposeChita } from './chita/stage.ts'
import { proposeFalcon } from './falcon/stage.ts'
import { FisherColumns } from './fisher/fisher-columns.ts'
import type { GradientSource } from './fisher/gradients.ts'
import { FIRST_LOOK, Judge } from './judge.ts'
import type { TensorCosts } from './masks.ts'
import { proposeObd } from './obd/stage.ts'
import {
  knowsFlops,
  type SecondOrderMethod,
  type SecondOrderOptions,
  type SecondOrderResult,
  type StageReport,
  usualStages,
} from './options.ts'
import { Clock, magnitudeMasks, type Proposal, type Settings, type Stage } from './stage.ts'
import { proposeUpdate } from './updates.ts'
import { proposeWoodfisher } from './woodfisher/stage.ts'

export * from './options.ts'

/** What a method with gradients makes of a stage. */
const proposals: Record<Exclude<SecondOrderMethod, 'magnitude'>, (stage: Stage) => Proposal> = {
  obd: proposeObd,
  woodfisher: proposeWoodfisher,
  'cbs-select': proposeBrainSurgeon,
  'cbs-update': proposeUpdate,
  cbs: proposeBrainSurgeon,
  chita: proposeChita,
  falcon: proposeFalcon,
}

/**
 * Prunes some tensors of a network: the weights that it holds afterwards are the result, and its masks say
 * which are pruned. Throws UserError where the method or the scope knows no budget of multiply-adds and one
 * is asked for.
 */
export function pruneSecondOrder(
  network: Network,
  source: GradientSource,
  options: SecondOrderOptions,
): SecondOrderResult {
  return new SecondOrderPruning(network, source, options).run()
}

/** So many stages tell of all that they do; more of themselves alone. */
const FEW = 5

class SecondOrderPruning {
  readonly #network: Network
  readonly #source: GradientSource
  readonly #settings: Settings
  readonly #size: number
  /** Weights that are not zero, before pruning. */
  readonly #before: number
  /** What weights may cost in the end, and what those that are not zero cost before pruning. */
  readonly #multiplyAdds?: TensorCosts & { before: number }
  readonly #stages: number
  readonly #onProgress: Settings['onProgress']
  readonly #judge: Judge
  readonly #judgeStart: Judge
  readonly #clock = new Clock()
  /** Of all stages, once it was needed. */
  #space?: Workspace

  constructor(network: Network, source: GradientSource, options: SecondOrderOptions) {
    this.#network = network
    this.#source = source
    const { method, judge, judgeStart, fisher = 'full', faithful = false, onProgress = () => {} } = options
    const { scope = 'global', seed = 0, flops } = options
    checkFlops('flops', method, { flops: knowsFlops(method) }, { flops, scope })
    const { scale = faithful ? 1 : 'search', firstOrder = faithful ? 0 : 'search' } = options
    const { candidates = faithful ? 50 : 10, limits = {}, between = () => {} } = options
    const usual = { fisher, faithful, scope, seed, scale, firstOrder, candidates, limits, between, onProgress }
    this.#settings = { ...options, ...usual }
    this.#judge = new Judge(network, source.tensors, judge, fisher === 'full' || faithful ? undefined : FIRST_LOOK)
    this.#judgeStart = judgeStart ? new Judge(network, source.tensors, judgeStart) : this.#judge.first
    const weights = this.#weights()
    this.#size = weights.reduce((sum, { length }) => sum + length, 0)
    this.#before = weights.reduce((sum, w) => sum + w.filter((x) => x !== 0).length, 0)
    const kept = keptCount(this.#size, options.sparsity)
    this.#multiplyAdds = flops === undefined ? undefined : affordable(network, source.tensors, weights, flops)
    const tight = Math.min(kept, this.#before * shareLeft(this.#multiplyAdds))
    this.#stages = options.stages ?? (faithful ? 1 : usualStages(method, fisher, this.#before, tight))
    this.#onProgress = onProgress
    if (this.#stages > FEW) this.#settings.onProgress = () => {}
  }

  run(): SecondOrderResult {
    const { sparsity, between } = this.#settings
    if (this.#stages > FEW) this.#onProgress('stages', '', 0)
    const kept = keptCount(this.#size, sparsity)
    const stages: StageReport[] = []
    for (let stage = 1; stage < this.#stages; stage++) {
      const keep = Math.round(this.#before * (kept / this.#before) ** (stage / this.#stages))
      // Where it is the last count already, rounding must not show.
      stages.push(this.#stage(stage, keep, keep === kept ? sparsity : 1 - keep / this.#size))
      this.#tell(stages)
      between()
    }
    stages.push(this.#stage(this.#stages, kept, sparsity))
    this.#tell(stages)
    this.#network.applyMasks()
    return { size: this.#size, kept: stages[this.#stages - 1].kept, stages, seconds: this.#clock.seconds }
  }

  /** Of many stages, where they are; of few, each has told of its own parts. */
  #tell(stages: readonly StageReport[]): void {
    if (this.#stages <= FEW) return
    const { kept, selected, updated = selected } = stages[stages.length - 1]
    const text = `${stages.length} of ${this.#stages}, ${grouped(kept)} weights left, loss ${updated.toFixed(4)}`
    this.#onProgress('stages', text, stages.length / this.#stages)
  }

  #stage(stage: number, keep: number, sparsity: number): StageReport {
    const weights = this.#weights()
    const { method } = this.#settings
    const [settings, judge, judgeStart, clock] = [this.#settings, this.#judge, this.#judgeStart, this.#clock]
    const multiplyAdds = this.#affordableAt(stage)
    const given = { stage, keep, sparsity, multiplyAdds, weights, settings, judge, judgeStart, clock }
    if (method === 'magnitude') return this.#finish(weights, { tried: [unchanged(given, magnitudeMasks(given))] })
    this.#space ??= new Workspace(this.#network.machine, this.#source.room(this.#network))
    const space = this.#space
    return space.scoped(() => {
      const columns = this.#columns(stage, weights, space)
      return this.#finish(weights, proposals[method]({ ...given, space, columns }))
    })
  }

  /** The budget of multiply-adds after a stage, which falls as the weights that are kept do. */
  #affordableAt(stage: number): TensorCosts | undefined {
    if (!this.#multiplyAdds) return undefined
    const { costs, before, most } = this.#multiplyAdds
    const share = shareLeft(this.#multiplyAdds)
    return { costs, most: stage === this.#stages ? most : Math.round(before * share ** (stage / this.#stages)) }
  }

  #columns(stage: number, weights: readonly Float32Array[], space: Workspace): FisherColumns {
    const [network, source, samples] = [this.#network, this.#source, this.#samplesOf(stage)]
    const sizes = weights.map(({ length }) => length)
    return new FisherColumns(source, sizes, space, this.#settings.fisher, (group, name) =>
      this.#clock.timed('gradients', () => {
        const progress = (done: number, total: number) =>
          this.#settings.onProgress('gradients', `${name}${done} of ${total} gradients`, done / total)
        this.#settings.onProgress('gradients', '', 0)
        return source.collect(network, samples, progress, group, space)
      }),
    )
  }

  /** The training samples whose gradients a stage takes. */
  #samplesOf(stage: number): Uint32Array {
    const { gradients } = this.#settings
    const { count } = this.#source
    if (gradients.length === 0 || gradients.length % count !== 0)
      throw new Error(`expected ${count} training samples or a multiple, found ${gradients.length}`)
    const first = ((stage - 1) * count) % gradients.length
    return gradients.subarray(first, first + count)
  }

  /** Puts the best candidate, moved by the best step along its update, into the network. */
  #finish(weights: readonly Float32Array[], { tried, report }: Proposal): StageReport {
    const best = lowestLoss(tried)
    const { masks, update, selected, step } = best
    const final = update ? moved(weights, update, step) : weights
    this.#source.tensors.forEach((name, t) => {
      this.#network.values(name).set(final[t])
      this.#network.mask(name).set(masks[t])
    })
    this.#network.applyMasks()
    const search = report?.search && { ...report.search, taken: masks === tried[0].masks }
    const counts = masks.map((mask) => mask.reduce((a, b) => a + b, 0))
    const costs = this.#multiplyAdds?.costs
    return {
      ...report,
      ...(search && { search }),
      kept: counts.reduce((sum, count) => sum + count, 0),
      ...(costs && { multiplyAdds: counts.reduce((sum, count, t) => sum + count * costs[t], 0) }),
      selected,
      ...(update && { scale: step.scale, updated: step.loss }),
      ...(update?.descent && { firstOrder: step.firstOrder, damping: update.damping }),
    }
  }

  #weights(): Float32Array[] {
    return this.#source.tensors.map((name) => Float32Array.from(this.#network.values(name)))
  }
}

/** The share of their multiply-adds that weights may keep, 0 to 1. */
const shareLeft = (budget: { before: number; most: number } | undefined): number =>
  budget && budget.most < budget.before ? budget.most / budget.before : 1

function affordable(network: Network, names: readonly string[], weights: readonly Float32Array[], flops: number) {
  const all = weightCosts(network.model)
  const costs = names.map((name) => costOf(all, name))
  const sum = (of: (w: Float32Array) => number) => weights.reduce((total, w, t) => total + of(w) * costs[t], 0)
  return {
    costs,
    before: sum((w) => w.reduce((count, x) => count + (x === 0 ? 0 : 1), 0)),
    most: keptCount(
      sum(({ length }) => length),
      1 - flops,
    ),
  }
}
