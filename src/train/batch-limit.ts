/**
 * @file How many samples of a network go through the engine at a time. Kernels of convolutions hold some rows
 * of a map for all samples of a batch in a buffer of a fixed size, which maps of a few thousand columns, as
 * those of sound, fill with less samples than are usual.
 */
import { checkFit } from '../engine/lay-out.ts'
import { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/operator.ts'
import type { Shape } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { unless } from '../util/unless.ts'

/** The rows that a convolution holds fit in any case where they have fewer values than this. */
const SMALL = 2 ** 16

/** By model, and by the number of samples that is wanted. */
const found = new WeakMap<Model, Map<number, number>>()

/** The largest of `most`, half of it, and so on, that the kernels take; 1 where they take none. */
export function batchTaken(model: Model, most: number): number {
  const known = found.get(model) ?? new Map<number, number>()
  found.set(model, known)
  let batch = known.get(most) ?? most
  if (!known.has(most)) while (batch > 1 && !takes(model, batch)) batch = Math.floor(batch / 2)
  known.set(most, batch)
  return batch
}

function takes(model: Model, batch: number): boolean {
  const graph = new Graph()
  graph.output('scores', model.build(graph, graph.input('images', [batch, ...model.image]), false))
  return graph.nodes.every((node) => heldBy(node) < SMALL) || unless(UserError, () => checkFit(graph)) !== undefined
}

/** About how many values a convolution holds at a time. */
function heldBy({ operator, inputs: [x, weight], attributes }: Node): number {
  if (operator.name !== 'Conv') return 0
  const [dilation] = (attributes.dilations as Shape | undefined) ?? [1]
  return ((weight.shape[2] - 1) * dilation + 2) * x.shape[0] * x.shape[3]
}
