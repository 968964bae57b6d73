/**
 * @file Where every tensor of some graphs lies in one arena, and the kernel calls that compute them: what
 * compiling decides, without memory or a machine.
 */
import type { Graph } from '../graph/graph.ts'
import { simplify } from '../graph/simplify.ts'
import { sameShape, type Tensor } from '../graph/tensor.ts'
import { fuse } from './fuse.ts'
import type { Instruction } from './kernel.ts'
import { loweringOf } from './lowering/index.ts'
import { floatsOf, planMemory } from './plan.ts'
import { Program } from './program.ts'

/** Sizes of a compiled program, in floats. */
export interface MemoryUse {
  persistent: number
  temporary: number
}

/** A tensor and the float that it begins at. */
export interface Placed {
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

export const slotKey = (program: string, name: string) => `${program}/${name}`

/** Returns true; throws UserError where a graph has something too large for a kernel. Needs no machine. */
export function checkFit(graph: Graph): true {
  const { programs, memory } = layOut({ checked: graph })
  Program.assemble(programs.get('checked')!.instructions, memory.persistent + memory.temporary)
  return true
}

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
