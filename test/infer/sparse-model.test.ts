import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openNative } from '../../src/engine/machines/native.ts'
import { foldBatchNorm } from '../../src/graph/fold-batch-norm.ts'
import { Graph } from '../../src/graph/graph.ts'
import { conv } from '../../src/graph/operators/conv.ts'
import { add, relu } from '../../src/graph/operators/elementwise.ts'
import { batchNorm, normalize } from '../../src/graph/operators/norm.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { findModel } from '../../src/models/index.ts'
import { kernelKinds } from '../../src/train/kernels.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'
import { largestDifference } from '../support/difference.ts'
import { best, sets, wasm } from '../support/engines.ts'
import { evaluate, randomValues, type Values } from '../support/evaluate.ts'
import { prunedCase } from '../support/pruned-case.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('batch normalization folded into convolutions', () => {
  const run = (graph: Graph, values: Values) => [...evaluate(best, graph, values).get('y')!]
  const expectFolded = (build: (graph: Graph) => void, nodes: string[]) => {
    const graph = new Graph()
    build(graph)
    const values = randomValues(graph, random(1, 'fold'))
    const stored = [...graph.withRole('parameter'), ...graph.withRole('buffer')]
    const given = new Map(stored.map(({ name }) => [name, Float32Array.from(values.get(name)!)]))
    const folded = foldBatchNorm(graph, given)
    expect(folded.graph.nodes.map(({ operator }) => operator.name)).toEqual(nodes)
    const after = new Map([...values, ...[...folded.values].map(([name, list]) => [name, [...list]] as const)])
    run(folded.graph, after).forEach((y, i) => {
      expect(y).toBeCloseTo(run(graph, values)[i], 4)
    })
  }
  const layer = (graph: Graph, name: string, bias: boolean) => {
    const weight = graph.parameter(name, [4, 3, 3, 3])
    return conv(graph, graph.tensors.get('x')!, weight, bias ? graph.parameter(`${name}.bias`, [4]) : undefined)
  }

  it('with and without a bias of its own', () => {
    for (const bias of [false, true])
      expectFolded(
        (graph) => {
          graph.input('x', [2, 3, 5, 5])
          graph.output('y', relu(graph, batchNorm(graph, layer(graph, 'w', bias), 'bn', false)))
        },
        ['Conv', 'Relu'],
      )
  })

  it('not where one tensor is both shift and mean', () => {
    expectFolded(
      (graph) => {
        graph.input('x', [2, 3, 5, 5])
        const [scale, both] = ['scale', 'both'].map((name) => graph.parameter(name, [4]))
        const parts = { scale, bias: both, mean: both, variance: graph.buffer('bn.running_var', [4], 1) }
        graph.output('y', normalize(graph, layer(graph, 'w', false), parts, { training: false }))
      },
      ['Conv', 'BatchNormalization'],
    )
  })

  it('not where something else reads the convolution, or normalizes an input', () => {
    expectFolded(
      (graph) => {
        batchNorm(graph, graph.input('x', [2, 3, 5, 5]), 'first', false)
        const y = layer(graph, 'w', false)
        graph.output('y', add(graph, y, batchNorm(graph, y, 'bn', false)))
      },
      ['BatchNormalization', 'Conv', 'BatchNormalization', 'Add'],
    )
  })
})

describe.each(['resnet20', 'lenet-300-100', 'lenet-5', 'mobilenet-v1'])('%s', (name) => {
  const { file, graph, values } = prunedCase(name)
  const batches = name === 'mobilenet-v1' ? [1] : [1, 3, 16, 21, 67]
  const inferred = new Map<number, { images: Float32Array; want: readonly number[] }>()
  /** Random images and what the graph says of them, computed once for all kernels and machines. */
  const expected = (batch: number) => {
    const before = inferred.get(batch)
    if (before) return before
    const rng = random(batch, 'images')
    const size = batch * findModel(name).image.reduce((a, b) => a * b)
    const images = Float32Array.from({ length: size }, () => rng.normal())
    const outputs = evaluate(best, graph(batch), new Map([...values, ['images', [...images]]]))
    const made = { images, want: [...outputs.get('logits')!] }
    inferred.set(batch, made)
    return made
  }

  it.each(kernelKinds)('infers what the graph says, for any batch, on %s kernels', (kernels) => {
    for (const machine of name === 'mobilenet-v1' ? [best] : [best, wasm]) {
      const model = new SparseModel(file, { machine, kernels })
      for (const batch of batches) {
        const { images, want } = expected(batch)
        const got = model.run(images)
        const largest = Math.max(...want.map(Math.abs))
        expect(largestDifference(got, want)).toBeLessThan(1e-4 * largest)
      }
      // A linear layer of one sample gains nothing from 90 % zeros.
      expect(model.layers(batches.at(-1)!).some(({ sparse }) => sparse)).toBe(kernels !== 'dense')
      expect(model.sparsity).toBeGreaterThan(0.85)
    }
  })
})

it.skipIf(sets.length === 0)('gives the same numbers on any number of threads, apart or together', () => {
  const { file } = prunedCase('resnet20')
  const rng = random(1, 'images')
  const images = Float32Array.from({ length: 53 * 3 * 32 * 32 }, () => rng.normal())
  const [want, ...others] = [1, 2, 3, 5].map((threads) =>
    new SparseModel(file, { machine: openNative(threads) }).run(images),
  )
  for (const got of others) expect(got).toEqual(want)
})

it('says in one sentence what is wrong with a file or with images', () => {
  const { file } = prunedCase('lenet-5')
  const model = new SparseModel(file, { machine: best })
  expect(() => model.run(new Float32Array(100))).toThrow(
    new UserError('expected images of 1 x 28 x 28 values each, found 100 values'),
  )
  const without = { ...file, tensors: new Map([...file.tensors].filter(([name]) => name !== 'fc1.bias')) }
  expect(() => new SparseModel(without, { machine: best, source: 'f' })).toThrow(
    'f has no tensor fc1.bias, which lenet-5 needs',
  )
  const nameless = {
    ...file,
    metadata: Object.fromEntries(Object.entries(file.metadata).filter(([key]) => key !== 'model')),
  }
  expect(() => new SparseModel(nameless, { machine: best })).toThrow('the file does not say what network it holds')
  expect(() => new SparseModel(file, { machine: best, model: 'mlpnet' })).toThrow(
    /tensor fc1.weight has shape \[.*\], mlpnet expects/,
  )
})

it('what a page imports needs neither Node nor a package, and the module is under 265 kB', () => {
  const seen = new Set<string>()
  const visit = (path: string) => {
    if (seen.has(path)) return
    seen.add(path)
    const text = readFileSync(path, 'utf8')
    for (const [, type, from] of text.matchAll(/^(?:import|export)( type)? [^;]*?from '([^']+)'/gms)) {
      if (type) continue
      expect(`${path}: ${from}`).toMatch(/: \.\.?\//)
      const next = join(dirname(path), from)
      expect(existsSync(next)).toBe(true)
      visit(next)
    }
    expect(text).not.toMatch(/from 'node:|import\(|\bprocess\.|\bBuffer\b/)
  }
  visit(join(root, 'src/web.ts'))
  expect(seen.size).toBeGreaterThan(30)
  expect(statSync(join(root, 'kernels/espalier.wasm')).size).toBeLessThan(265_000)
})
