/** @file A pruned network with random weights, as a file and as values. */
import { type StoredTensor, storeFloats, type TensorFile } from '../../src/formats/safetensors-bytes.ts'
import { packSparse } from '../../src/formats/sparse.ts'
import { Graph } from '../../src/graph/graph.ts'
import { findModel } from '../../src/models/index.ts'
import { random } from '../../src/util/random.ts'
import type { Values } from './evaluate.ts'

export interface PrunedCase {
  /** As `espalier run` writes it. */
  file: TensorFile
  /** From `images` [batch, ...] to `logits`. */
  graph: (batch: number) => Graph
  /** Of parameters and buffers. */
  values: Values
}

/**
 * Weights of a built-in network in which nothing is zero but what is pruned: 9 of 10 weights of its layers.
 */
export function prunedCase(name: string, widen?: number): PrunedCase {
  const model = findModel(name, { widen })
  const graph = (batch: number) => {
    const one = new Graph()
    one.output('logits', model.build(one, one.input('images', [batch, ...model.image]), false))
    return one
  }
  const rng = random(1, name)
  const tensors = new Map<string, StoredTensor>()
  const values = new Map<string, number[]>()
  const one = graph(1)
  for (const { name, shape, initial } of [...one.withRole('parameter'), ...one.withRole('buffer')]) {
    const size = shape.reduce((a, b) => a * b, 1)
    const scale = typeof initial === 'object' ? Math.sqrt(20 / initial.in) : 0.1
    const draw = () => (shape.length > 1 && rng.uniform() < 0.9 ? 0 : scale * rng.normal() + (initial === 1 ? 1 : 0))
    const list = Float32Array.from({ length: size }, () => (name.endsWith('var') ? 0.5 + rng.uniform() : draw()))
    tensors.set(name, storeFloats(list, shape))
    values.set(name, [...list])
  }
  return {
    file: packSparse({ tensors, metadata: { model: name, ...(widen && { widen: `${widen}` }) } }),
    graph,
    values,
  }
}
