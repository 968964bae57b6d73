/**
 * @file From targets to sparsities, all of it: what can be refused at once, levels, their costs, the search,
 * and the corrections after really pruning to what was found.
 */
import type { Machine } from '../engine/machine.ts'
import type { StoredForm } from '../figures/figures.ts'
import type { Yardstick } from '../figures/time.ts'
import { type TensorFile, toFloats } from '../formats/safetensors-bytes.ts'
import type { WeightsFile } from '../formats/weights-file.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { weightCosts } from '../sparsity/multiply-adds.ts'
import { weightsOf } from '../train/checkpoint.ts'
import type { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { random } from '../util/random.ts'
import { DropLimit } from './drop-limit.ts'
import { type LatencyOptions, measureLatency, timeAt, yardstickOf } from './latency.ts'
import { type KeptLevels, measureLevels } from './levels.ts'
import { checkLimits, LIMIT_NAMES, type LimitNames, type Limits } from './limits.ts'
import { type Sought, sized } from './met-size.ts'
import { energyLosses, keyOf, measuredLosses, refine } from './refine.ts'
import { type Choice, leastFlops, refuseIdle, refuseImpossible, type SearchOptions, search, tooFast } from './search.ts'
import { type SizeOptions, sizesOf } from './sizes.ts'
import type { TensorLevels } from './tensor-levels.ts'
import type { Judged, Trials } from './trials.ts'

export interface ChooseOptions {
  trials: Trials
  model: Model
  /** The dense weights, and what messages call their file. */
  file: WeightsFile
  source: string
  /** The tensors that are pruned. */
  tensors: readonly Tensor[]
  limits: Limits
  /** What messages call the limits. Default: as here. */
  names?: LimitNames
  /**
   * What a target of time is of: a machine, samples at a time (default 1), and the dense network's turns
   * there, where it had some already.
   */
  timing?: { machine: Machine; batch?: number; yardstick?: Yardstick }
  /** The form whose size is limited. Default `sparse`: safetensors, zeros left out where that is smaller. */
  stored?: StoredForm
  /** Whether the compressed form is that of a file with its zeros, such as ONNX. Default false. */
  zeros?: boolean
  /** Bytes of something compressed, for the form `brotli`. Default: by brotli, which pages do not have. */
  compress?: SizeOptions['compress']
  /**
   * Bytes of what would be written of pruned weights, where levels say it roughly only. The budget is then
   * corrected until it is met. Default: levels say it.
   */
  sizeOf?(weights: TensorFile): number | Promise<number>
  /** Levels. Default: as many as {@link Trials.effort} says. */
  sparsities?: readonly number[]
  store?: KeptLevels
  /** A part of the work, what of it was done last, and the share of the part that is done. */
  onProgress?(part: 'levels' | 'times' | 'choices' | 'drop' | 'size', text: string, share?: number): void
}

export interface Chosen extends Choice {
  /** All that there was to choose from. */
  tensors: TensorLevels[]
  /** Where there is a target of time: the dense network's turns, for later measurements. */
  yardstick?: Yardstick
}

/**
 * The sparsity of every tensor with which the network meets its targets at the least loss. Throws UserError,
 * one sentence that names the target, where there is nothing to do, where a target cannot be met, or not with
 * the others; before levels are measured where that is known by then.
 */
export async function chooseSparsities(options: ChooseOptions): Promise<Chosen> {
  const { trials, model, file, source, limits, names = LIMIT_NAMES, timing, onProgress = () => {} } = options
  const { drop, ...targets } = limits
  const { sparsities = trials.effort.sparsities, store, tensors } = options
  checkLimits(limits, names)
  checkOptions(options, names)
  const timed: LatencyOptions | undefined =
    targets.milliseconds === undefined || !timing
      ? undefined
      : { ...timing, file, model: file.onnx ? undefined : model.name, source }
  const yardstick = timed && (timing?.yardstick ?? yardstickOf(timed))
  const costs = weightCosts(model)
  const searched = async (levels: TensorLevels[]) => {
    const { sizes, otherBytes } = await sizesOf(file, levels, sizeFormOf(options))
    return { tensors: levels, targets, costs, sizes, otherBytes, names }
  }
  if (Object.values(targets).some((target) => target !== undefined))
    await refuseAtOnce(await searched(roughLevels(file, tensors, sparsities)), timed && { ...timed, yardstick })

  const progress = (text: string, share: number) => onProgress('levels', text, share)
  const levels = await measureLevels(trials, tensors, { sparsities, store, progress })
  const within = await searched(levels)
  const latency =
    timed &&
    (await measureLatency(levels, {
      ...timed,
      yardstick,
      progress: (done, total) => onProgress('times', `level ${done} of ${total}`, done / total),
    }))
  const all: SearchOptions = {
    ...within,
    latency,
    ...(timed && { time: (chosen) => timeAt(levels, chosen, { ...timed, yardstick }) }),
  }
  const prune = async (choice: Choice) => (await trials.prune(tensors, choice.sparsities, { afterwards: true })).network
  const choose = async (some: SearchOptions): Promise<Sought> => {
    // Corrected budgets go by the losses of the best choice for the first one.
    if (some.losses) return { choice: await search(some), losses: some.losses }
    if (drop === undefined) return refined(some, prune, options)
    const limit = new DropLimit<Choice>(drop, {
      trials,
      name: names.drop,
      targets: some.targets,
      leastFlops: leastFlops(some),
      search: (of) => search({ ...some, targets: of }),
      prune,
      onTry: (text) => onProgress('drop', text),
    })
    return { choice: await limit.choose() }
  }
  const { sizeOf } = options
  const found =
    targets.bytes === undefined || !sizeOf
      ? (await choose(all)).choice
      : await sized(all, {
          bytes: targets.bytes,
          name: names.bytes,
          choose,
          prune: async (choice) => weightsOf(await prune(choice)),
          sizeOf,
          onTry: (text) => onProgress('size', text),
        })
  return { ...found, tensors: levels, ...(yardstick && { yardstick }) }
}

/**
 * The best of some choices, each really pruned; the first of them has the least sum of losses. On the way the
 * time of a choice is that of its layers, in proportion to what the first one took as a whole; the best one
 * is measured, and corrected where it missed.
 */
async function refined(
  all: SearchOptions,
  prune: (choice: Choice) => Promise<Network>,
  { trials, file, onProgress = () => {} }: ChooseOptions,
): Promise<Sought> {
  const first = await search(all)
  const { tries } = trials.effort
  const { energy, share } = energyLosses(all.tensors, (name) => toFloats(file.tensors.get(name)!))
  const judged = new Map<string, number>()
  const judge = async (choice: Choice) => {
    const key = keyOf(choice)
    const known = judged.get(key) ?? badness(trials.judge(await prune(choice), { thoroughly: true }))
    judged.set(key, known)
    return known
  }
  const time = predictedTime(all, first)
  const losses = measuredLosses(all.tensors)
  const best = await refine(first, {
    losses,
    others: [share, energy],
    tries,
    draw: random(trials.seed, 'choices for targets'),
    search: (weighted) => search({ ...all, losses: weighted, time }).catch(unlessUserError),
    judge,
    onTry: (done) => onProgress('choices', `${done} of ${tries}`, done / tries),
  })
  if (!time || best.choice === first) return best
  const met = await search({ ...all, losses: best.losses }).catch(unlessUserError)
  return met && (await judge(met)) < (await judge(first)) ? { ...best, choice: met } : { choice: first, losses }
}

/** Milliseconds of a choice by those of its layers; undefined where there is no target of time. */
function predictedTime({ latency }: SearchOptions, first: Choice): SearchOptions['time'] {
  if (!latency || first.milliseconds === undefined) return undefined
  const sumOf = (levels: ReadonlyMap<string, number>) =>
    [...levels].reduce((sum, [name, level]) => sum + latency.layers.get(name)![level], latency.rest)
  const factor = first.milliseconds / sumOf(first.levels)
  return (levels) => factor * sumOf(levels)
}

/**
 * What choices are compared by: errors, then loss. The loss of a network that is surer than it should be
 * falls where pruning makes it less sure, though more is wrong.
 */
const badness = ({ loss, accuracy }: Judged): number => (accuracy === undefined ? loss : 1 - accuracy + 1e-6 * loss)

/** Undefined in the place of a UserError: what only one choice cannot meet is no error. */
function unlessUserError(error: unknown): undefined {
  if (!(error instanceof UserError)) throw error
}

/** Throws UserError where a limit lacks what it needs, or levels are none. */
function checkOptions({ limits, timing, sparsities, tensors }: ChooseOptions, names: LimitNames): void {
  if (tensors.length === 0) throw new UserError('tensors: expected some that are pruned, found none')
  if (limits.milliseconds !== undefined && !timing)
    throw new UserError(`${names.milliseconds}: expected timing, the machine that it is of, found none`)
  if (sparsities?.some((sparsity, i) => !(sparsity > (sparsities[i - 1] ?? 0) && sparsity < 1)))
    throw new UserError(`sparsities: expected ascending ones above 0 and below 1, found ${sparsities.join(', ')}`)
}

const sizeFormOf = ({ stored = 'sparse', zeros = false, compress, limits }: ChooseOptions): SizeOptions => ({
  // Compression takes time, and nothing asks for it without a target.
  form: limits.bytes === undefined ? 'sparse' : stored,
  zeros,
  compress,
})

/** Levels as they will be: as many weights, those of the largest magnitude, and no losses. */
function roughLevels(file: TensorFile, tensors: readonly Tensor[], sparsities: readonly number[]): TensorLevels[] {
  return tensors.map(({ name }) => {
    const magnitudes = toFloats(file.tensors.get(name)!).map(Math.abs)
    const ascending = magnitudes.slice().sort()
    const size = magnitudes.length
    const levels = [0, sparsities.at(-1)!].map((sparsity) => {
      const least = sparsity === 0 ? Number.MIN_VALUE : ascending[Math.min(size - 1, Math.round(sparsity * size))]
      const mask = new Uint8Array(Math.ceil(size / 8))
      let kept = 0
      magnitudes.forEach((magnitude, i) => {
        if (magnitude < least || magnitude === 0) return
        mask[i >> 3] |= 1 << (i & 7)
        kept++
      })
      return { sparsity, kept, mask, loss: 0 }
    })
    return { name, size, levels }
  })
}

/** How much less than rough levels take may be asked for: real ones lie elsewhere. */
const LEEWAY = 0.8

/** Throws UserError where it is known before levels are measured that there is nothing to do, or too much. */
async function refuseAtOnce(rough: Omit<SearchOptions, 'latency' | 'time'>, timed?: LatencyOptions): Promise<void> {
  const { targets, tensors } = rough
  if (!timed) refuseIdle(rough)
  refuseImpossible(rough, LEEWAY)
  if (!timed) return
  const fastest = await timeAt(tensors, new Map(tensors.map(({ name }) => [name, 1])), timed)
  refuseIdle({ ...rough, latency: timed.yardstick })
  if (LEEWAY * fastest > targets.milliseconds!) throw tooFast(rough, fastest)
}
