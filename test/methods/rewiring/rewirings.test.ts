/**
 * @file What holds for every event: nothing is lost, nothing grows where a weight is, and the rule of the
 * method.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deepR } from '../../../src/methods/rewiring/deepr.ts'
import { dsr } from '../../../src/methods/rewiring/dsr.ts'
import { granet } from '../../../src/methods/rewiring/granet.ts'
import { growAtRandom } from '../../../src/methods/rewiring/growth.ts'
import { growthAsCoded } from '../../../src/methods/rewiring/growth-as-coded.ts'
import {
  type Moves,
  movedPositions,
  type Rewiring,
  type SparseLayer,
  survivors,
} from '../../../src/methods/rewiring/rewiring.ts'
import { rigl } from '../../../src/methods/rewiring/rigl.ts'
import { apportionRuns, inRuns, meansOfRuns, ofWeights } from '../../../src/methods/rewiring/runs.ts'
import { set, setMagnitude } from '../../../src/methods/rewiring/set.ts'
import { snfs } from '../../../src/methods/rewiring/snfs.ts'
import { random } from '../../../src/util/random.ts'
import { breadth } from '../../support/breadth.ts'

function layer(name: string, size: number, count: number, seed: number): SparseLayer {
  const draw = random(seed, name)
  const positions = Int32Array.from(draw.permutation(size).subarray(0, count)).sort()
  return {
    name,
    length: 1,
    rows: 1,
    size,
    positions,
    values: Float64Array.from({ length: count }, () => draw.normal() / 100),
  }
}

const gradients = (seed: number, layers: readonly SparseLayer[]) =>
  new Map(
    layers.map(({ name, size }) => {
      const draw = random(seed, 'gradient', name)
      return [name, Float32Array.from({ length: size }, () => draw.normal())]
    }),
  )

const context = (layers: readonly SparseLayer[], step: number) => ({
  step,
  rate: 0.1,
  elapsed: 0.25,
  owed: 0,
  normalized: false,
  outputLayer: '',
  draw: (name: string) => random(1, name, step),
  gradient: (name: string) => gradients(step, layers).get(name)!,
})

/** The layers after an event; what grew has value 0, which a step would change. */
const next = (layers: readonly SparseLayer[], moves: readonly Moves[], step: number): SparseLayer[] =>
  layers.map((one, i) => {
    const positions = movedPositions(one, moves[i])
    const draw = random(step, 'after', one.name)
    const old = new Map(Array.from(one.positions, (position, e) => [position, one.values[e]]))
    const values = Float64Array.from(positions, (p) => (old.get(p) ?? 0) + draw.normal() / 200)
    return { ...one, positions, values }
  })

const methods: Record<string, () => Rewiring> = {
  dsr: () => dsr.make({ moves: 20, seed: 0 }),
  set: () => set.make({ fraction: 0.3, seed: 0 }),
  'set-magnitude': () => setMagnitude.make({ fraction: 0.1, seed: 0 }),
  'dsr without reallocation': () => dsr.make({ moves: 20, reallocate: false, seed: 0 }),
  'set-magnitude with reallocation': () => setMagnitude.make({ fraction: 0.1, reallocate: true, seed: 0 }),
  rigl: () => rigl.make({ fraction: 0.3, seed: 0 }),
  snfs: () => snfs.make({ seed: 0 }),
  granet: () => granet.make({ seed: 0 }),
  deepr: () => deepR.make({ seed: 3, temperature: () => 1e-4 }),
}

/** Sizes and counts of tensors: nearly empty to full ones. */
const shapes = fc.array(
  fc.integer({ min: 2, max: 80 }).chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size }))),
  { minLength: 1, maxLength: 4 },
)

describe.each(Object.entries(methods))('%s', (_, make) => {
  it('keeps the number of weights, and grows only where there is room', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 0, max: 1000 }), (sizes, seed) => {
        const layers = sizes.map(([size, count], i) => layer(`layer ${i}`, size, count, seed))
        const moves = make().event(layers, context(layers, seed))
        const total = (of: (move: Moves) => Int32Array) => moves.reduce((sum, move) => sum + of(move).length, 0)
        expect(total(({ grown }) => grown)).toBe(total(({ pruned }) => pruned))
        layers.forEach((one, i) => {
          const left = survivors(one, moves[i].pruned)
          const positions = movedPositions(one, moves[i])
          expect(new Set(positions).size).toBe(left.length + moves[i].grown.length)
          expect(positions.every((p, e) => p >= 0 && p < one.size && (e === 0 || p > positions[e - 1]))).toBe(true)
        })
      }),
    )
  })

  it('after many events the number of weights is as it was', () => {
    const rewiring = make()
    let layers = [layer('a', 400, 60, 1), layer('b', 90, 30, 2), layer('c', 30, 29, 3)]
    rewiring.begin?.(layers)
    for (let step = 1; step <= breadth(500, 2000); step++)
      layers = next(layers, rewiring.event(layers, context(layers, step)), step)
    expect(layers.reduce((sum, { positions }) => sum + positions.length, 0)).toBe(119)
  }, 30_000)

  it('a restored method goes on as the other does', () => {
    const [one, other] = [make(), make()]
    let layers = [layer('a', 400, 60, 1), layer('b', 90, 30, 2)]
    for (let step = 1; step < 20; step++) layers = next(layers, one.event(layers, context(layers, step)), step)
    other.restore(JSON.parse(JSON.stringify(one.state())))
    const copies = layers.map((layer) => ({ ...layer, values: layer.values.slice() }))
    expect(other.event(copies, context(layers, 20))).toEqual(one.event(layers, context(layers, 20)))
    expect(other.state()).toEqual(one.state())
  })
})

it('free places are drawn with equal chances', () => {
  const taken = Int32Array.of(0, 3, 4, 9)
  const counts = new Map<string, number>()
  const draws = 30_000
  const draw = random(0, 'growth')
  for (let i = 0; i < draws; i++) {
    const key = growAtRandom(draw, 10, taken, 2).join()
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  // Two of 1, 2, 5, 6, 7, 8 in 15 ways.
  expect(counts.size).toBe(15)
  const chi = [...counts.values()].reduce((sum, n) => sum + (n - draws / 15) ** 2 / (draws / 15), 0)
  expect(chi).toBeLessThan(36.1) // 99.9 % of 14 degrees of freedom
})

it('DSR: one threshold for all tensors, growth in proportion to what is left, none where it was just pruned', () => {
  const [a, b] = [layer('a', 1000, 200, 5), layer('b', 3000, 100, 6)]
  const rewiring = dsr.make({ seed: 0, moves: 1000, threshold: 5e-3 })
  const [first, second] = rewiring.event([a, b], context([a, b], 1))
  for (const [one, { pruned }] of [
    [a, first],
    [b, second],
  ] as const)
    expect([...pruned]).toEqual([...one.values.keys()].filter((e) => Math.abs(one.values[e]) < 5e-3))
  const total = first.pruned.length + second.pruned.length
  const [left, all] = [200 - first.pruned.length, 300 - total]
  expect(Math.abs(first.grown.length - (total * left) / all)).toBeLessThan(1)
  const just = new Set(Array.from(first.pruned, (e) => a.positions[e]))
  expect([...first.grown].filter((p) => just.has(p))).toEqual([])
  expect(rewiring.state()).toEqual({ threshold: 1e-2 }) // too few
  rewiring.event([a, b], context([a, b], 2))
  expect(dsrThresholdAfter(total)).toBe(5e-3)
  expect(dsrThresholdAfter(Math.floor(total / 2))).toBe(2.5e-3)

  function dsrThresholdAfter(moves: number): number {
    const one = dsr.make({ seed: 0, moves, threshold: 5e-3 })
    one.event([a, b], context([a, b], 1))
    return one.state().threshold
  }
})

it('DSR leaves every tensor a weight, and fills tensors that have no other free places', () => {
  const [a, b] = [layer('a', 4, 3, 1), layer('b', 3, 3, 2)]
  const [first, second] = dsr.make({ seed: 0, moves: 1, threshold: 1 }).event([a, b], context([a, b], 1))
  expect([first.pruned, second.pruned]).toEqual([Int32Array.of(1, 2), Int32Array.of(1, 2)])
  expect(first.grown.length + second.grown.length).toBe(4)
})

it('SET: the same share of positive and of negative weights, those next to zero', () => {
  const values = Float64Array.of(0.1, -0.2, 0.3, -0.4, 0.5, 0.6, -0.01, 0.05)
  const one = {
    name: 'a',
    length: 1,
    rows: 1,
    size: 100,
    positions: Int32Array.from({ length: 8 }, (_, i) => 3 * i),
    values,
  }
  // Of five positive ones two, of three negative ones one.
  expect([...set.make({ seed: 0, fraction: 0.4 }).event([one], context([one], 1))[0].pruned]).toEqual([0, 6, 7])
  // floor(0.25 * 8) + 1
  expect([...setMagnitude.make({ seed: 0, fraction: 0.25 }).event([one], context([one], 1))[0].pruned]).toEqual([
    0, 6, 7,
  ])
})

it('RigL: the smallest weights, the largest gradients of places that do not stay, a share that falls like a cosine', () => {
  const one = layer('a', 500, 50, 9)
  const at = (elapsed: number) =>
    rigl.make({ seed: 0, fraction: 0.4 }).event([one], { ...context([one], 7), elapsed })[0]
  expect([0, 0.5, 1].map((elapsed) => at(elapsed).pruned.length)).toEqual([20, 10, 0])
  const { pruned, grown } = at(0)
  const bySize = [...one.values.keys()].sort((x, y) => Math.abs(one.values[x]) - Math.abs(one.values[y]))
  expect([...pruned]).toEqual(bySize.slice(0, 20).sort((x, y) => x - y))
  const stay = new Set(survivors(one, pruned))
  const gradient = gradients(7, [one]).get('a')!
  const free = [...gradient.keys()].filter((p) => !stay.has(p))
  const best = free.sort((x, y) => Math.abs(gradient[y]) - Math.abs(gradient[x])).slice(0, 20)
  expect([...grown]).toEqual(best.sort((x, y) => x - y))
})

it('DeepR: signs are fixed, and only weights of the other sign go', () => {
  const rewiring = deepR.make({ seed: 1 })
  const one = layer('a', 200, 100, 4)
  rewiring.begin!([one])
  expect(rewiring.event([one], context([one], 1))[0].pruned).toHaveLength(0)
  const flipped = [3, 50, 99]
  for (const e of flipped) one.values[e] *= -1
  expect([...rewiring.event([one], context([one], 2))[0].pruned]).toEqual(flipped)
})

it('DeepR: noise of the stated deviation', () => {
  const count = 20_000
  const noise = (options: { eta?: number }) => {
    const one = layer('a', count, count, 4)
    one.values.fill(0)
    deepR.make({ seed: 1, temperature: (step) => step * 1e-4, ...options }).event([one], context([one], 2))
    return Math.sqrt(one.values.reduce((sum, x) => sum + x * x, 0) / count)
  }
  expect(noise({}) / Math.sqrt(2 * 0.1 * 2e-4)).toBeCloseTo(1, 1)
  expect(noise({ eta: 0.01 }) / (0.1 * Math.sqrt(2 * 0.01 * 2e-4))).toBeCloseTo(1, 1)
})

describe('SNFS', () => {
  /**
   * A tensor whose weights come first, 1, 2, 3, ... / 100 in size, with a momentum of `held` on them and
   * 0.01, 0.02, ... at the other places.
   */
  const tensor = (name: string, size: number, count: number, held: number) => {
    const positions = Int32Array.from({ length: count }, (_, i) => i)
    const values = Float64Array.from(positions, (i) => ((i + 1) / 100) * (i % 2 ? 1 : -1))
    const momentum = Float32Array.from({ length: size }, (_, i) => (i < count ? held : -(i - count + 1) / 100))
    return { layer: { name, length: 1, rows: 1, size, positions, values }, momentum }
  }
  const event = (tensors: ReturnType<typeof tensor>[], elapsed: number, fraction?: number) => {
    const layers = tensors.map(({ layer }) => layer)
    const of = new Map(tensors.map(({ layer: { name }, momentum }) => [name, momentum]))
    return snfs
      .make({ seed: 0, fraction })
      .event(layers, { ...context(layers, 1), elapsed, gradient: (name) => of.get(name)! })
  }
  const counts = (moves: Moves[]) => moves.map(({ pruned, grown }) => [pruned.length, grown.length])

  it('the smallest weights go, as many grow in proportion to mean |momentum|, where it is largest', () => {
    const [a, b] = event([tensor('a', 40, 8, 0.003), tensor('b', 40, 8, -0.001)], 0)
    expect([a.pruned, b.pruned]).toEqual([Int32Array.of(0, 1, 2, 3), Int32Array.of(0, 1, 2, 3)])
    expect([...a.grown]).toEqual([34, 35, 36, 37, 38, 39]) // 8 x 3 / 4
    expect([...b.grown]).toEqual([38, 39])
  })

  it('just pruned places may grow again, surviving ones never', () => {
    const [{ pruned, grown }] = event([tensor('a', 10, 4, 5)], 0)
    expect([...pruned]).toEqual([0, 1])
    expect([...grown]).toEqual([0, 1])
  })

  it('the share falls like a cosine from the fraction to 0.005, rounded up', () => {
    const moved = (elapsed: number, fraction?: number) => counts(event([tensor('a', 5000, 1000, 1)], elapsed, fraction))
    expect(moved(0)).toEqual([[500, 500]])
    expect(moved(0, 0.2)).toEqual([[200, 200]])
    expect(moved(0.5)).toEqual([[253, 253]]) // 0.2525
    expect(moved(1)).toEqual([[5, 5]])
  })

  it('no tensor gets more than 99 % of its free places while others have room', () => {
    // 10 are taken from each; all but nothing of the momentum is in a, of whose 18 free places 99 % are 17.
    const moves = event([tensor('a', 28, 20, 1000), tensor('b', 100, 20, 1e-6)], 0)
    expect(counts(moves)).toEqual([
      [10, 17],
      [10, 3],
    ])
    // All are that full: what was taken must fit in.
    expect(counts(event([tensor('a', 3, 3, 1), tensor('b', 3, 3, 1)], 0))).toEqual([
      [2, 2],
      [2, 2],
    ])
  })

  it('a nearly dense tensor that is to grow loses no larger share than it has zeros', () => {
    // 10 % zeros: above the average momentum 9 of 90 go, below it half.
    expect(counts(event([tensor('a', 100, 90, 3), tensor('b', 400, 20, 1)], 0)).map(([pruned]) => pruned)).toEqual([
      9, 10,
    ])
    expect(counts(event([tensor('a', 100, 90, 1), tensor('b', 400, 20, 3)], 0)).map(([pruned]) => pruned)).toEqual([
      45, 10,
    ])
  })

  it('a tensor keeps one weight', () => {
    expect(event([tensor('a', 10, 1, 1), tensor('b', 10, 4, 1)], 0)[0].pruned).toHaveLength(0)
  })
})

describe('runs of weights', () => {
  it('are places with the mean |w|, and are moved as a whole', () => {
    const positions = Int32Array.of(3, 4, 5, 9, 10, 11)
    const layer = { name: 'a', length: 1, rows: 3, size: 12, positions, values: Float64Array.of(1, -2, 3, 0, 0, -6) }
    expect(inRuns(layer, 3)).toEqual({
      name: 'a',
      length: 3,
      rows: 3,
      size: 4,
      positions: Int32Array.of(1, 3),
      values: Float64Array.of(2, 2),
    })
    expect(inRuns(layer, 1)).toBe(layer)
    expect(() => inRuns({ ...layer, positions: Int32Array.of(2, 3, 4, 9, 10, 11) }, 3)).toThrow(/a: a run of 3 weights/)
    expect(meansOfRuns(Float32Array.of(1, -1, 0, -4), 2)).toEqual(Float64Array.of(1, 2))
    const moves = { pruned: Int32Array.of(1), grown: Int32Array.of(0, 2) }
    const weights = { pruned: Int32Array.of(3, 4, 5), grown: Int32Array.of(0, 1, 2, 6, 7, 8) }
    expect(ofWeights(moves, 3)).toEqual(weights)
  })

  it('are divided by weights: what is left over goes to shorter ones', () => {
    expect(apportionRuns(40, [1, 1], [100, 100], [9, 1])).toEqual([2, 22]) // 20 and 20
    expect(apportionRuns(40, [1, 1], [100, 100], [1, 9])).toEqual([22, 2])
    expect(apportionRuns(40, [1, 1], [100, 100], [9, 9])).toEqual([2, 2]) // 4 are owed
    expect(apportionRuns(40, [1, 3], [100, 3], [1, 9])).toEqual([13, 3])
    // 8 that are full, then 16 and 16; 2 are owed
    expect(apportionRuns(40, [3, 1, 1], [8, 9, 2], [1, 3, 9])).toEqual([8, 7, 1])
  })

  const lengths = [9, 3, 1]
  it.each(['dsr', 'set', 'set-magnitude', 'rigl', 'snfs', 'granet'])(
    '%s: hundreds of events, the number of weights stays to within a run',
    (name) => {
      const rewiring = methods[name]()
      const start = [
        [60, 12],
        [90, 30],
        [200, 40],
      ].map(([size, count], i) => layer(`layer ${i}`, size, count, 3))
      const whole = start.map(({ name, size, positions }, i) => {
        const weights = ofWeights({ pruned: positions, grown: positions }, lengths[i]).grown
        return {
          name,
          length: 1,
          rows: 1,
          size: size * lengths[i],
          positions: weights,
          values: Float64Array.from(weights, () => 0),
        }
      })
      const count = (layers: readonly SparseLayer[]) => layers.reduce((sum, { positions }) => sum + positions.length, 0)
      const total = count(whole)
      expect(total).toBe(12 * 9 + 30 * 3 + 40)
      let [layers, moved]: [SparseLayer[], number] = [
        next(
          whole,
          whole.map(() => ({ pruned: new Int32Array(0), grown: new Int32Array(0) })),
          0,
        ),
        0,
      ]
      for (let step = 1; step <= 300; step++) {
        const places = layers.map((one, i) => inRuns(one, lengths[i])) // throws where a run is torn
        const moves = rewiring.event(places, { ...context(places, step), owed: total - count(layers) })
        moved += moves.reduce((sum, { pruned }) => sum + pruned.length, 0)
        layers = next(
          layers,
          moves.map((some, i) => ofWeights(some, lengths[i])),
          step,
        )
        expect(total - count(layers)).toBeGreaterThanOrEqual(0)
        expect(total - count(layers)).toBeLessThan(9)
      }
      expect(moved).toBeGreaterThan(300)
    },
  )
})

describe('growth as the code of DSR has it', () => {
  const draw = () => random(1, 'growth')

  it('gives each tensor its rounded part, halves to even, and offers again what finds no room', () => {
    expect(growthAsCoded(10, [30, 10], [100, 100], draw())).toEqual([8, 2])
    expect(growthAsCoded(12, [30, 10], [100, 100], draw())).toEqual([9, 3])
    // 9 and 3, of which 4 fit; 5 are left: 4 and 1, and so on, until all went to the other.
    expect(growthAsCoded(12, [30, 10], [4, 100], draw())[0]).toBe(4)
    expect(growthAsCoded(12, [10, 10, 10], [0, 5, 100], draw())).toEqual([0, 5, 7])
  })

  it('gives what rounding leaves over to any tensor, and may give too much but never too little', () => {
    const counts = new Set<string>()
    const one = draw()
    for (let i = 0; i < 200; i++) counts.add(growthAsCoded(10, [1, 1, 1], [9, 9, 9], one).join())
    expect([...counts].sort()).toEqual(['3,3,4', '3,4,3', '4,3,3'])
    // Rounded up to 1 each: one too many, which a tensor that has none cannot give back.
    const totals = Array.from({ length: 200 }, () =>
      growthAsCoded(2, [3, 3, 3, 0.1], [9, 9, 9, 9], one).reduce((a, b) => a + b, 0),
    )
    expect(new Set(totals)).toEqual(new Set([2, 3]))
  })

  it('ends where the code does not', () => {
    expect(growthAsCoded(5, [2, 2], [1, 1], draw())).toEqual([1, 1])
    expect(growthAsCoded(2, [100, 1], [0, 50], draw())[0]).toBe(0)
  })
})
