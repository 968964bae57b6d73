/**
 * @file A walk through a network from layer to layer, over some images: at each the products of its inputs,
 * with weights as they are then. What is alive where a layer begins is kept for all images (shelf.ts), so
 * that the way to the next one is computed from there; every part of the network is computed once. Where
 * layers are asked for in another order than that in which the network reaches them, the walk begins anew.
 *
 * Its memory: the programs of one part at a time and the products of one layer, each in one place that all of
 * them share, and what is kept.
 */
import type { SampleSet, Samples } from '../../data/dataset.ts'
import { compile } from '../../engine/compile.ts'
import { layOut } from '../../engine/lay-out.ts'
import type { Floats, Machine } from '../../engine/machine.ts'
import { reusingMemory } from '../../engine/machines/reused.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { batchTaken } from '../../train/batch-limit.ts'
import { writeSamples } from '../../train/write-samples.ts'
import { UserError } from '../../util/errors.ts'
import { Forward, SAMPLES } from './forward.ts'
import type { LayerMatrix } from './layer.ts'
import { InputProducts, productsRoom } from './products.ts'
import { Shelf } from './shelf.ts'
import { windowsOf } from './windows.ts'

/** What calibration needs of a network. */
export interface Calibrated {
  machine: Machine
  model: Model
  data: Pick<SampleSet, 'image' | 'mean' | 'std' | 'floats'>
  /** Parameters and buffers. */
  stored: readonly Tensor[]
  values(name: string): Floats
}

/** A layer and the products of its inputs. */
export interface Calibration {
  layer: LayerMatrix
  /**
   * 2 X X' per group of the layer, [columns][columns], summed over samples and positions; exactly symmetric.
   */
  grams: Float64Array[]
}

export interface WalkOptions {
  /** Bytes of activations that are kept in memory; files hold what is more. Default 1 GiB. */
  memory?: number
  /** Floats that a program may take, where several samples at once would take more. Default 2^27, 0.5 GiB. */
  program?: number
}

/** Floats of an arena, at most. */
const MOST = 2 ** 31 - 1

/** Samples that run together, at most. */
const BATCH = 32

const PROGRAM = 'segment'

export class LayerWalk {
  readonly #network: Calibrated
  readonly #images: Samples['images']
  readonly #count: number
  /** By the number of samples that run together: as many as fit, and what is left in the end. */
  readonly #forwards: readonly Forward[]
  readonly #machines: { segments: Machine; products: Machine }
  readonly #shelf: Shelf
  /** The node that the walk has come to, and the names of what is kept there. */
  #at = 0
  #kept: ReadonlySet<string> = new Set()

  /**
   * Over `images` ([count, C, H, W], bytes or floats as the data are), past the named prunable tensors, with
   * the network as it is for inference. Throws where no layer has such a weight.
   */
  constructor(network: Calibrated, names: readonly string[], images: Samples['images'], options: WalkOptions = {}) {
    const { memory = 2 ** 30, program = 2 ** 27 } = options
    const { machine, model, data } = network
    this.#network = network
    this.#images = images
    this.#count = images.length / sizeOf(data.image)
    this.#shelf = new Shelf(memory)
    const forward = (batch: number) => new Forward(model, data, names, batch)
    const most = batchOf(network, Math.min(this.#count, BATCH), program, forward)
    const sizes = [...new Set([Math.min(this.#count, most), this.#count % most])].filter((size) => size > 0)
    this.#forwards = sizes.map(forward)
    const room = Math.max(...this.#forwards.flatMap(roomsOf))
    if (room > MOST) throw tooWide(this.#forwards[0])
    this.#machines = { segments: reusingMemory(machine), products: reusingMemory(machine, room) }
  }

  /** The bytes of what is kept in memory now. */
  get kept(): number {
    return this.#shelf.bytes
  }

  /**
   * The products of what goes into a layer, summed over the nodes that share its weight. They are live views
   * of memory that the next call uses again. Weights of layers that the walk has passed may not have changed,
   * but for the one that was asked for last and those that have not been reached.
   */
  products(name: string): Calibration {
    const [{ layer, first }] = this.#forwards.map((forward) => forward.place(name))
    if (first < this.#at) {
      this.close()
      this.#at = 0
    }
    let sums: InputProducts | undefined
    for (const forward of this.#forwards) {
      const { uses } = forward.place(name)
      const met = uses.map((use) => ({ input: forward.inputOf(use), windows: windowsOf(forward.nodes[use]) }))
      const perRow = Math.max(...met.map(({ windows }) => windows.perRow))
      sums ??= new InputProducts(this.#machines.products, layer, perRow)
      this.#run(forward, { at: first, uses }, (read) => {
        for (const { input, windows } of met) sums!.add(windows, read(input))
      })
    }
    this.#keep(first)
    return { layer, grams: sums!.grams() }
  }

  /** Lets go of what was kept. */
  close(): void {
    this.#shelf.clear()
    this.#kept = new Set()
  }

  /** Runs the way to a layer for all batches of a size; `ran` reads what was computed. */
  #run(
    forward: Forward,
    { at, uses }: { at: number; uses: readonly number[] },
    ran: (read: (name: string) => Floats) => void,
  ): void {
    const batches = this.#batchesOf(forward)
    const { graph, fromSamples, inputs, outputs } = forward.segment(this.#at, at, uses, this.#kept)
    const executable = compile(this.#machines.segments, { [PROGRAM]: graph })
    const { stored, data } = this.#network
    for (const { name } of stored) if (executable.has(name)) executable.view(name).set(this.#network.values(name))
    if (fromSamples)
      executable.write(
        PROGRAM,
        'index',
        Array.from({ length: forward.batch }, (_, i) => i),
      )
    const size = sizeOf(data.image)
    for (const first of batches) {
      if (fromSamples)
        writeSamples(
          executable,
          `${SAMPLES}.images`,
          this.#images.subarray(first * size, (first + forward.batch) * size),
        )
      for (const name of inputs) executable.writeRaw(PROGRAM, name, this.#shelf.get(shelved(name, first)))
      executable.run(PROGRAM)
      for (const name of outputs) this.#shelf.put(shelved(name, first), executable.raw(PROGRAM, name).slice())
      ran((name) => executable.raw(PROGRAM, name))
    }
  }

  /** The first samples of the batches of a size. */
  #batchesOf({ batch }: Forward): number[] {
    const most = this.#forwards[0].batch
    const whole = Math.floor(this.#count / most)
    if (batch === most) return Array.from({ length: whole }, (_, i) => i * most)
    return [whole * most]
  }

  /** Goes on from a node: lets go of what is not alive there. */
  #keep(at: number): void {
    const alive = new Set(this.#forwards[0].alive(at))
    for (const name of this.#kept)
      if (!alive.has(name))
        for (const forward of this.#forwards)
          for (const first of this.#batchesOf(forward)) this.#shelf.delete(shelved(name, first))
    this.#at = at
    this.#kept = alive
  }
}

const shelved = (name: string, first: number) => `${first} ${name}`

/** Floats of the products of every layer. */
const roomsOf = (forward: Forward): number[] =>
  forward.places().map(({ layer, uses }) => {
    const rows = uses.map((use) => windowsOf(forward.nodes[use]).perRow)
    return productsRoom(layer, Math.max(...rows))
  })

function tooWide(forward: Forward): UserError {
  const [{ layer }] = forward.places().toSorted((a, b) => b.layer.columns - a.layer.columns)
  return new UserError(
    `${layer.name}: the products of its ${layer.columns} inputs with each other are more than memory holds, expected at most 32,000 inputs for what is solved layer by layer`,
  )
}

/** How many samples run together: as many as a program has room for, at least one. */
function batchOf(
  { model, data }: Calibrated,
  most: number,
  program: number,
  forward: (batch: number) => Forward,
): number {
  if (model.oneByOne || most === 1) return 1
  const one = forward(1)
  const last = Math.max(...one.places().flatMap(({ uses }) => uses))
  const { graph } = one.segment(0, last, [last], new Set())
  const { temporary } = layOut({ [PROGRAM]: graph }).memory
  return batchTaken(model, Math.max(1, Math.min(most, Math.floor(program / (temporary + sizeOf(data.image))))))
}
