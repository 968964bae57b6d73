/** @file A network as a TensorFlow Lite file in memory. */
import type { Node } from '../../graph/operator.ts'
import { UserError } from '../../util/errors.ts'
import { TfliteFile } from './file.ts'
import { knownNumbers } from './known.ts'
import type { Network } from './network.ts'
import { writers } from './operators/index.ts'
import { asIs, CHANNELS_LAST, type Order, shapeIn } from './order.ts'
import { skipsOf } from './skips.ts'
import { Translation } from './translation.ts'
import type { Form } from './weights.ts'

/** What operators that move or broadcast take. */
const MOST_AXES = 6

/** Throws UserError, which calls the file `path`, where an operator is none that can be written. */
export function toTflite(network: Network, path: string, form: Form): TfliteFile {
  const { graph, values, images, integers, label, weightGrids } = network
  const file = new TfliteFile()
  const known = knownNumbers(graph, values)
  const { encodes, note } = skipsOf(graph, known)
  const refusal = ({ outputs: [output] }: Node) => `${path}: ${label(output)}`
  const to = new Translation(file, graph, { known, weightGrids, form, encodes, refusal })
  for (const input of graph.withRole('input')) {
    if (integers.has(input.name))
      throw new UserError(`${path}: its input ${input.name} holds whole numbers, expected floats`)
    const order = input.name === images ? CHANNELS_LAST : asIs(input.shape.length)
    const index = file.add({ name: input.name, shape: shapeIn(input.shape, order), type: 'float32' })
    file.inputs.push({ name: input.name, tensor: index })
    to.place(input, { index, order })
  }
  for (const node of graph.nodes) {
    if (known.has(node.outputs[0]) || to.done.has(node)) continue
    const { name } = node.operator
    if (!Object.hasOwn(writers, name)) to.refuse(node, `needs the operator ${name}, which TensorFlow Lite has not`)
    writers[name](node, to)
  }
  for (const [name, tensor] of graph.outputs) {
    const order: Order = images !== undefined && tensor.shape.length === 4 ? CHANNELS_LAST : asIs(tensor.shape.length)
    const index = to.input(tensor, order)
    // What is an input, or an output already, is none of its own.
    const taken = [...file.inputs, ...file.outputs].some(({ tensor: other }) => other === index)
    const { shape } = file.tensors[index]
    file.outputs.push({ name, tensor: taken ? to.reshaped(index, shape, to.between(`${name} (copy)`, shape)) : index })
  }
  // Of layers in whole numbers all codes are stored.
  if (file.operators.some(({ name }) => name === 'DENSIFY')) {
    file.skipsZeros = note === undefined
    if (note) file.notes.push(note)
  }
  const deep = file.tensors.find(({ shape }) => shape.length > MOST_AXES)
  if (deep)
    throw new UserError(
      `${path}: tensor ${deep.name} has ${deep.shape.length} axes, expected ${MOST_AXES} at most as TensorFlow Lite takes`,
    )
  file.fuseActivations()
  return file
}
