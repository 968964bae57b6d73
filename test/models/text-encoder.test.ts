/** @file Encoders of texts: what tokens that are none change, and what can go from them. */
import { describe, expect, it } from 'vitest'
import { exportNetwork, onnxBytes } from '../../src/formats/onnx/export.ts'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import { Graph } from '../../src/graph/graph.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { modelOf } from '../../src/models/model.ts'
import { textEncoder } from '../../src/models/text-encoder.ts'
import { channelGroups } from '../../src/sparsity/granularity/channel-groups.ts'
import { chooseTensors } from '../../src/sparsity/tensors.ts'
import { random } from '../../src/util/random.ts'
import { best } from '../support/engines.ts'
import { evaluate } from '../support/evaluate.ts'
import { runModel } from '../support/onnx.ts'

const TOKENS = 6
const sizes = { vocabulary: 300, tokens: TOKENS, heads: 2, head: 4, depth: 2, ratio: 2 }
const model = modelOf(textEncoder('tiny-texts', 'for tests', sizes), { classes: 3 })

function network(samples: number) {
  const graph = new Graph()
  graph.output('logits', model.build(graph, graph.input('images', [samples, ...model.image]), false))
  const values = new Map(
    graph.withRole('parameter').map(({ name, shape, initial }) => {
      const draw = random(3, name)
      return [name, Array.from({ length: sizeOf(shape) }, () => Number(initial === 1) + 0.5 * draw.normal())]
    }),
  )
  return { graph, values }
}

/** The low and the high bytes of texts. */
const bytesOf = (texts: readonly (readonly number[])[]) =>
  texts.flatMap((tokens) => {
    const padded = Array.from({ length: TOKENS }, (_, i) => tokens[i] ?? 0)
    return [...padded.map((token) => token & 255), ...padded.map((token) => token >> 8)]
  })

function scores(texts: readonly (readonly number[])[], change?: (values: Map<string, number[]>) => void): number[] {
  const { graph, values } = network(texts.length)
  change?.(values)
  return [...evaluate(best, graph, new Map([['images', bytesOf(texts)], ...values])).get('logits')!]
}

const close = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i])))

describe('a text encoder', () => {
  const texts = [
    [5, 260, 17],
    [299, 1, 1, 44, 260, 7],
  ]

  it('computes every text by itself, whatever others there are', () => {
    const both = scores(texts)
    expect(close(both, [...scores([texts[0]]), ...scores([texts[1]])])).toBeLessThan(1e-5)
    expect(close(both.slice(0, 3), both.slice(3))).toBeGreaterThan(1e-2)
  })

  it('does not see what stands for no token, and tells the high bytes apart', () => {
    const one = scores([[5, 260, 17]])
    // The row of token 0, and the positions that no token has.
    const other = scores([[5, 260, 17]], (values) => {
      const [words, positions] = ['embeddings.word.weight', 'embeddings.position.weight'].map(
        (name) => values.get(name)!,
      )
      for (let c = 0; c < 8; c++) {
        words[c] += 1 + c
        for (let t = 3; t < TOKENS; t++) positions[c * TOKENS + t] -= 2 - c
      }
    })
    expect(close(one, other)).toBeLessThan(1e-5)
    expect(close(one, scores([[5, 4, 17]]))).toBeGreaterThan(1e-2)
    // Their order counts.
    expect(close(one, scores([[17, 260, 5]]))).toBeGreaterThan(1e-3)
  })

  it('computes the same in ONNX Runtime, with any number of texts', async () => {
    const { values } = network(1)
    const proto = exportNetwork({ model, values: (name) => Float32Array.from(values.get(name)!) })
    const bytes = onnxBytes(proto)
    // Rows are looked up by the places of each sample.
    expect(proto.graph!.node.find(({ opType }) => opType === 'Gather')!.input[0]).toBe('embeddings.word.weight')
    const { network: read } = readOnnx(bytes, 'texts.onnx').onnx
    expect(read).toMatchObject({ model: { vocabulary: 300, image: [2, 1, TOKENS], classes: 3 } })
    const feed = { shape: [2, ...model.image], values: bytesOf(texts) }
    const there = (await runModel(bytes, new Map([['images', feed]]))).get('logits')!
    expect(close(scores(texts), [...there])).toBeLessThan(1e-4)
  })

  it('can lose heads and hidden units; the table of words is not pruned', () => {
    const prunable = chooseTensors(model, { prunable: 'all' }).map(({ name }) => name)
    expect(prunable.filter((name) => name.startsWith('embeddings'))).toEqual([])
    const { groups } = channelGroups(model, new Set(prunable))
    const counts = new Map<string, number>()
    for (const { filters } of groups) {
      const key = [...new Set(filters.map(({ parameter }) => parameter))].join(' ')
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    expect(Object.fromEntries(counts)).toEqual({
      'blocks.0.attn.qkv.weight': 2,
      'blocks.0.mlp.fc1.weight': 16,
      'blocks.1.attn.qkv.weight': 2,
      'blocks.1.mlp.fc1.weight': 16,
    })
  })
})
