/** @file Random networks without random channels: smaller, and the same outputs, here and in ONNX Runtime. */
import { expect, it } from 'vitest'
import { exportGraph, floats, onnxBytes } from '../../src/formats/onnx/export.ts'
import { weightOf } from '../../src/graph/channels.ts'
import { compact } from '../../src/graph/compact.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { dropDeadNodes } from '../../src/graph/simplify.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { type Random, random } from '../../src/util/random.ts'
import { best } from '../support/engines.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'
import { runModel } from '../support/onnx.ts'
import { randomNetwork } from '../support/random-network.ts'

/** A random network and its values, in which whole filters, biases, scales and inputs of layers are zero. */
function prunedNetwork(rng: Random) {
  const whole = randomNetwork(rng, 14, 2)
  whole.graph.output('y', whole.logits)
  const graph = dropDeadNodes(whole.graph)
  const values = new Map([...randomValues(graph, rng)].map(([name, list]) => [name, Float32Array.from(list)]))
  const input = values.get('x')!
  values.delete('x')
  const share = rng.uniform()
  for (const node of graph.nodes) {
    const weight = weightOf(node)
    if (!weight) continue
    const list = values.get(weight.name)!
    const [outs, ins = 1] = weight.shape
    const area = list.length / outs / ins
    const zero = (count: number) => Array.from({ length: count }, () => rng.uniform() < share)
    const [goneOuts, goneIns] = [zero(outs), ins > 1 ? zero(ins) : [false]]
    list.forEach((_, i) => {
      if (goneOuts[Math.floor(i / area / ins)] || goneIns[Math.floor(i / area) % ins]) list[i] = 0
    })
    for (const bias of node.inputs.slice(2, 3)) {
      const kept = values.get(bias.name)!
      goneOuts.forEach((gone, o) => {
        if (gone && rng.below(2)) kept[o] = 0
      })
    }
  }
  return { graph, values, input }
}

const parameters = (graph: Graph) => graph.withRole('parameter').reduce((sum, { shape }) => sum + sizeOf(shape), 0)
const grouped = ({ nodes }: Graph) => nodes.filter(({ attributes: { group = 1 } }) => Number(group) > 1).length

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>, what: string) {
  const scale = Math.max(...Array.from(wanted, Math.abs), 1e-3)
  const apart = Array.from(wanted, (value, i) => Math.abs(value - found[i]) / scale)
  expect([what, found.length, Math.max(...apart) < 2e-5]).toEqual([what, wanted.length, true])
}

it('compute the same, and nothing more can go', () => {
  let smaller = 0
  const stays = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const { graph, values, input } = prunedNetwork(random(seed, 'compact'))
    const small = compact(graph, values)
    const run = (of: Graph, list: ReadonlyMap<string, ArrayLike<number>>) =>
      evaluate(best, of, new Map([['x', [...input]], ...[...list].map(([k, v]) => [k, Array.from(v)] as const)])).get(
        'y',
      )!
    expectClose(run(small.graph, small.values), run(graph, values), `seed ${seed}`)
    for (const { name, shape } of [...small.graph.withRole('parameter'), ...small.graph.withRole('buffer')])
      expect(small.values.get(name)).toHaveLength(sizeOf(shape))
    // A depthwise convolution with one channel left is an ordinary one, which ties nothing: more of it may
    // go.
    if (grouped(small.graph) === grouped(graph))
      expect([seed, parameters(compact(small.graph, small.values).graph)]).toEqual([seed, parameters(small.graph)])
    if (parameters(small.graph) < parameters(graph)) smaller++
    for (const { stay } of small.layers) for (const reason of Object.keys(stay)) stays.add(reason)
  }
  expect(smaller).toBeGreaterThan(150)
  expect([...stays].sort()).toEqual(['grouped', 'input', 'last', 'output', 'padded', 'tied'])
}, 120_000)

it('compute the same in ONNX Runtime', async () => {
  for (let seed = 1000; seed < 1040; seed++) {
    const { graph, values, input } = prunedNetwork(random(seed, 'compact'))
    const run = async (of: Graph, list: ReadonlyMap<string, ArrayLike<number>>) => {
      const stored = [...of.withRole('parameter'), ...of.withRole('buffer')]
      const initializers = stored.map(({ name, shape }) => floats(name, shape, list.get(name)!))
      const inputs = of.withRole('input')
      const bytes = onnxBytes(exportGraph(of, { inputs, initializers, batch: 'N' }))
      return (await runModel(bytes, new Map([['x', { shape: inputs[0].shape, values: input }]]))).get('y')!
    }
    const small = compact(graph, values)
    expectClose(await run(small.graph, small.values), await run(graph, values), `seed ${seed}`)
  }
}, 120_000)
