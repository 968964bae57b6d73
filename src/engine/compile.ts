/**
 * @file From graphs to something that runs: one arena that holds parameters and state (shared by name between
 * graphs), constants, inputs and outputs, and one region for the values of whichever program is running.
 */
import type { Graph } from '../graph/graph.ts'
import { sameShape, sizeOf, type Tensor } from '../graph/tensor.ts'
import { callsFor } from '../util/clock.ts'
import { UserError } from '../util/errors.ts'
import { type Instruction, named } from './kernel.ts'
import { type Layout, layOut, type MemoryUse, type Placed, slotKey } from './lay-out.ts'
import { permuteIn, permuteOut } from './layout.ts'
import type { Arena, Floats, Machine } from './machine.ts'
import { MOST_FLOATS, Program } from './program.ts'

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
  /** Constants that hold a parameter in another form. */
  readonly #packed: readonly Placed[]
  readonly memory: MemoryUse
  /** How often it ran anything: what was given out of it is good while this stays. */
  ran = 0

  /** Use {@link compile}. */
  constructor(machine: Machine, layout: Layout) {
    const size = layout.memory.persistent + layout.memory.temporary
    if (size > MOST_FLOATS)
      throw new UserError(
        `the programs need ${(4 * size) / 1e9} GB, more than the ${(4 * MOST_FLOATS) / 1e9} GB that an engine addresses: expected smaller batches`,
      )
    this.machine = machine
    this.#programs = new Map(
      [...layout.programs].map(([name, { instructions }]) => [
        name,
        Program.assemble(instructions, size, machine.anySize),
      ]),
    )
    this.#arena = machine.allocate(size)
    this.#shared = layout.shared
    this.#own = layout.own
    this.memory = layout.memory
    this.#packed = layout.constants.filter(({ tensor }) => tensor.packs !== undefined)
    for (const { tensor, offset } of layout.constants) this.#writeConstant(tensor, offset)
  }

  /** Runs a program once: a single call into the machine. */
  run(program: string): void {
    this.ran++
    this.#arena.run(this.#found(program))
  }

  /**
   * Runs the program of that name in several executables of one machine, at most as many as it has threads,
   * each on a thread of its own.
   */
  static runApart(program: string, executables: readonly Executable[]): void {
    const runs = executables.map((executable) => ({ arena: executable.#arena, program: executable.#found(program) }))
    for (const executable of executables) executable.ran++
    executables[0]?.machine.runApart(runs)
  }

  /** Runs kernels that are not part of a program (a selection, a mask), after the same validation. */
  execute(instructions: readonly Instruction[]): void {
    this.ran++
    this.#arena.run(Program.assemble(instructions, this.#arena.size, this.machine.anySize))
  }

  /**
   * Milliseconds per instruction of a program: medians of `rounds` runs, in each of which every instruction
   * is run by itself in its turn, so that it finds in the cache what those before it left there; several
   * times where the clock, as those of browsers, is too coarse for once. Changes the state as runs do.
   */
  profile(program: string, rounds = 20): Profiled[] {
    this.ran++
    const parameters = [...this.#shared.values()].filter(({ tensor }) => tensor.role === 'parameter')
    const places = new Map(
      [...parameters, ...this.#packed].map(({ tensor, offset }) => [offset, tensor.packs ?? tensor.name]),
    )
    const { instructions } = this.#programs.get(program)!
    const singles = instructions.map((one) => Program.assemble([one], this.#arena.size, this.machine.anySize))
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

  /**
   * A parameter or state tensor by name, row-major, to read and to write. Like all views it is good until a
   * program runs, which takes what was written: machines whose memory lies elsewhere give copies.
   */
  view(name: string): Floats {
    const { tensor, offset } = this.#named(name)
    return this.#arena.view(offset, sizeOf(tensor.shape))
  }

  /** The same to read alone. */
  peek(name: string): Floats {
    const { tensor, offset } = this.#named(name)
    return this.#arena.peek(offset, sizeOf(tensor.shape))
  }

  /** The same to write alone, all of it. */
  blank(name: string): Floats {
    const { tensor, offset } = this.#named(name)
    return this.#arena.blank(offset, sizeOf(tensor.shape))
  }

  /** A state tensor that holds bytes: a view. */
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

  /** A state tensor of bytes that holds 32-bit integers: a view. */
  integers(name: string): Int32Array {
    const { buffer, byteOffset, byteLength } = this.bytes(name)
    return new Int32Array(buffer, byteOffset, byteLength >> 2)
  }

  /** Writes a program's input, given in logical row-major order. */
  write(program: string, input: string, values: ArrayLike<number>): void {
    const { tensor, offset } = this.#slot(program, input)
    const memory = this.#arena.blank(offset, sizeOf(tensor.shape))
    if (values.length !== memory.length)
      throw new Error(`input ${input} of ${program}: expected ${memory.length} values, found ${values.length}`)
    if (tensor.shape.length === 1) memory.set(values)
    else permuteIn(tensor, values, memory)
  }

  /** Reads a program's output after it ran, in logical row-major order. */
  read(program: string, output: string): Floats {
    const { tensor, offset } = this.#slot(program, output)
    const memory = this.#arena.peek(offset, sizeOf(tensor.shape))
    const values = memory.slice()
    if (tensor.batched && tensor.shape.length > 1) permuteOut(tensor, memory, values)
    return values
  }

  /**
   * A program's output as it lies in memory, to read until a program runs: samples innermost where the tensor
   * is batched, row-major otherwise.
   */
  raw(program: string, output: string): Floats {
    const { tensor, offset } = this.#slot(program, output)
    return this.#arena.peek(offset, sizeOf(tensor.shape))
  }

  /** Writes an input or output of a program as it lies in memory, see {@link raw}. */
  writeRaw(program: string, name: string, values: ArrayLike<number>): void {
    const { tensor, offset } = this.#slot(program, name)
    this.#arena.blank(offset, sizeOf(tensor.shape)).set(values)
  }

  /** The first value of an output: the scalar itself where it is one. */
  scalar(program: string, output: string): number {
    return this.#arena.peek(this.#slot(program, output).offset, 1)[0]
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

  #slot(program: string, name: string): Placed {
    const placed = this.#own.get(slotKey(program, name))
    if (!placed) throw new Error(`program ${program} has no input or output named ${name}`)
    return placed
  }

  #writeConstant(tensor: Tensor, offset: number): void {
    if (tensor.bytes) {
      this.#arena.bytes(offset, sizeOf(tensor.shape)).set(tensor.values as ArrayLike<number>)
      return
    }
    const memory = this.#arena.blank(offset, sizeOf(tensor.shape))
    if (typeof tensor.values === 'number') memory.fill(tensor.values)
    else permuteIn(tensor, tensor.values ?? [], memory)
  }
}

/**
 * Compiles graphs for a machine. Parameters and states with the same name are one tensor in all of them;
 * everything starts at zero. Throws where graphs disagree on a shape or an operator has no kernel.
 */
export const compile = (machine: Machine, graphs: Readonly<Record<string, Graph>>): Executable =>
  new Executable(machine, layOut(graphs))
