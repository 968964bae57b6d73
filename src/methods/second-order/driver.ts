/**
 * @file Second-order pruning of a trained network, without training: gradients, a choice of weights, an
 * update of the others; once, or in stages of growing sparsity with new gradients at each.
 */
import { Workspace } from '../../linear/workspace.ts'
import { costOf, weightCosts } from '../../sparsity/multiply-adds.ts'
import type { Network } from '../../train/network.ts'
import { grouped } from '../../util/format.ts'
import { checkFlops } from '../flops.ts'
import { Budget } from './budget.ts'
import { lowestLoss, moved } from './candidates.ts'
import { type Composition, compose, knowsFlops, usesGradients, usualStages } from './composition.ts'
import { FisherColumns } from './fisher/fisher-columns.ts'
import type { GradientSource } from './fisher/gradients.ts'
import { FIRST_LOOK, Judge } from './judge.ts'
import { kroneckerRoom } from './kfac/kronecker-inverse.ts'
import type { SecondOrderOptions, SecondOrderResult, StageReport } from './options.ts'
import { propose } from './propose.ts'
import { Clock, type Proposal, type Settings } from './stage.ts'

export * from './options.ts'

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
  readonly #budget: Budget
  /** Multiply-adds of each weight of a tensor, where there is a budget of them. */
  readonly #costs?: readonly number[]
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
    const { sparsity, sparsities, flops, judge, judgeStart, stages, ...others } = options
    const { method, onProgress = () => {} } = options
    const composition = compose(method, options)
    this.#settings = settingsOf(others, composition, divisorsOf(network, source.tensors, options.flopsPower))
    const { fisher, faithful, scope } = this.#settings
    checkFlops('flops', method, { flops: knowsFlops(composition) }, { flops, scope })
    this.#judge = new Judge(network, source.tensors, judge, fisher === 'full' || faithful ? undefined : FIRST_LOOK)
    this.#judgeStart = judgeStart ? new Judge(network, source.tensors, judgeStart) : this.#judge.first
    this.#costs = flops === undefined ? undefined : costsOf(network, source.tensors)
    this.#budget = new Budget(this.#weights(), {
      sparsity,
      sparsities,
      flops: this.#costs && { costs: this.#costs, share: flops! },
    })
    const { before, tightest } = this.#budget
    this.#stages = stages ?? (faithful ? 1 : usualStages(composition, fisher, before, tightest))
    this.#onProgress = onProgress
    if (this.#stages > FEW) this.#settings.onProgress = () => {}
  }

  run(): SecondOrderResult {
    if (this.#stages > FEW) this.#onProgress('stages', '', 0)
    const stages: StageReport[] = []
    for (let stage = 1; stage <= this.#stages; stage++) {
      stages.push(this.#stage(stage))
      this.#tell(stages)
      if (stage < this.#stages) this.#settings.between()
    }
    this.#network.applyMasks()
    return { size: this.#budget.size, kept: stages[this.#stages - 1].kept, stages, seconds: this.#clock.seconds }
  }

  /** Of many stages, where they are; of few, each has told of its own parts. */
  #tell(stages: readonly StageReport[]): void {
    if (this.#stages <= FEW) return
    const { kept, selected, updated = selected } = stages[stages.length - 1]
    const text = `${stages.length} of ${this.#stages}, ${grouped(kept)} weights left, loss ${updated.toFixed(4)}`
    this.#onProgress('stages', text, stages.length / this.#stages)
  }

  #stage(stage: number): StageReport {
    const weights = this.#weights()
    const [settings, judge, judgeStart, clock] = [this.#settings, this.#judge, this.#judgeStart, this.#clock]
    this.#space ??= new Workspace(this.#network.machine, this.#room())
    const space = this.#space
    return space.scoped(() => {
      const columns = this.#columns(stage, weights, space)
      const budget = this.#budget.at(stage, this.#stages)
      return this.#finish(
        weights,
        propose({ ...budget, stage, weights, settings, judge, judgeStart, clock, space, columns }),
      )
    })
  }

  /** Floats that gradients, and what is made of them, take. */
  #room(): number {
    const { method, composition } = this.#settings
    if (!usesGradients(composition)) return 0
    const shapes = this.#network.prunable
      .filter(({ name, shape }) => this.#source.tensors.includes(name) && shape.length === 2)
      .map(({ shape: [p, q] }) => [p, q] as const)
    return this.#source.room(this.#network) + (method === 'kfac' ? kroneckerRoom(shapes) : 0)
  }

  #columns(stage: number, weights: readonly Float32Array[], space: Workspace): FisherColumns {
    const [network, source] = [this.#network, this.#source]
    const sizes = weights.map(({ length }) => length)
    return new FisherColumns(source, sizes, space, this.#settings.fisher, (group, name) =>
      this.#clock.timed('gradients', () => {
        const progress = (done: number, total: number) =>
          this.#settings.onProgress('gradients', `${name}${done} of ${total} gradients`, done / total)
        this.#settings.onProgress('gradients', '', 0)
        return source.collect(network, this.#samplesOf(stage), progress, group, space)
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
    const costs = this.#costs
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

type Given = Omit<SecondOrderOptions, 'sparsity' | 'sparsities' | 'flops' | 'judge' | 'judgeStart' | 'stages'>

/** The options with what is usual where nothing was said. */
function settingsOf(options: Given, composition: Composition, divisors?: readonly number[]): Settings {
  const { method, gradients, start, lambda, faithful = false, scope = 'global', seed = 0 } = options
  const { scale = faithful ? 1 : 'search', firstOrder = usualFirstOrder(composition, faithful) } = options
  const { candidates = faithful ? 50 : 10, limits = {}, updateEachPass = false } = options
  const { between = () => {}, onProgress = () => {} } = options
  // Kronecker factors are those of single layers.
  const fisher = method === 'kfac' ? 'layer' : (options.fisher ?? 'full')
  return {
    method,
    composition,
    masks: typeof start === 'string' ? undefined : start,
    divisors,
    gradients,
    lambda,
    fisher,
    scope,
    seed,
    faithful,
    scale,
    firstOrder,
    candidates,
    limits,
    updateEachPass,
    between,
    onProgress,
  }
}

/** WoodFisher's update knows no first-order term, WoodTaylor's has one by definition. */
function usualFirstOrder({ start, update }: Composition, faithful: boolean): number | 'search' {
  if (start === 'woodtaylor' && update === 'single') return faithful ? 1 : 'search'
  return faithful || update === 'single' ? 0 : 'search'
}

function costsOf(network: Network, names: readonly string[]): number[] {
  const all = weightCosts(network.model)
  return names.map((name) => costOf(all, name))
}

/** The multiply-adds of a weight of each tensor to a power; undefined where it is 0. */
const divisorsOf = (network: Network, names: readonly string[], power = 0): number[] | undefined =>
  power === 0 ? undefined : costsOf(network, names).map((cost) => cost ** power)
