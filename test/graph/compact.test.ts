/**
 * @file Channels that can go: one small graph for each rule, worked out by hand, and the same outputs always.
 */
import { describe, expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { type CompactLayer, compact } from '../../src/graph/compact.ts'
import { Graph } from '../../src/graph/graph.ts'
import { type ConvLayerOptions, conv, convLayer } from '../../src/graph/operators/conv.ts'
import { add, clip, mul, neg, relu, sigmoid, sub } from '../../src/graph/operators/elementwise.ts'
import { linear, matmul } from '../../src/graph/operators/linear.ts'
import { Softmax } from '../../src/graph/operators/loss.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { averagePool, globalAveragePool, maxPool } from '../../src/graph/operators/pooling.ts'
import { concat, flatten, pad, reduceSum, reshape, slice, transpose } from '../../src/graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { modelOf } from '../../src/models/model.ts'
import { visionTransformer } from '../../src/models/vision-transformer.ts'
import { random } from '../../src/util/random.ts'
import { evaluate, given } from '../support/evaluate.ts'

/** Overwrites some of the random values. */
type Set = (values: Map<string, Float64Array>) => void

const reference = openReference()

/**
 * Compacts a network from images [2, 3, 5, 5] (or of another shape) to its output; checks that the output
 * stays the same.
 */
function compacted(build: (graph: Graph, x: Tensor) => Tensor, set: Set, shape: readonly number[] = [2, 3, 5, 5]) {
  const graph = new Graph()
  graph.output('y', build(graph, graph.input('x', shape)))
  const draw = random(5, 'values')
  const values = new Map(
    given(graph)
      .filter(({ role }) => role !== 'input')
      .map((tensor) => [tensor.name, Float64Array.from({ length: sizeOf(tensor.shape) }, () => 0.5 + draw.uniform())]),
  )
  set(values)
  const small = compact(graph, values)
  const images = Array.from({ length: sizeOf(shape) }, () => draw.normal())
  const run = (of: Graph, list: ReadonlyMap<string, Float32Array | Float64Array>) =>
    evaluate(
      reference,
      of,
      new Map<string, number[]>([['x', images], ...[...list].map(([name, v]) => [name, [...v]] as [string, number[]])]),
    ).get('y')!
  const [before, after] = [run(graph, values), run(small.graph, small.values)]
  expect(before.length).toBe(after.length)
  const scale = Math.max(...before.map(Math.abs))
  expect(scale).toBeGreaterThan(1e-3)
  before.forEach((value, i) => {
    expect(Math.abs(value - after[i])).toBeLessThan(1e-10 * scale)
  })
  // What is left needs all of itself.
  const again = compact(small.graph, small.values)
  for (const { outputs, inputs } of again.layers)
    expect([outputs.after, inputs.after]).toEqual([outputs.before, inputs.before])
  return {
    ...small,
    sizes: Object.fromEntries(
      small.layers.map(({ name, inputs, outputs }) => [name.replace('.weight', ''), [inputs.after, outputs.after]]),
    ),
    stay: Object.fromEntries(
      small.layers
        .filter(({ stay }) => Object.keys(stay).length > 0)
        .map(({ name, stay }): [string, CompactLayer['stay']] => [name.replace('.weight', ''), stay]),
    ),
  }
}

/** All weights of an output channel are zero. */
const zeroFilter = (values: Map<string, Float64Array>, layer: string, outputs: number, ...channels: number[]) => {
  const weight = values.get(`${layer}.weight`)!
  const size = weight.length / outputs
  for (const c of channels) weight.fill(0, c * size, (c + 1) * size)
}
/** All weights that read an input channel are zero. */
const zeroInput = (values: Map<string, Float64Array>, layer: string, inputs: number, area: number, channel: number) => {
  const weight = values.get(`${layer}.weight`)!
  for (let i = 0; i < weight.length; i++) if (Math.floor(i / area) % inputs === channel) weight[i] = 0
}

const two = (kernel: number, options: ConvLayerOptions, bias: boolean) => (graph: Graph, x: Tensor) =>
  convLayer(graph, relu(graph, convLayer(graph, x, 'a', 4, 3, { pad: 1, bias })), 'b', 2, kernel, options)

describe('a zero filter', () => {
  it('goes, and all that reads it', () => {
    const { sizes, stay, values, graph } = compacted(two(3, { pad: 1 }, false), (v) => zeroFilter(v, 'a', 4, 1, 3))
    expect([sizes, stay]).toEqual([{ a: [3, 2], b: [2, 2] }, {}])
    expect(values.get('b.weight')!.length).toBe(2 * 2 * 9)
    expect(graph.tensors.has('b.bias')).toBe(false)
  })

  it.each([
    ['1x1', 1],
    ['3x3 without padding', 3],
  ])('with a bias, read by a convolution of %s: the constant goes into the bias', (_, kernel) => {
    const { sizes, values } = compacted(two(kernel, {}, true), (v) => zeroFilter(v, 'a', 4, 1))
    expect(sizes).toEqual({ a: [3, 3], b: [3, 2] })
    expect(values.get('b.bias')).toHaveLength(2)
  })

  it('with a bias, read with padding: stays, as the edge would differ, unless ReLU makes it 0', () => {
    const { sizes, stay } = compacted(two(3, { pad: 1 }, true), (v) => {
      zeroFilter(v, 'a', 4, 1, 2)
      v.get('a.bias')![2] = -1
    })
    expect([sizes, stay]).toEqual([{ a: [3, 3], b: [3, 2] }, { a: { padded: 1 } }])
  })

  it('adds to a bias that is there', () => {
    const { sizes } = compacted(two(1, { bias: true }, true), (v) => zeroFilter(v, 'a', 4, 0, 2))
    expect(sizes).toEqual({ a: [3, 2], b: [2, 2] })
  })

  it('makes a bias of a name of its own, also where the old one was constants', () => {
    const { sizes, values, graph } = compacted(
      (g, x) => {
        const a = clip(g, convLayer(g, x, 'a', 4, 3, { bias: true }), 0, 6)
        const b = add(g, convLayer(g, a, 'b', 3, 1), g.parameter('b.bias', [3, 1, 1]))
        return conv(g, b, g.parameter('c', [2, 3, 1, 1]), g.constant([1, 2], [2]))
      },
      (v) => {
        zeroFilter(v, 'a', 4, 1)
        zeroFilter(v, 'b', 3, 0)
        v.get('a.bias')![1] = 8 // More than 6.
      },
    )
    expect(sizes).toEqual({ a: [3, 3], b: [3, 2], c: [2, 2] })
    expect([...values.keys()].sort()).toEqual(['a.bias', 'a.weight', 'b.bias', 'b.bias.1', 'b.weight', 'c', 'c.bias'])
    expect(graph.withRole('constant').map(({ values }) => values)).toEqual([0, 6])
  })

  it('at the output stays', () => {
    const { sizes, stay } = compacted(two(1, {}, false), (v) => zeroFilter(v, 'b', 2, 0))
    expect([sizes, stay]).toEqual([{ a: [3, 4], b: [4, 2] }, { b: { output: 1 } }])
  })

  it('the last of a layer stays', () => {
    const { sizes, stay } = compacted(two(1, { bias: true }, true), (v) => zeroFilter(v, 'a', 4, 0, 1, 2, 3))
    expect([sizes, stay]).toEqual([
      { a: [3, 1], b: [1, 2] },
      { a: { last: 1 }, b: { output: 2 } },
    ])
  })
})

it('a batch normalization of a constant is one; of scale 0, too', () => {
  const { sizes, values } = compacted(
    (graph, x) =>
      convLayer(graph, relu(graph, batchNorm(graph, convLayer(graph, x, 'a', 5, 3), 'bn', false)), 'b', 2, 1),
    (v) => {
      zeroFilter(v, 'a', 5, 1)
      v.get('bn.weight')![4] = 0
    },
  )
  expect(sizes).toEqual({ a: [3, 3], b: [3, 2] })
  for (const name of ['weight', 'bias', 'running_mean', 'running_var']) expect(values.get(`bn.${name}`)).toHaveLength(3)
})

it('what only a constant is made of is not needed, even where the constant stays', () => {
  const { sizes, stay } = compacted(
    (g, x) => {
      const b = convLayer(g, convLayer(g, x, 'a', 4, 1), 'b', 3, 1)
      return convLayer(g, batchNorm(g, b, 'bn', false), 'c', 2, 3, { pad: 1 })
    },
    (v) => {
      v.get('bn.weight')![1] = 0
      const weight = v.get('b.weight')!
      for (const o of [0, 2]) weight[o * 4 + 3] = 0 // What b's channel 1 alone reads.
    },
  )
  expect([sizes, stay]).toEqual([{ a: [3, 3], b: [3, 3], c: [3, 2] }, { b: { padded: 1 } }])
})

it('maps joined below each other are constant where both have the same constant', () => {
  const { sizes } = compacted(
    (g, x) => {
      const [a, b] = ['a', 'b'].map((name) => convLayer(g, x, name, 4, 1, { bias: true }))
      return convLayer(g, concat(g, [a, b], 2), 'c', 2, 1)
    },
    (v) => {
      for (const layer of ['a', 'b']) zeroFilter(v, layer, 4, 0, 2)
      v.get('b.bias')![0] = v.get('a.bias')![0]
    },
  )
  expect(sizes).toEqual({ a: [3, 3], b: [3, 3], c: [3, 2] })
})

it('a residual sum ties: where one branch varies the other stays, where both are constant both go', () => {
  const block = (graph: Graph, x: Tensor) => {
    const stem = convLayer(graph, x, 'stem', 4, 3, { pad: 1 })
    const inner = relu(graph, convLayer(graph, stem, 'a', 6, 3, { pad: 1 }))
    return convLayer(graph, add(graph, stem, convLayer(graph, inner, 'b', 4, 3, { pad: 1 })), 'c', 2, 1)
  }
  const { sizes, stay } = compacted(block, (v) => {
    zeroFilter(v, 'stem', 4, 1, 2)
    zeroFilter(v, 'b', 4, 0, 2)
    zeroFilter(v, 'a', 6, 5)
  })
  expect(sizes).toEqual({ stem: [3, 3], a: [3, 5], b: [5, 3], c: [3, 2] })
  expect(stay).toEqual({ stem: { tied: 1 }, b: { tied: 1 } })
})

it('depthwise filters go with the channel before them, also where each has several', () => {
  const { sizes, graph } = compacted(
    (g, x) => {
      const wide = convLayer(g, convLayer(g, x, 'a', 4, 1), 'deep', 8, 3, { pad: 1, group: 4 })
      return convLayer(g, convLayer(g, wide, 'deeper', 8, 3, { group: 8 }), 'b', 2, 1)
    },
    (v) => zeroFilter(v, 'a', 4, 1),
  )
  expect(sizes).toEqual({ a: [3, 3], deep: [3, 6], deeper: [6, 6], b: [6, 2] })
  expect(graph.nodes.map(({ attributes }) => attributes.group)).toEqual([1, 3, 6, 1])
})

it('a depthwise filter of zeros makes its channel unread, and its bias goes into the next layer', () => {
  const { sizes } = compacted(
    (g, x) =>
      convLayer(g, convLayer(g, convLayer(g, x, 'a', 3, 1), 'deep', 3, 3, { pad: 1, group: 3, bias: true }), 'b', 2, 1),
    (v) => zeroFilter(v, 'deep', 3, 2),
  )
  expect(sizes).toEqual({ a: [3, 2], deep: [2, 2], b: [2, 2] })
})

it('channels of a grouped convolution stay', () => {
  const { sizes, stay } = compacted(
    (g, x) => convLayer(g, convLayer(g, convLayer(g, x, 'a', 4, 1), 'grouped', 4, 1, { group: 2 }), 'b', 2, 1),
    (v) => {
      zeroFilter(v, 'a', 4, 0)
      zeroFilter(v, 'grouped', 4, 3)
    },
  )
  expect(sizes).toEqual({ a: [3, 4], grouped: [4, 4], b: [4, 2] })
  expect(stay).toEqual({ a: { grouped: 1 }, grouped: { grouped: 1 } })
})

it('joined channels go one by one', () => {
  const { sizes } = compacted(
    (g, x) => convLayer(g, concat(g, [convLayer(g, x, 'a', 3, 1), convLayer(g, x, 'b', 4, 1)]), 'c', 2, 3, { pad: 1 }),
    (v) => {
      zeroFilter(v, 'a', 3, 1)
      zeroFilter(v, 'b', 4, 0, 3)
    },
  )
  expect(sizes).toEqual({ a: [3, 2], b: [3, 2], c: [4, 2] })
})

it('a flattened map: all weights of its pixels go, the constant into the bias', () => {
  const { sizes, values } = compacted(
    (g, x) =>
      linear(g, flatten(g, maxPool(g, convLayer(g, x, 'a', 4, 2, { bias: true }), { kernel: [2, 2] })), 'fc', 3),
    (v) => zeroFilter(v, 'a', 4, 2),
  )
  expect(sizes).toEqual({ a: [3, 3], fc: [12, 3] })
  expect(values.get('fc.weight')).toHaveLength(36)
})

it('a matrix product without a bias gets one', () => {
  const { sizes, graph } = compacted(
    (g, x) => matmul(g, linear(g, flatten(g, x), 'a', 4), g.parameter('m', [4, 2])),
    (v) => zeroFilter(v, 'a', 4, 2),
  )
  expect(sizes).toEqual({ a: [75, 3], m: [3, 2] })
  expect(graph.tensors.get('m.bias')?.shape).toEqual([2])
})

it('channels that nothing reads go, with what only they read', () => {
  const { sizes, stay } = compacted(
    (g, x) => convLayer(g, sigmoid(g, convLayer(g, relu(g, convLayer(g, x, 'a', 4, 3)), 'b', 3, 1)), 'c', 2, 3),
    (v) => {
      zeroInput(v, 'c', 3, 9, 1)
      const weight = v.get('b.weight')!
      for (const o of [0, 2]) weight[o * 4 + 3] = 0 // What b's channel 1 alone reads.
    },
  )
  expect([sizes, stay]).toEqual([{ a: [3, 3], b: [3, 2], c: [2, 2] }, {}])
})

it('unread in one place and read in another: the filter stays, what it alone reads goes', () => {
  const { sizes, stay } = compacted(
    (g, x) => {
      const stem = convLayer(g, x, 'stem', 3, 1)
      const sum = add(g, stem, convLayer(g, relu(g, convLayer(g, stem, 'a', 4, 1)), 'b', 3, 1))
      return convLayer(g, sum, 'c', 2, 1)
    },
    (v) => {
      zeroInput(v, 'c', 3, 1, 2)
      const weight = v.get('b.weight')!
      for (const o of [0, 1]) weight[o * 4 + 1] = 0
    },
  )
  expect(sizes).toEqual({ stem: [3, 3], a: [3, 3], b: [3, 3], c: [3, 2] })
  expect(stay).toEqual({ b: { tied: 1 } })
})

it('parameters per channel shrink: a slope as PReLU has it, sums and products of lists', () => {
  const { sizes, graph } = compacted(
    (g, x) => {
      const a = convLayer(g, x, 'a', 4, 1)
      const slope = g.parameter('slope', [4, 1, 1])
      const leaky = sub(g, relu(g, a), mul(g, relu(g, neg(g, a)), slope))
      const shifted = add(g, leaky, g.constant([1, 2, 3, 4], [1, 4, 1, 1]))
      return convLayer(g, mul(g, shifted, g.parameter('map', [5, 5])), 'b', 2, 1)
    },
    (v) => {
      zeroInput(v, 'b', 4, 1, 1)
    },
  )
  expect(sizes).toEqual({ a: [3, 3], b: [3, 2] })
  expect(graph.tensors.get('slope')?.shape).toEqual([3, 1, 1])
  expect(graph.withRole('constant').map(({ values }) => values)).toEqual([[1, 3, 4]])
})

it('a factor of 0 makes a channel constant; a sum that differs from place to place does not', () => {
  const network = (apply: typeof mul) => (g: Graph, x: Tensor) =>
    convLayer(g, apply(g, convLayer(g, x, 'a', 3, 1), g.parameter('p', [3, 1, 5])), 'b', 2, 1)
  const factors = compacted(network(mul), (v) => v.get('p')!.fill(0, 5, 10))
  expect(factors.sizes).toEqual({ a: [3, 2], b: [2, 2] })
  const summed = compacted(network(add), (v) => zeroFilter(v, 'a', 3, 1))
  expect([summed.sizes, summed.stay]).toEqual([{ a: [3, 3], b: [3, 2] }, { a: { tied: 1 } }])
})

it('pooling, sums and means pass constants on; an average that counts padding only 0', () => {
  const network = (includePad: boolean) => (g: Graph, x: Tensor) => {
    const a = convLayer(g, x, 'a', 3, 1, { bias: true })
    const pooled = averagePool(g, a, { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], includePad })
    return convLayer(g, pooled, 'b', 2, 1)
  }
  expect(compacted(network(false), (v) => zeroFilter(v, 'a', 3, 1)).sizes).toEqual({ a: [3, 2], b: [2, 2] })
  const counted = compacted(network(true), (v) => {
    zeroFilter(v, 'a', 3, 1, 2)
    v.get('a.bias')![2] = 0
  })
  expect(counted.sizes).toEqual({ a: [3, 2], b: [2, 2] })
  for (const reduce of [globalAveragePool, (g: Graph, x: Tensor) => reduceSum(g, x, [2, 3])]) {
    const { sizes } = compacted(
      (g, x) => linear(g, flatten(g, reduce(g, convLayer(g, x, 'a', 3, 1, { bias: true }))), 'b', 2),
      (v) => zeroFilter(v, 'a', 3, 1),
    )
    expect(sizes).toEqual({ a: [3, 2], b: [2, 2] })
  }
})

it('a shortcut of zeros (option A): channels that are cut out and padded', () => {
  const { sizes } = compacted(
    (g, x) => {
      const a = convLayer(g, x, 'a', 3, 1)
      const shortcut = pad(g, slice(g, a, [0, 1, 0, 0], [2, 2, 3, 3], [1, 1, 2, 2]), [0, 1, 0, 0], [0, 2, 0, 0])
      return convLayer(g, add(g, convLayer(g, a, 'b', 5, 1, { stride: 2 }), shortcut), 'c', 2, 3, { pad: 1 })
    },
    (v) => {
      zeroFilter(v, 'a', 3, 1)
      zeroFilter(v, 'b', 5, 0, 1, 4)
    },
  )
  expect(sizes).toEqual({ a: [3, 2], b: [2, 2], c: [2, 2] })
})

it('a constant that is padded with zeros varies', () => {
  const { sizes } = compacted(
    (g, x) => convLayer(g, pad(g, convLayer(g, x, 'a', 3, 1, { bias: true }), [0, 0, 1, 1], [0, 0, 1, 1]), 'b', 2, 3),
    (v) => zeroFilter(v, 'a', 3, 1),
  )
  expect(sizes).toEqual({ a: [3, 3], b: [3, 2] })
})

it('a map that is cut into channels and reshaped back', () => {
  const { sizes } = compacted(
    (g, x) => {
      const rows = linear(g, flatten(g, x), 'a', 8)
      return convLayer(g, reshape(g, rows, [2, 2, 2, 2]), 'b', 2, 1)
    },
    (v) => {
      zeroInput(v, 'b', 2, 1, 0)
    },
  )
  expect(sizes).toEqual({ a: [75, 4], b: [1, 2] })
})

it('operators that mix channels keep them', () => {
  const mixes = [
    (g: Graph, x: Tensor) => transpose(g, x, [0, 2, 1, 3]),
    (g: Graph, x: Tensor) => g.apply(Softmax, [x], { axis: 1 })[0],
  ]
  for (const mix of mixes) {
    const { sizes, stay } = compacted(
      (g, x) => convLayer(g, mix(g, convLayer(g, x, 'a', 5, 1)), 'b', 2, 1),
      (v) => zeroFilter(v, 'a', 5, 1),
    )
    expect([sizes, stay]).toEqual([{ a: [3, 5], b: [5, 2] }, { a: { mixed: 1 } }])
  }
})

it('a transformer loses hidden units that are off, whatever GELU makes of their bias, and nothing else', () => {
  const options = { side: 4, patch: 2, heads: 2, head: 3, depth: 1, ratio: 2 }
  const model = modelOf(visionTransformer('tiny', 'for tests', options))
  const [attention, perceptron] = ['blocks.0.attn', 'blocks.0.mlp']
  const { sizes, stay } = compacted(
    (g, x) => model.build(g, x, false),
    (v) => {
      zeroFilter(v, `${perceptron}.fc1`, 12, 0, 3, 11)
      zeroInput(v, `${perceptron}.fc2`, 12, 1, 7)
      zeroFilter(v, `${attention}.qkv`, 18, 4)
    },
    [2, 3, 4, 4],
  )
  expect([sizes[`${perceptron}.fc1`], sizes[`${perceptron}.fc2`]]).toEqual([
    [6, 8],
    [8, 6],
  ])
  expect([sizes[`${attention}.qkv`], stay]).toEqual([[6, 18], { [`${attention}.qkv`]: { tied: 1 } }])
})

it('layers that share a weight, and channels of the images, stay', () => {
  const { sizes, stay } = compacted(
    (g, x) => {
      const a = convLayer(g, x, 'a', 3, 1)
      const again = g.apply(g.nodes[0].operator, [a, g.tensors.get('a.weight')!])[0]
      return convLayer(g, add(g, again, convLayer(g, add(g, x, convLayer(g, x, 'r', 3, 1)), 'q', 3, 1)), 'b', 2, 1)
    },
    (v) => {
      zeroFilter(v, 'a', 3, 1)
      zeroFilter(v, 'r', 3, 0)
    },
  )
  expect(sizes).toEqual({ a: [3, 3], r: [3, 3], q: [3, 3], b: [3, 2] })
  expect(stay).toEqual({ a: { shared: 1 }, r: { input: 1 } })
})

it('where all is needed nothing changes', () => {
  const { sizes, stay } = compacted(two(3, { pad: 1 }, true), () => {})
  expect([sizes, stay]).toEqual([{ a: [3, 4], b: [4, 2] }, {}])
})
