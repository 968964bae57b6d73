/**
 * @file Rewiring while a network trains: a hook that gives the nonzeros of its sparse tensors to a method
 * (src/methods/rewiring) at some steps, moves them, and keeps account of which places have ever been tried.
 */
import type { Floats } from '../../engine/machine.ts'
import type { StoredTensor, TensorFile } from '../../formats/safetensors-bytes.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { type RunName, runLength, runNames } from '../../sparsity/granularity/runs.ts'
import type { Network } from '../../train/network.ts'
import type { Hook } from '../../train/train.ts'
import { filtered, moved, type Nonzeros } from '../../train/weights.ts'
import { checkName, checkWhole } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { random } from '../../util/random.ts'
import { type RewiringEvent, rewiredLayer } from './event.ts'
import { eachGrown, type HiddenWeights } from './hidden-weights.ts'
import { outputLayer } from './output-layer.ts'
import { type Moves, movedPositions, type Rewiring, type RewiringContext, type SparseLayer } from './rewiring.ts'
import { isNormalized } from './row-normalized.ts'
import { inRuns, meansOfRuns, ofWeights } from './runs.ts'
import { smoothedName } from './smoothed-gradients.ts'

export interface RewiringSchedule {
  /** Steps taken when the sparse network is there: the method begins. */
  start: number
  /** No event at this step or after it. */
  end: number
  /** Steps between events, at a step. */
  period(step: number): number
}

export interface RewiringOptions {
  rewiring: Rewiring
  /** What moves together; the network was pruned in the same runs. Default: single weights. */
  granularity?: RunName
  /**
   * Whether something else prunes the network on at steps of events or between them, so that tensors without
   * zeros may get some and others lose weights. Default: false.
   */
  gradual?: boolean
  schedule: RewiringSchedule
  /** Learning rate of the step before `step`. */
  rate(step: number): number
  seed: number
  /**
   * Dense gradients that the method looks at: of a training batch drawn for the event (the network needs the
   * option `denseGradients`), or smoothed over all steps (it needs the rule `smoothedGradients`). Default:
   * none.
   */
  gradients?: 'batch' | 'smoothed'
  /**
   * Weights behind the masks, as in DSR's published code, whose events come a step later. They need dense
   * kernels. Default: none.
   */
  hidden?: HiddenWeights
  /** Places, ascending, where nothing should grow at random, by tensor: {@link idlePlaces}. Default: none. */
  idle?: ReadonlyMap<string, Int32Array>
  /** Whether `onEvent` is told of the event at a step. Default: of all. */
  logged?(step: number): boolean
  onEvent?(event: RewiringEvent): void
}

/** Of a place: it has held a weight, it did so at the start. */
const [EVER, START] = [1, 2]

export class RewiringHook implements Hook {
  readonly #options: RewiringOptions
  /** Of each sparse tensor: a byte for every place. */
  #explored = new Map<string, Uint8Array>()
  /** Places that have ever held a weight. */
  #ever = 0
  /** Weights at the start. */
  #weights = 0
  /** What of the model an event wants to know; found at the first one. */
  #facts?: Pick<RewiringContext, 'normalized' | 'outputLayer'>

  /** Throws UserError where an option has no value that it can have. */
  constructor(options: RewiringOptions) {
    const { schedule, rate, seed, gradients, granularity } = options
    for (const key of ['start', 'end'] as const) checkWhole(`schedule.${key}`, schedule?.[key] ?? null, 0)
    for (const [name, value] of Object.entries({ 'schedule.period': schedule.period, rate }))
      if (typeof value !== 'function') throw new UserError(`${name}: expected a function of the step, found ${value}`)
    checkWhole('seed', seed ?? null, 0)
    checkName('gradients', gradients, ['batch', 'smoothed'])
    checkName('granularity', granularity, runNames)
    this.#options = options
  }

  atStep(step: number, network: Network): void {
    const { schedule, hidden, rate } = this.#options
    const { start, end, period } = schedule
    if (step === start) this.#begin(network)
    if (step <= start) return
    hidden?.step(network, rate(step))
    const time = hidden ? step - 1 : step
    if (time > start && time < end && time % period(time) === 0) this.#rewire(step, network)
  }

  /** For checkpoints: the method's state, and what is known of places. */
  save(): { state: Record<string, number>; tensors: Map<string, StoredTensor> } {
    const tensors = [...this.#explored].map(([name, data]) => {
      return [exploredKey(name), { dtype: 'U8', shape: [data.length], data }] as const
    })
    const hidden = this.#options.hidden?.save() ?? []
    return { state: this.#options.rewiring.state(), tensors: new Map([...tensors, ...hidden]) }
  }

  /** Goes on from what {@link save} gave; tensors that the file does not have were not sparse. */
  restore(state: Readonly<Record<string, number>>, file: TensorFile, network: Network): void {
    this.#options.rewiring.restore(state)
    for (const { name } of network.prunable) {
      const stored = file.tensors.get(exploredKey(name))
      if (!stored) continue
      const places = Uint8Array.from(stored.data as Uint8Array)
      this.#explored.set(name, places)
      this.#options.hidden?.restore(name, file)
      for (const place of places) {
        this.#ever += place & EVER
        if (place & START) this.#weights++
      }
    }
  }

  /** Tensors that have zeros now are those that are rewired from now on. */
  #begin(network: Network): void {
    for (const { name, shape } of network.prunable) {
      if (network.weights.count(name) === sizeOf(shape)) continue
      this.#join(name, sizeOf(shape), network.weights.nonzeros(name).positions)
    }
    this.#options.hidden?.begin(this.#explored.keys())
    const { begin } = this.#options.rewiring
    if (!begin) return
    const held = this.#held(network)
    begin(held.layers)
    network.weights.setAllNonzeros(held.nonzeros)
  }

  /** A tensor is rewired from now on, which held weights at these positions at the start. */
  #join(name: string, size: number, positions: Iterable<number>): void {
    const places = new Uint8Array(size)
    for (const position of positions) {
      places[position] = EVER | START
      this.#ever++
      this.#weights++
    }
    this.#explored.set(name, places)
  }

  /** Tensors that were dense until now and have been pruned are rewired, too. */
  #joinPruned(network: Network): void {
    for (const { name, shape } of network.prunable) {
      const size = sizeOf(shape)
      if (this.#explored.has(name) || network.weights.count(name) === size) continue
      this.#join(name, size, Array(size).keys())
    }
  }

  #held(network: Network): { layers: SparseLayer[]; nonzeros: Map<string, Nonzeros> } {
    const nonzeros = new Map([...this.#explored.keys()].map((name) => [name, network.weights.nonzeros(name)]))
    const rows = new Map(network.prunable.map(({ name, shape }) => [name, shape[0]]))
    const layers = [...nonzeros].map(([name, { positions, values }]) => ({
      name,
      length: 1,
      positions,
      values,
      size: this.#explored.get(name)!.length,
      rows: rows.get(name)!,
      idle: this.#options.idle?.get(name),
    }))
    return { layers, nonzeros }
  }

  /** Weights of a place of each sparse tensor. */
  #lengths({ prunable }: Network): Map<string, number> {
    const { granularity = 'weight' } = this.#options
    return new Map(prunable.map(({ name, shape }) => [name, runLength(granularity, shape)]))
  }

  #rewire(step: number, network: Network): void {
    const began = performance.now()
    const { rewiring, gradual, schedule, rate, seed, hidden, logged = () => true, onEvent } = this.#options
    if (gradual) this.#joinPruned(network)
    const gradients = this.#gradients(step, network)
    const { layers, nonzeros } = this.#held(network)
    const lengths = this.#lengths(network)
    const inPlaces = layers.map((layer) => inRuns(layer, lengths.get(layer.name)!))
    const movedPlaces = rewiring.event(inPlaces, {
      step,
      rate: rate(step),
      elapsed: (step - schedule.start) / (schedule.end - schedule.start),
      owed: gradual ? 0 : this.#weights - layers.reduce((sum, { positions }) => sum + positions.length, 0),
      ...this.#factsOf(network),
      draw: (name) => random(seed, 'rewiring', name, step),
      gradient(name) {
        const length = lengths.get(name)!
        return length === 1 ? gradients.get(name)! : meansOfRuns(gradients.get(name)!, length)
      },
    })
    const moves = movedPlaces.map((some, i) => ofWeights(some, inPlaces[i].length))
    layers.forEach((layer, i) => {
      const before = nonzeros.get(layer.name)!
      const after = afterMoves(layer, before, moves[i])
      const draw = rewiring.drawn ? this.#newWeights(layer.name, step, network) : undefined
      hidden?.event(layer.name, before, moves[i].pruned, after, moves[i].grown, draw)
      if (draw && !hidden)
        eachGrown(after, moves[i].grown, (e, place) => {
          const value = draw()
          after.values[e] = rewiring.beginsWith?.(layer.name, place, value) ?? value
        })
      nonzeros.set(layer.name, after)
      const places = this.#explored.get(layer.name)!
      for (const position of moves[i].grown) {
        if (!(places[position] & EVER)) this.#ever++
        places[position] |= EVER
      }
    })
    network.weights.setAllNonzeros(nonzeros)
    network.fitKernels()
    if (!onEvent || !logged(step)) return
    const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0)
    onEvent({
      step,
      pruned: sum(moves.map(({ pruned }) => pruned.length)),
      grown: sum(moves.map(({ grown }) => grown.length)),
      state: rewiring.state(),
      layers: layers.map((layer, i) => rewiredLayer(layer, moves[i], nonzeros.get(layer.name)!.positions)),
      ...this.#exploration(nonzeros),
      seconds: (performance.now() - began) / 1000,
    })
  }

  #factsOf({ model, prunable }: Network): Pick<RewiringContext, 'normalized' | 'outputLayer'> {
    // Which tensors have been pruned by the first event after a resumption must not matter.
    const names = this.#options.gradual ? prunable.map(({ name }) => name) : [...this.#explored.keys()]
    this.#facts ??= { normalized: isNormalized(model, names), outputLayer: outputLayer(model) }
    return this.#facts
  }

  #gradients(step: number, network: Network): Map<string, Floats> {
    const { gradients } = this.#options
    if (gradients === 'smoothed')
      return new Map(network.prunable.map(({ name }) => [name, network.state(smoothedName(name))]))
    return gradients === 'batch' ? this.#batchGradients(step, network) : new Map()
  }

  /** Dense gradients of a batch of training samples, drawn for this event. */
  #batchGradients(step: number, network: Network): Map<string, Floats> {
    const draw = random(this.#options.seed, 'rewiring batch', step)
    const { train } = network.indices
    const samples = Uint32Array.from(
      { length: Math.min(network.batch, train.length) },
      () => train[draw.below(train.length)],
    )
    const found = network.denseGradients(samples, { seed: this.#options.seed, epoch: 0, step })
    return new Map(network.prunable.map(({ name }, i) => [name, found[i]]))
  }

  /** Draws values of weights that grow, as wide as those that the tensor began with in DSR's code. */
  #newWeights(name: string, step: number, { prunable }: Network): () => number {
    const [outputs, inputs, ...kernel] = prunable.find((tensor) => tensor.name === name)!.shape
    const variance = kernel.length > 0 ? 2 / (outputs * sizeOf(kernel)) : 1 / inputs
    const draw = random(this.#options.seed, 'rewiring values', name, step)
    return () => Math.sqrt(variance) * draw.normal()
  }

  #exploration(nonzeros: ReadonlyMap<string, Nonzeros>): { explored: number; remaining: number } {
    let [places, weights, old] = [0, 0, 0]
    for (const [name, flags] of this.#explored) {
      places += flags.length
      const { positions } = nonzeros.get(name)!
      weights += positions.length
      for (const position of positions) if (flags[position] & START) old++
    }
    return { explored: this.#ever / places, remaining: old / weights }
  }
}

const exploredKey = (name: string) => `${name}.explored`

/**
 * What stays keeps value and momentum, what grows begins at zero, also where something was just taken away.
 */
function afterMoves(layer: SparseLayer, before: Nonzeros, moves: Moves): Nonzeros {
  const goes = new Uint8Array(layer.positions.length)
  for (const e of moves.pruned) goes[e] = 1
  return moved(
    filtered(before, (e) => goes[e] === 0),
    movedPositions(layer, moves),
  )
}
