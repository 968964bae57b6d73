/**
 * @file The trained tensors of a network in the arena of a machine. A prunable weight is held either dense,
 * with a mask beside it, or sparse, as values, momentum and pattern of its nonzeros alone. Programs, masks
 * and rules are the same in both cases; what differs is the length of the views.
 */
import { compile, type Executable } from '../engine/compile.ts'
import { call } from '../engine/kernel.ts'
import { applyMask } from '../engine/kernels/optimizer.ts'
import type { Floats, Machine } from '../engine/machine.ts'
import { type Pattern, patternOf, readPositions, writePattern } from '../engine/pattern.ts'
import type { Graph } from '../graph/graph.ts'
import { patternNames, sparsify } from '../graph/sparsify.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { momentumName } from '../optim/sgd.ts'
import { countKept } from '../sparsity/mask.ts'
import { maskName } from './graphs.ts'

/** The nonzeros of a weight: their positions in the whole tensor, ascending, and what they carry along. */
export interface Nonzeros {
  positions: Int32Array
  values: Float64Array
  momentum: Float64Array
  /** Further saved states beside the weight, by name. Absent: they are zero. */
  further?: ReadonlyMap<string, Float64Array>
}

export class Weights {
  readonly #machine: Machine
  readonly #graphs: Readonly<Record<string, Graph>>
  readonly #all: Readonly<Record<string, Graph>>
  readonly #prunable: ReadonlyMap<string, Tensor>
  /** By weight, the states beside it that rules have and checkpoints keep. */
  readonly #further: ReadonlyMap<string, readonly string[]>
  /** The weights that are held sparse, and how many nonzeros each has room for. */
  #sparse: ReadonlyMap<string, number> = new Map()
  #executable: Executable

  /**
   * All weights begin dense and zero. The programs of `graphs` are there always; those of `all` that are not
   * among them are there while all weights are dense.
   */
  constructor(
    machine: Machine,
    graphs: Readonly<Record<string, Graph>>,
    all: Readonly<Record<string, Graph>>,
    prunable: readonly Tensor[],
  ) {
    this.#machine = machine
    this.#graphs = graphs
    this.#all = all
    this.#prunable = new Map(prunable.map((tensor) => [tensor.name, tensor]))
    const states = Object.values(graphs)[0].withRole('state')
    const furtherOf = (weight: string) =>
      states.filter(({ name, saved, beside }) => {
        return beside === weight && saved !== undefined && name !== momentumName(weight) && name !== maskName(weight)
      })
    this.#further = new Map(prunable.map(({ name }) => [name, furtherOf(name).map((state) => state.name)]))
    this.#executable = compile(machine, all)
  }

  /** The compiled programs, which {@link hold} replaces. */
  get executable(): Executable {
    return this.#executable
  }

  isSparse(name: string): boolean {
    return this.#sparse.has(name)
  }

  /** How many nonzeros a weight that is held sparse has room for. */
  capacity(name: string): number {
    return this.#sparse.get(name)!
  }

  /** Of a weight that is held sparse; a view, see {@link Executable.view}. */
  #pattern(name: string): Pattern | undefined {
    return this.#sparse.has(name) ? patternOf(this.#executable, name) : undefined
  }

  /** A view of the whole tensor, row-major, or of its nonzeros where the weight is held sparse. */
  view(name: string, state = name): Floats {
    const view = this.#executable.view(state)
    return this.#sparse.has(name) ? view.subarray(0, this.#nonzeroCount(name)) : view
  }

  /** Of a weight that is held sparse: the last of its starts. */
  #nonzeroCount(name: string): number {
    return this.#executable.integers(patternNames(name).starts).at(-1)!
  }

  /** The whole tensor, or a state beside it, row-major. It is a copy where the weight is held sparse. */
  whole(name: string, state = name): Floats {
    const pattern = this.#pattern(name)
    if (!pattern) return this.#executable.view(state)
    const { shape } = this.#prunable.get(name)!
    const view = this.view(name, state)
    const whole = view instanceof Float64Array ? new Float64Array(sizeOf(shape)) : new Float32Array(sizeOf(shape))
    readPositions(pattern, shape).forEach((position, e) => {
      whole[position] = view[e]
    })
    return whole
  }

  /** How many weights the mask or the pattern leaves; where there is neither, how many are not zero. */
  count(name: string): number {
    if (this.#sparse.has(name)) return this.#nonzeroCount(name)
    if (this.#has(maskName(name))) return countKept(this.#executable.view(maskName(name)))
    let left = 0
    for (const weight of this.#executable.view(name)) if (weight !== 0) left++
    return left
  }

  /** The nonzeros of a prunable weight. */
  nonzeros(name: string): Nonzeros {
    const pattern = this.#pattern(name)
    const positions = pattern ? readPositions(pattern, this.#prunable.get(name)!.shape) : this.#left(name)
    const gather = (state: string) => {
      const gathered = new Float64Array(positions.length)
      if (!this.#has(state)) return gathered
      const view = this.#executable.view(state)
      for (let e = 0; e < gathered.length; e++) gathered[e] = view[pattern ? e : positions[e]]
      return gathered
    }
    const further = this.#further.get(name)!.map((state) => [state, gather(state)] as const)
    return { positions, values: gather(name), momentum: gather(momentumName(name)), further: new Map(further) }
  }

  /** The positions where the mask of a dense weight is 1, or where, without masks, its value is not zero. */
  #left(name: string): Int32Array {
    const view = this.#executable.view(this.#has(maskName(name)) ? maskName(name) : name)
    const positions = new Int32Array(this.count(name))
    for (let i = 0, e = 0; i < view.length; i++) if (view[i] !== 0) positions[e++] = i
    return positions
  }

  /**
   * Makes these the nonzeros of a prunable weight, and gives it more room where it needs that. A value of
   * zero counts as a nonzero like others.
   */
  setNonzeros(name: string, nonzeros: Nonzeros): void {
    const { positions, values, momentum, further } = nonzeros
    if (this.isSparse(name) && positions.length > this.capacity(name))
      this.hold(new Map([...this.#sparse, [name, positions.length]]))
    const present = this.#pattern(name)
    if (present) writePattern(present, this.#prunable.get(name)!.shape, positions)
    const put = (state: string, of: ArrayLike<number> | number) => {
      if (!this.#has(state)) return
      const view = this.#executable.view(state)
      view.fill(0)
      for (let e = 0; e < positions.length; e++) view[present ? e : positions[e]] = typeof of === 'number' ? of : of[e]
    }
    put(name, values)
    put(momentumName(name), momentum)
    put(maskName(name), 1)
    for (const state of this.#further.get(name)!) put(state, further?.get(state) ?? 0)
  }

  /**
   * Does the same for several weights. Those that outgrow their room are given a quarter more than they need,
   * all at once, since making new programs takes a while.
   */
  setAllNonzeros(changes: ReadonlyMap<string, Nonzeros>): void {
    const outgrown = [...changes].filter(
      ([name, { positions }]) => this.isSparse(name) && positions.length > this.capacity(name),
    )
    if (outgrown.length > 0) {
      const rooms = outgrown.map(([name, { positions }]) => {
        const size = sizeOf(this.#prunable.get(name)!.shape)
        return [name, Math.min(Math.ceil(1.25 * positions.length), size)] as const
      })
      this.hold(new Map([...this.#sparse, ...rooms]))
    }
    for (const [name, nonzeros] of changes) this.setNonzeros(name, nonzeros)
  }

  /**
   * Moves the nonzeros of a weight: those that stay keep value and momentum, those that are new begin at
   * zero. Positions are ascending.
   */
  rewire(name: string, positions: Int32Array): void {
    this.setNonzeros(name, moved(this.nonzeros(name), positions))
  }

  /** Takes away the weights whose mask is 0, with their momentum. */
  applyMasks(): void {
    for (const name of this.#sparse.keys()) {
      const mask = this.view(name, maskName(name))
      if (countKept(mask) === mask.length) continue
      this.setNonzeros(
        name,
        filtered(this.nonzeros(name), (e) => mask[e] !== 0),
      )
    }
    const dense = [...this.#prunable.values()].filter(({ name }) => !this.#sparse.has(name))
    this.#executable.execute(
      dense.flatMap(({ name, shape }) =>
        [name, momentumName(name)].flatMap((target) =>
          !this.#has(target)
            ? []
            : call(applyMask, {
                n: sizeOf(shape),
                x: this.#executable.offset(target),
                mask: this.#executable.offset(maskName(name)),
              }),
        ),
      ),
    )
  }

  /**
   * Holds exactly these weights sparse, with room for so many nonzeros each (at least those that they have),
   * and the others dense.
   */
  hold(nonzeros: ReadonlyMap<string, number>): void {
    const capacities = new Map([...nonzeros].map(([name, room]) => [name, Math.max(room, 1)]))
    const changed = [...this.#prunable.keys()].filter((name) => this.#sparse.get(name) !== capacities.get(name))
    if (changed.length === 0) return
    const contents = changed.map((name) => this.nonzeros(name))
    const used = Object.entries(capacities.size === 0 ? this.#all : this.#graphs)
    const graphs = used.map(([name, graph]) => [name, sparsify(graph, capacities)])
    const executable = compile(this.#machine, Object.fromEntries(graphs))
    executable.copyFrom(this.#executable)
    this.#executable = executable
    this.#sparse = capacities
    changed.forEach((name, i) => {
      this.setNonzeros(name, contents[i])
    })
  }

  /** Whether there is such a state: networks that only evaluate have no masks and no momentum. */
  #has(state: string): boolean {
    return this.#executable.has(state)
  }
}

/** The nonzeros for which `stays` is true of their index among the nonzeros. */
export function filtered(before: Nonzeros, stays: (e: number) => boolean): Nonzeros {
  const stay = new Int32Array(before.positions.length)
  let count = 0
  for (let e = 0; e < stay.length; e++) if (stays(e)) stay[count++] = e
  const from = stay.subarray(0, count)
  return carried(
    before,
    from.map((e) => before.positions[e]),
    from,
  )
}

/**
 * The nonzeros moved to other positions, which are ascending: those at positions of both keep value and
 * momentum, the others begin at zero.
 */
export function moved(before: Nonzeros, positions: Int32Array): Nonzeros {
  const from = new Int32Array(positions.length).fill(-1)
  for (let e = 0, old = 0; e < positions.length; e++) {
    while (before.positions[old] < positions[e]) old++
    if (before.positions[old] === positions[e]) from[e] = old
  }
  return carried(before, positions, from)
}

/** Nonzeros at these positions, with what those at the indices `from` had; at -1 they begin at zero. */
function carried({ values, momentum, further }: Nonzeros, positions: Int32Array, from: Int32Array): Nonzeros {
  const gather = (old: Float64Array) => {
    const gathered = new Float64Array(from.length)
    for (let e = 0; e < from.length; e++) if (from[e] >= 0) gathered[e] = old[from[e]]
    return gathered
  }
  return {
    positions,
    values: gather(values),
    momentum: gather(momentum),
    further: further && new Map([...further].map(([state, old]) => [state, gather(old)])),
  }
}
