/** @file Vision transformers: what they compute, their gradients, and methods that prune them. */
import { describe, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { crossEntropy, sampleCrossEntropy } from '../../src/graph/operators/loss.ts'
import { reduceSum } from '../../src/graph/operators/shape.ts'
import { perSampleGradients } from '../../src/graph/per-sample.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import type { MethodName } from '../../src/methods/index.ts'
import { pruneBy } from '../../src/methods/prune-by.ts'
import { modelOf } from '../../src/models/model.ts'
import { visionTransformer } from '../../src/models/vision-transformer.ts'
import { keptCount } from '../../src/sparsity/count.ts'
import { countKept } from '../../src/sparsity/mask.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { random } from '../../src/util/random.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'
import { expectGradients, expectHessian } from '../support/finite-differences.ts'
import { machine } from '../train/small.ts'

/** 3 x 2 = 6 channels and 9 tokens of 2 x 2 pixels. */
const sizes = { side: 6, patch: 2, heads: 3, head: 2, depth: 2, ratio: 2 }
const tiny = modelOf(visionTransformer('tiny', 'for tests', sizes), { classes: 3 })
const { side, patch, heads, head, depth } = sizes
const [width, tokens] = [heads * head, (side / patch) ** 2]

function built(batch: number) {
  const graph = new Graph()
  const logits = tiny.build(graph, graph.input('images', [batch, ...tiny.image]), false)
  return { graph, logits }
}

/** The network from its definition, with loops over the tokens of one image: a list of channels for each. */
function literally(image: readonly number[], values: ReadonlyMap<string, readonly number[]>): number[] {
  const of = (name: string) => values.get(name)!
  const linear = (x: readonly number[], name: string) => {
    const [weight, bias] = ['weight', 'bias'].map((part) => of(`${name}.${part}`))
    return bias.map((b, o) => x.reduce((sum, value, i) => sum + weight[o * x.length + i] * value, b))
  }
  const normalized = (x: readonly number[], name: string) => {
    const mean = x.reduce((a, b) => a + b) / x.length
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length
    const [scale, shift] = ['weight', 'bias'].map((part) => of(`${name}.${part}`))
    return x.map((value, c) => ((value - mean) / Math.sqrt(variance + 1e-6)) * scale[c] + shift[c])
  }
  const plus = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value + b[i])
  const across = side / patch
  const pixelsOf = (token: number) =>
    Array.from({ length: 3 * patch ** 2 }, (_, i) => {
      const [c, row, column] = [Math.floor(i / patch ** 2), Math.floor(i / patch) % patch, i % patch]
      return image[(c * side + Math.floor(token / across) * patch + row) * side + (token % across) * patch + column]
    })
  let x = Array.from({ length: tokens }, (_, t) => {
    const position = Array.from({ length: width }, (_, c) => of('pos_embed.weight')[c * tokens + t])
    return plus(linear(pixelsOf(t), 'patch_embed.proj'), position)
  })
  for (let block = 0; block < depth; block++) {
    const name = `blocks.${block}`
    const qkv = x.map((token) => linear(normalized(token, `${name}.norm1`), `${name}.attn.qkv`))
    const part = (token: number, which: number, h: number) =>
      qkv[token].slice(which * width + h * head, which * width + (h + 1) * head)
    const mixed = x.map((_, t) =>
      Array.from({ length: heads }, (_, h) => {
        const query = part(t, 0, h)
        const terms = x.map((_, s) =>
          Math.exp(part(s, 1, h).reduce((sum, key, i) => sum + key * query[i], 0) / Math.sqrt(head)),
        )
        const all = terms.reduce((a, b) => a + b)
        return query.map((_, i) => terms.reduce((sum, term, s) => sum + (term / all) * part(s, 2, h)[i], 0))
      }).flat(),
    )
    x = x.map((token, t) => plus(token, linear(mixed[t], `${name}.attn.proj`)))
    x = x.map((token) => {
      const hidden = linear(normalized(token, `${name}.norm2`), `${name}.mlp.fc1`)
      return plus(token, linear(hidden.map(gelu), `${name}.mlp.fc2`))
    })
  }
  const last = x.map((token) => normalized(token, 'norm'))
  const mean = last[0].map((_, c) => last.reduce((sum, token) => sum + token[c], 0) / tokens)
  return linear(mean, 'head')
}

/** By the integral of the normal density, in Simpson's steps. */
function gelu(x: number): number {
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI)
  const steps = 200
  const at = (i: number) => density((x * i) / steps) * (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2)
  const integral = Array.from({ length: steps + 1 }, (_, i) => at(i)).reduce((a, b) => a + b) * (x / steps / 3)
  return x * (0.5 + integral)
}

it('is what its definition says, of every image alone', () => {
  const { graph, logits } = built(2)
  graph.output('logits', logits)
  const values = randomValues(graph, random(1, 'definition'))
  const found = evaluate(openReference(), graph, values).get('logits')!
  const images = values.get('images')!
  const size = sizeOf(tiny.image)
  const expected = [0, 1].flatMap((i) => literally(images.slice(i * size, (i + 1) * size), values))
  expect(expected).toHaveLength(6)
  for (const [i, logit] of expected.entries()) expect(found[i]).toBeCloseTo(logit, 9)
})

it('has the gradients and second derivatives of finite differences', () => {
  const { graph, logits } = built(2)
  const loss = crossEntropy(graph, logits, graph.input('labels', [2]))
  expectGradients(graph, loss)
  expectHessian(graph, loss)
})

it('has gradients of single samples, of every parameter', () => {
  const forward = (batch: number) => {
    const { graph, logits } = built(batch)
    const losses = sampleCrossEntropy(graph, logits, graph.input('labels', [batch]))
    return { graph, losses, parameters: graph.withRole('parameter') }
  }
  const all = forward(3)
  const values = randomValues(all.graph, random(2, 'samples'))
  const apart = perSampleGradients(all.graph, all.losses, all.parameters)
  for (const [i, { name }] of all.parameters.entries()) apart.graph.output(name, apart.results[i])
  const found = evaluate(openReference(), apart.graph, values)

  const one = forward(1)
  const { graph, gradients } = differentiate(one.graph, reduceSum(one.graph, one.losses, [0], 0), one.parameters)
  for (const [i, { name }] of one.parameters.entries()) graph.output(name, gradients[i])
  const size = sizeOf(tiny.image)
  for (const sample of [0, 1, 2]) {
    const given = new Map(values)
      .set('images', values.get('images')!.slice(sample * size, (sample + 1) * size))
      .set('labels', [values.get('labels')![sample]])
    for (const [name, gradient] of evaluate(openReference(), graph, given)) {
      const of = found.get(name)!.slice(sample * gradient.length, (sample + 1) * gradient.length)
      for (const [i, value] of gradient.entries()) expect(of[i]).toBeCloseTo(value, 10)
    }
  }
})

describe('a trained one, at 70 % zeros', async () => {
  const data = synthetic({ image: tiny.image, classes: 3, train: 64, test: 48, noise: 0.3 })
  const trained = new Network({ machine, model: tiny, data, batch: 16 })
  await train(trained, { epochs: 60, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
  const weights = weightsOf(trained)

  it.each<MethodName>(['magnitude', 'snip', 'synflow', 'obd', 'woodfisher', 'cbs-update', 'chita', 'obc', 'sparsegpt'])(
    'is still right by %s',
    async (name) => {
      expect(trained.evaluate('test').accuracy).toBeGreaterThan(0.9)
      const { network, result } = await pruneBy(name, { machine, model: tiny, data, weights, sparsity: 0.7 })
      const sizes = network.prunable.map(({ shape }) => sizeOf(shape))
      const kept = network.prunable.map((tensor) => countKept(network.mask(tensor.name)))
      const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b)
      expect(sum(kept)).toBe(keptCount(sum(sizes), 0.7))
      network.assertMasked()
      expect(result.deadOutputs).toBe(0)
      // Of three classes.
      expect(network.evaluate('test').accuracy).toBeGreaterThan(0.75)
    },
  )
})
