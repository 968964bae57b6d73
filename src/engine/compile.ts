/**
 * @file From graphs to something that runs: one arena that holds parameters and state (shared by name between
 * graphs), constants, inputs and outputs, and one region for the values of whichever program is running.
 */
import type { Graph } from '../graph/graph.ts'
import { simplify } from '../graph/simplify.ts'
import { sameShape, sizeOf, type Tensor } from '../graph/tensor.ts'
import { callsFor } from '../util/clock.ts'
import { UserError } from '../util/errors.ts'
import { fuse } from './fuse.ts'
import { type Instruction, named } from './kernel.ts'
import { permuteIn, permuteOut } from './layout.ts'
import { loweringOf } from './lowering/index.ts'
import type { Arena, Floats, Machine } from './machine.ts'
import { floatsOf, planMemory } from './plan.ts'
import { MOST_FLOATS, Program } from './program.ts'

/** Sizes of a compiled program, in floats. */
export interface MemoryUse {
  persistent: number
  temporary: number
}

/** An instruction and the time that it took alone. */
export interface Profiled {
  kernel: string
  milliseconds: number
  instruction: Instruction
  /** The names of the parameters that it reads or writes. */
  parameters: string[]
}

/** Compiled graphs over one arena. */
export class Executable {
  readonly machine: Machine
  readonly #arena: Arena
  readonly #programs: Map<string, Program>
  readonly #shared: Map<string, Placed>
  readonly #own: Map<string, Placed>
  readonly memory: MemoryUse

  /** Use {@link compile}. */
  constructor(machine: Machine, layout: Layout) {
    const size = layout.memory.persistent + layout.memory.temporary
    if (size > MOST_FLOATS)
      throw new UserError(
        `the programs need ${(4 * size) / 1e9} GB, more than the ${(4 * MOST_FLOATS) / 1e9} GB that an engine addresses: expected smaller batches`,
      )
    this.machine = machine
    this.#programs = new Map(
      [...layout.programs].map(([name, { instructions }]) => [name, Program.assemble(instructions, size)]),
    )
    this.#arena = machine.allocate(size)
    this.#shared = layout.shared
    this.#own = layout.own
    this.memory = layout.memory
    for (const { tensor, offset } of layout.constants) this.#writeConstant(tensor, offset)
  }

  /** Runs a program once: a single call into the machine. */
  run(program: string): void {
    this.#arena.run(this.#found(program))
  }

  /**
   * Runs the program of that name in several executables of one machine, at most as many as it has threads,
   * each on a thread of its own.
   */
  static runApart(program: string, executables: readonly Executable[]): void {
    const runs = executables.map((executable) => ({ arena: executable.#arena, program: executable.#found(program) }))
    executables[0]?.machine.runApart(runs)
  }

  /** Runs kernels that are not part of a program (a selection, a mask), after the same validation. */
  execute(instructions: readonly Instruction[]): void {
    this.#arena.run(Program.assemble(instructions, this.#arena.floats.length))
  }

  /**
   * Milliseconds per instruction of a program: medians of `rounds` runs, in each of which every instruction
   * is run by itself in its turn, so that it finds in the cache what those before it left there; several
   * times where the clock, as those of browsers, is too coarse for once. Changes the state as runs do.
   */
  profile(program: string, rounds = 20): Profiled[] {
    const parameters = [...this.#shared.values()].filter(({ tensor }) => tensor.role === 'parameter')
    const places = new Map(parameters.map(({ tensor, offset }) => [offset, tensor.name]))
    const { instructions } = this.#programs.get(program)!
    const singles = instructions.map((one) => Program.assemble([one], this.#arena.floats.length))
    const times = instructions.map(() => new Float64Array(rounds))
    const calls = singles.map((single) => callsFor(() => this.#arena.run(single)))
    for (let round = 0; round < rounds; round++)
      for (const [i, single] of singles.entries()) {
        const start = performance.now()
        for (let call = 0; call < calls[i]; call++) this.#arena.run(single)
        times[i][round] = (performance.now() - start) / calls[i]
      }
    return instructions.map((instruction, i) => {
      const touched = instruction.kernel.extents(named(instruction), instruction.args)
      const names = touched.flatMap(({ offset }) => places.get(offset) ?? [])
      return {
        kernel: instruction.kernel.name,
        milliseconds: times[i].sort()[rounds >> 1],
        instruction,
        parameters: [...new Set(names)],
      }
    })
  }

  /** A parameter or state tensor by name: a live, row-major view. */
  view(name: string): Floats {
    const { tensor, offset } = this.#named(name)
    return this.#arena.floats.subarray(offset, offset + sizeOf(tensor.shape))
  }

  /** A state tensor that holds bytes: a live view. */
  bytes(name: string): Uint8Array {
    const { tensor, offset } = this.#named(name)
    return this.#arena.bytes(offset, sizeOf(tensor.shape))
  }

  /** Where a parameter or state tensor lies, for {@link execute}. */
  offset(name: string): number {
    return this.#named(name).offset
  }

  has(name: string): boolean {
    return this.#shared.has(name)
  }

  /** Whether there is a program of that name. */
  runs(program: string): boolean {
    return this.#programs.has(program)
  }

  /**
   * Takes over the parameters, buffers and states that another executable has under the same names and in the
   * same shapes.
   */
  copyFrom(other: Executable): void {
    for (const [name, { tensor }] of this.#shared) {
      const theirs = other.#shared.get(name)
      if (!theirs || !sameShape(theirs.tensor.shape, tensor.shape)) continue
      if (tensor.bytes) this.bytes(name).set(other.bytes(name))
      else this.view(name).set(other.view(name))
    }
  }

  /** A state tensor of bytes that holds 32-bit integers: a live view. */
  integers(name: string): Int32Array {
    const { buffer, byteOffset, byteLength } = this.bytes(name)
    return new Int32Array(buffer, byteOffset, byteLength >> 2)
  }

  /** Writes a program's input, given in logical row-major order. */
  write(program: string, input: string, values: ArrayLike<number>): void {
    const { tensor, memory } = this.#slot(program, input)
    if (values.length !== memory.length)
      throw new Error(`input ${input} of ${program}: expected ${memory.length} values, found ${values.length}`)
    if (tensor.shape.length === 1) memory.set(values)
    else permuteIn(tensor, values, memory)
  }

  /** Reads a program's output after it ran, in logical row-major order. */
  read(program: string, output: string): Floats {
    const { tensor, memory } = this.#slot(program, output)
    const values = memory.slice()
    if (tensor.batched && tensor.shape.length > 1) permuteOut(tensor, memory, values)
    return values
  }

  /**
   * A program's output as it lies in memory, live: samples innermost where the tensor is batched, row-major
   * otherwise.
   */
  raw(program: string, output: string): Floats {
    return this.#slot(program, output).memory
  }

  /** The first value of an output: the scalar itself where it is one. */
  scalar(program: string, output: string): number {
    return this.#slot(program, output).memory[0]
  }

  #found(program: string): Program {
    const found = this.#programs.get(program)
    if (!found) throw new Error(`no program named ${program}; there are ${[...this.#programs.keys()].join(', ')}`)
    return found
  }

  #named(name: string): Placed {
    const placed = this.#shared.get(name)
    if (!placed) throw new Error(`no parameter or state named ${name}`)
    return placed
  }

  #slot(program: string, name: string): { tensor: Tensor; memory: Floats } {
    const placed = this.#own.get(slotKey(program, name))
    if (!placed) throw new Error(`program ${program} has no input or output named ${name}`)
    const { tensor, offset } = placed
    return { tensor, memory: this.#arena.floats.subarray(offset, offset + sizeOf(tensor.shape)) }
  }

  #writeConstant(tensor: Tensor, offset: number): void {
    const memory = this.#arena.floats.subarray(offset, offset + sizeOf(tensor.shape))
    if (typeof tensor.values === 'number') memory.fill(tensor.values)
    else permuteIn(tensor, tensor.values ?? [], memory)
  }
}

interface Placed {
  tensor: Tensor
  offset: number
}

/** Everything that compiling decides; no memory has been taken, and nothing checked against a machine. */
export interface Layout {
  /** By name: the graph as it is run (simplified, fused), and its kernel calls. */
  programs: Map<string, { graph: Graph; instructions: Instruction[] }>
  /** Parameters, buffers and states by name. */
  shared: Map<string, Placed>
  /** Inputs and outputs of one program, by {@link slotKey}. */
  own: Map<string, Placed>
  constants: Placed[]
  memory: MemoryUse
}

const slotKey = (program: string, name: string) => `${program}/${name}`

/**
 * Compiles graphs for a machine. Parameters and states with the same name are one tensor in all of them;
 * everything starts at zero. Throws where graphs disagree on a shape or an operator has no kernel.
 */
export const compile = (machine: Machine, graphs: Readonly<Record<string, Graph>>): Executable =>
  new Executable(machine, layOut(graphs))

/** The part of {@link compile} that needs no machine: where every tensor lies, and the kernel calls. */
export function layOut(graphs: Readonly<Record<string, Graph>>): Layout {
  const shared = new Map<string, Placed>()
  const own = new Map<string, Placed>()
  const constants: Placed[] = []
  let persistent = 0
  const put = (tensor: Tensor): Placed => {
    const placed = { tensor, offset: persistent }
    persistent += floatsOf(tensor)
    return placed
  }

  const prepared = Object.entries(graphs).map(([name, source]) => {
    const graph = fuse(simplify(source))
    const places = new Map<Tensor, number>()
    for (const tensor of graph.tensors.values()) {
      if (tensor.role === 'parameter' || tensor.role === 'buffer' || tensor.role === 'state') {
        const known = shared.get(tensor.name)
        if (known && !sameShape(known.tensor.shape, tensor.shape))
          throw new Error(
            `${tensor.name} has shape [${known.tensor.shape}] in one graph and [${tensor.shape}] in ${name}`,
          )
        const placed = known ?? put(tensor)
        shared.set(tensor.name, placed)
        places.set(tensor, placed.offset)
      } else if (tensor.role === 'input') {
        const placed = put(tensor)
        own.set(slotKey(name, tensor.name), placed)
        places.set(tensor, placed.offset)
      } else if (tensor.role === 'constant') {
        const placed = put(tensor)
        constants.push(placed)
        places.set(tensor, placed.offset)
      }
    }
    for (const [output, tensor] of graph.outputs) {
      const placed = { tensor, offset: places.get(tensor) ?? put(tensor).offset }
      own.set(slotKey(name, output), placed)
      places.set(tensor, placed.offset)
    }
    return { name, graph, places, plan: planMemory(graph, loweringOf) }
  })

  const temporary = Math.max(0, ...prepared.map(({ plan }) => plan.size))
  const programs: Layout['programs'] = new Map()
  for (const { name, graph, places, plan } of prepared) {
    const at = (tensor: Tensor): number => {
      const original = plan.aliases.get(tensor)
      if (original) return at(original)
      const offset = places.get(tensor)
      return offset ?? persistent + plan.offsets.get(tensor)!
    }
    const instructions = graph.nodes.flatMap((node) => {
      const lowering = loweringOf(node)
      // An output of the program has its own place, so it is a copy of what it would be an alias of.
      const { inputs, outputs } = node
      return lowering.aliases?.(node) && at(inputs[0]) === at(outputs[0]) ? [] : lowering.emit(node, at)
    })
    programs.set(name, { graph, instructions })
  }
  return { programs, shared, own, constants, memory: { persistent, temporary } }
}
