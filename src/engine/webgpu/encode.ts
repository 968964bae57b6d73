/**
 * @file Programs as WebGPU runs them: dispatches of pipelines over the arguments of their calls. Calls of the
 * same kernel that do not depend on one another are one dispatch where the kernel allows it: the updates of
 * all parameters, say, of which each alone would hardly use the device.
 */
import { type Extent, type Instruction, named } from '../kernel.ts'
import { shaders } from './index.ts'
import { type Memory, moduleOf, type Pass, type Shader } from './shader.ts'
import { CALL_WORDS } from './shared.js'

/** One dispatch: which pipeline, where its calls begin in the words, and the workgroups [x, y, z]. */
export interface Dispatch {
  pipeline: number
  words: number
  groups: [number, number, number]
}

/** What a device is given once for a program. */
export interface Encoded {
  /** WGSL modules by pipeline number, those that are new since the last program. */
  modules: { pipeline: number; name: string; code: string }[]
  dispatches: Dispatch[]
  words: Uint32Array<ArrayBuffer>
  /** Words that passes share. */
  scratch: number
  /** Bindings of the arenas that it runs over. */
  parts: number
}

/** Calls begin at multiples of this: the offset of a binding, in words. */
const ALIGNMENT = 64
/** Workgroups along one dimension, at most. */
const MOST_GROUPS = 65_535

/** Whether a device has the kernel, for these arguments. */
export function isOnDevice(instruction: Instruction): boolean {
  const shader = shaders.get(instruction.kernel.name)
  return shader !== undefined && (shader.takes?.(named(instruction)) ?? true)
}

/** Passes of a call that are dispatched one after the other. */
export interface Unit {
  instruction: Instruction
  passes: Pass[]
  /** Whether it may wait, and be one dispatch with others of its kind. */
  merges: boolean
  /** Where its words in the scratch begin, if they are its own; else it shares those of all. */
  own: boolean
}

/** Encodes programs for one device, whose pipelines it numbers. */
export class Encoder {
  /** By the parts of arenas. */
  readonly #pipelines = new Map<number, Map<Pass, number>>()
  #count = 0

  /** For arenas that are bound so. */
  encode(instructions: readonly Instruction[], memory: Memory): Encoded {
    const groups = merged(instructions).flatMap(inWindows)
    const { bases, scratch } = placeScratch(groups.flat())
    const modules: Encoded['modules'] = []
    const dispatches: Dispatch[] = []
    const words: number[] = []
    for (const units of groups) {
      const shader = shaders.get(units[0].instruction.kernel.name)!
      const args = units.map(({ instruction }) => named(instruction))
      for (const pass of units[0].passes) {
        const count = Math.max(...args.map((one) => pass.groups(one)))
        if (count === 0) continue
        while (words.length % ALIGNMENT !== 0) words.push(0)
        const x = Math.min(count, MOST_GROUPS)
        dispatches.push({
          pipeline: this.#pipeline(shader, pass, memory, modules),
          words: words.length,
          groups: [x, Math.ceil(count / x), units.length],
        })
        for (const [k, { instruction }] of units.entries()) {
          const { kernel, args: list } = instruction
          const more = Object.values(pass.more(args[k]))
          const base = shader.scratch ? [bases.get(instruction) ?? 0] : []
          words.push(...list.slice(0, kernel.parameters.length), ...more, ...base)
          words.push(...list.slice(kernel.parameters.length))
        }
      }
    }
    return { modules, dispatches, words: Uint32Array.from(words), scratch, parts: memory.parts }
  }

  #pipeline(shader: Shader, pass: Pass, memory: Memory, modules: Encoded['modules']): number {
    const pipelines = this.#pipelines.get(memory.parts) ?? new Map<Pass, number>()
    this.#pipelines.set(memory.parts, pipelines)
    const known = pipelines.get(pass)
    if (known !== undefined) return known
    const pipeline = this.#count++
    pipelines.set(pass, pipeline)
    const { name, parameters } = shader.kernel
    const ones = Object.fromEntries(parameters.map((parameter) => [parameter, 1]))
    const code = moduleOf(shader, pass, Object.keys(pass.more(ones)), memory)
    modules.push({ pipeline, name: `${name}/${shader.passes.indexOf(pass)}`, code })
    return pipeline
  }
}

/** Units of one dispatch, cut where their calls are more than a device binds. */
function inWindows(units: Unit[]): Unit[][] {
  if (units.length === 1) return [units]
  const [{ instruction, passes }] = units
  const more = Math.max(...passes.map((pass) => Object.keys(pass.more(named(instruction))).length))
  const most = Math.floor(CALL_WORDS / (instruction.args.length + more + 1))
  return Array.from({ length: Math.ceil(units.length / most) }, (_, i) => units.slice(i * most, (i + 1) * most))
}

/** Calls whose passes are apart have scratches of their own, behind one that all others share. */
function placeScratch(units: readonly Unit[]) {
  const sizeOf = ({ instruction }: Unit) => shaders.get(instruction.kernel.name)?.scratch?.(named(instruction)) ?? 0
  let scratch = Math.max(0, ...units.filter(({ own }) => !own).map(sizeOf))
  const bases = new Map<Instruction, number>()
  for (const unit of units) {
    if (!unit.own || bases.has(unit.instruction)) continue
    bases.set(unit.instruction, scratch)
    scratch += sizeOf(unit)
  }
  return { bases, scratch }
}

/** What of an instruction is dispatched by itself. */
function unitsOf(instruction: Instruction): Unit[] {
  const { passes = [], merges = false } = shaders.get(instruction.kernel.name) ?? {}
  const later = passes.filter((pass) => pass.later && pass.groups(named(instruction)) > 0)
  const rest = passes.filter((pass) => !pass.later)
  const own = later.length > 0
  return [
    { instruction, passes: rest, merges, own },
    ...(own ? [{ instruction, passes: later, merges: true, own }] : []),
  ]
}

/**
 * Instructions in an order that gives the same results, by units that are one dispatch: one that merges waits
 * for others of its kind until something touches what it touches.
 */
export function merged(instructions: readonly Instruction[]): Unit[][] {
  const done: Unit[][] = []
  /** By their first pass: those that wait, and what they touch. */
  const waiting = new Map<Pass, { units: Unit[]; touched: Extent[]; written: Extent[] }>()
  const release = (pass: Pass) => {
    const group = waiting.get(pass)
    if (group) done.push(group.units)
    waiting.delete(pass)
  }
  for (const instruction of instructions) {
    const touched = instruction.kernel.extents(named(instruction), instruction.args)
    const written = writtenBy(instruction, touched)
    for (const [pass, group] of [...waiting])
      if (overlap(written, group.touched) || overlap(touched, group.written)) release(pass)
    for (const unit of unitsOf(instruction)) {
      if (!unit.merges) {
        done.push([unit])
        continue
      }
      const group = waiting.get(unit.passes[0]) ?? { units: [], touched: [], written: [] }
      group.units.push(unit)
      // What waits behind a first part has its operands in the scratch.
      group.touched.push(...(unit.passes[0].later ? written : touched))
      group.written.push(...written)
      waiting.set(unit.passes[0], group)
    }
  }
  for (const pass of [...waiting.keys()]) release(pass)
  return done
}

/** The extents that begin where an argument lies that the kernel writes to; all where none is named. */
function writtenBy(instruction: Instruction, touched: Extent[]): Extent[] {
  const writes = shaders.get(instruction.kernel.name)?.writes ?? []
  if (writes.length === 0) return touched
  const args = named(instruction)
  const places = new Set(writes.map((name) => args[name]))
  return touched.filter(({ offset }) => places.has(offset))
}

const overlap = (some: readonly Extent[], others: readonly Extent[]) =>
  some.some((a) => others.some((b) => a.offset < b.offset + b.length && b.offset < a.offset + a.length))
