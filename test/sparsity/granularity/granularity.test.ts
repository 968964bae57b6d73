/** @file N:M, blocks and floors on small layers, against brute force. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findModel } from '../../../src/models/index.ts'
import { selectTop } from '../../../src/select/top.ts'
import { keptCount } from '../../../src/sparsity/count.ts'
import { floorText, leastOf, parseFloor } from '../../../src/sparsity/floor.ts'
import { findGranularity, isGranularity } from '../../../src/sparsity/granularity/index.ts'
import { countKept, type MaskedLayer } from '../../../src/sparsity/mask.ts'
import { type ScopeName, scopes } from '../../../src/sparsity/scope.ts'
import { writeMasks } from '../../../src/sparsity/write-masks.ts'
import { UserError } from '../../../src/util/errors.ts'
import { random } from '../../../src/util/random.ts'

const layer = (name: string, shape: number[], scores: number[]): MaskedLayer => ({
  name,
  shape,
  scores: Float64Array.from(scores),
  mask: new Float64Array(scores.length).fill(1),
})
const select = (layers: readonly MaskedLayer[], keep: number) =>
  selectTop(
    layers.map(({ scores }) => scores),
    keep,
    layers.map(({ mask }) => mask),
  )
interface Wanted {
  granularity?: string
  scope?: ScopeName
  sparsity: number
  floor?: string
}
const write = (layers: readonly MaskedLayer[], { granularity = 'weight', scope = 'global', sparsity, floor }: Wanted) =>
  writeMasks(
    layers,
    { scope: scopes[scope], sparsity, select, floor: floor === undefined ? undefined : parseFloor(floor) },
    findGranularity(granularity, findModel('mlpnet')),
  )
const masks = (layers: readonly MaskedLayer[]) => layers.map(({ mask }) => [...mask])
const kept = (layers: readonly MaskedLayer[]) => layers.map(({ mask }) => countKept(mask))
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b)
const drawn = (shapes: readonly number[][], seed: number, levels = 1000) =>
  shapes.map((shape, i) => {
    const draw = random(seed, 'scores', i)
    return layer(
      `l${i}`,
      [...shape],
      Array.from({ length: sizeOf(shape) }, () => draw.below(levels) - levels / 4),
    )
  })
const shape = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), fc.constant(3), fc.constant(3)),
)
const networks = fc.array(
  shape.map((sizes) => [...sizes]),
  { minLength: 1, maxLength: 4 },
)
const sparsities = fc.double({ min: 0, max: 1, noNaN: true })
const names = fc.constantFrom<ScopeName>('global', 'layerwise', 'uniform', 'erk')

it('names', () => {
  const known = ['weight', 'channel', 'fan-in', '2:4', '2:4-channels', '1:1', '4x4', '16x16', 'row', 'kernel', 'filter']
  expect(known.filter(isGranularity)).toEqual(known)
  for (const name of [
    '',
    'Weight',
    '4:2',
    '0:4',
    '4x2',
    '0x0',
    '2:4:8',
    '2:4-',
    '4:2-channels',
    'channels',
    'rows',
    'toString',
  ])
    expect(isGranularity(name)).toBe(false)
})

describe('N:M', () => {
  it('by hand: 2:4 with a shorter last group, ties to the lower index', () => {
    const layers = [layer('a', [2, 6], [1, 4, 3, 2, 9, 8, 5, 5, 5, 5, 0, 1])]
    write(layers, { granularity: '2:4', sparsity: 0 })
    expect(masks(layers)).toEqual([[0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1]])
  })

  it('by hand: 1:2 along the channels of each place of a kernel', () => {
    // Channels 0, 1 and 2 at two places each.
    const layers = [layer('a', [1, 3, 1, 2], [1, 8, 2, 7, 0, 0])]
    write(layers, { granularity: '1:2-channels', sparsity: 0 })
    expect(masks(layers)).toEqual([[0, 1, 1, 0, 1, 1]])
    const along = [layer('a', [1, 3, 1, 2], [1, 8, 2, 7, 0, 0])]
    write(along, { granularity: '1:2', sparsity: 0 })
    expect(masks(along)).toEqual([[0, 1, 0, 1, 1, 0]])
    const linear = (granularity: string) => {
      const rows = [layer('a', [2, 6], [1, 4, 3, 2, 9, 8, 5, 5, 5, 5, 0, 1])]
      write(rows, { granularity, sparsity: 0 })
      return masks(rows)
    }
    expect(linear('2:4-channels')).toEqual(linear('2:4'))
  })

  it('at most N of M, the best ones; then the best of all to the count of the scope', () => {
    fc.assert(
      fc.property(
        networks,
        sparsities,
        names,
        fc.nat(),
        fc.constantFrom([1, 4], [2, 4], [3, 8]),
        (shapes, sparsity, scope, seed, [n, m]) => {
          const pattern = drawn(shapes, seed)
          write(pattern, { granularity: `${n}:${m}`, sparsity: 0 })
          for (const { mask, scores, shape } of pattern) {
            const original = drawn(shapes, seed)[pattern.findIndex((one) => one.scores === scores)].scores
            const columns = sizeOf(shape) / shape[0]
            for (let row = 0; row < mask.length; row += columns)
              for (let at = row; at < row + columns; at += m) {
                const end = Math.min(at + m, row + columns)
                const [inside, outside] = [1, 0].map((bit) =>
                  [...original.slice(at, end)].filter((_, i) => mask[at + i] === bit),
                )
                expect(inside).toHaveLength(Math.min(n, end - at))
                expect(Math.min(...inside)).toBeGreaterThanOrEqual(Math.max(...outside))
              }
          }
          const both = drawn(shapes, seed)
          write(both, { granularity: `${n}:${m}`, sparsity, scope })
          const most = keptCount(sum(shapes.map(sizeOf)), sparsity)
          if (scope === 'global') expect(sum(kept(both))).toBe(Math.min(most, sum(kept(pattern))))
          masks(both).forEach((mask, i) => {
            expect(mask.every((bit, j) => bit <= pattern[i].mask[j])).toBe(true)
          })
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('blocks', () => {
  it('by hand: 2x2 on 3 x 3, sums 10, 5, 5 and 4', () => {
    const scores = [1, 2, 3, 3, 4, 2, 2, 3, 4]
    const left = (sparsity: number) => {
      const layers = [layer('a', [3, 3], scores)]
      write(layers, { granularity: '2x2', sparsity })
      return masks(layers)[0]
    }
    // The tile of one weight goes first, then of two equal ones the later.
    expect(left(1 / 9)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0])
    expect(left(2 / 9)).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0])
    expect(left(4 / 9)).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 0])
    expect(left(6 / 9)).toEqual(new Array(9).fill(0))
  })

  it('whole tiles, no better one gone, within one tile of the count; 1x1 is single weights', () => {
    fc.assert(
      fc.property(
        networks,
        sparsities,
        names,
        fc.nat(),
        fc.integer({ min: 1, max: 4 }),
        (shapes, sparsity, scope, seed, b) => {
          const [layers, weights] = [drawn(shapes, seed, 20), drawn(shapes, seed, 20)]
          const scores = layers.map((one) => [...one.scores])
          write(layers, { granularity: `${b}x${b}`, sparsity, scope })
          write(weights, { sparsity, scope })
          if (b === 1) expect(masks(layers)).toEqual(masks(weights))
          const tiles: { score: number; size: number; bits: Set<number>; layer: number }[] = []
          layers.forEach(({ shape, mask }, l) => {
            const columns = sizeOf(shape) / shape[0]
            const found = new Map<string, (typeof tiles)[number]>()
            mask.forEach((bit, i) => {
              const key = `${Math.floor(i / columns / b)},${Math.floor((i % columns) / b)}`
              const tile = found.get(key) ?? { score: 0, size: 0, bits: new Set(), layer: l }
              tile.score += scores[l][i]
              tile.size++
              tile.bits.add(bit)
              found.set(key, tile)
            })
            tiles.push(...found.values())
          })
          expect(tiles.every(({ bits }) => bits.size === 1)).toBe(true)
          const groups = scope === 'global' ? [tiles] : layers.map((_, l) => tiles.filter((tile) => tile.layer === l))
          const wanted = scope === 'global' ? [sum(kept(weights))] : kept(weights)
          groups.forEach((group, g) => {
            const [inside, outside] = [1, 0].map((bit) => group.filter(({ bits }) => bits.has(bit)))
            const left = sum(inside.map(({ size }) => size))
            const best = outside.sort((x, y) => y.score - x.score)[0]
            expect(left).toBeLessThanOrEqual(wanted[g])
            if (!best) return
            expect(Math.min(...inside.map(({ score }) => score))).toBeGreaterThanOrEqual(best.score)
            const last = Math.max(...outside.filter(({ score }) => score === best.score).map(({ size }) => size))
            expect(left + last).toBeGreaterThan(wanted[g])
          })
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('fan-in', () => {
  it('by hand: equally many of every output, a part that is left over goes, ties to the lower index', () => {
    const layers = [layer('a', [2, 4], [9, 8, 7, 6, 5, 1, 1, 1]), layer('b', [3, 2], [10, 0, 10, 0, 10, 0])]
    // Of 14 weights 8 stay: three of b, five of a, which are two for each output.
    write(layers, { granularity: 'fan-in', sparsity: 6 / 14 })
    expect(masks(layers)).toEqual([
      [1, 1, 0, 0, 1, 1, 0, 0],
      [1, 0, 1, 0, 1, 0],
    ])
    // Nothing comes back, and 4 of a were to stay anyway.
    write([{ ...layers[0], scores: Float64Array.of(0, 0, 9, 9, 0, 0, 9, 9) }], { granularity: 'fan-in', sparsity: 0.5 })
    expect(masks(layers)[0]).toEqual([1, 1, 0, 0, 1, 1, 0, 0])
  })

  it('a floor is met by all outputs', () => {
    const layers = [layer('a', [2, 4], [9, 8, 7, 6, 5, 4, 3, 2]), layer('b', [3, 2], [1, 0, 1, 0, 1, 0])]
    write(layers, { granularity: 'fan-in', sparsity: 7 / 14, floor: '1' })
    expect(masks(layers)).toEqual([
      [1, 1, 1, 0, 1, 1, 1, 0],
      [1, 0, 1, 0, 1, 0],
    ])
  })

  it('the best of every output, of each layer as many as single weights would be, but for less than an output each', () => {
    fc.assert(
      fc.property(networks, sparsities, names, fc.nat(), (shapes, sparsity, scope, seed) => {
        const [layers, weights] = [drawn(shapes, seed, 20), drawn(shapes, seed, 20)]
        const scores = layers.map((one) => [...one.scores])
        write(layers, { granularity: 'fan-in', sparsity, scope })
        write(weights, { sparsity, scope })
        layers.forEach(({ shape, mask }, l) => {
          const columns = sizeOf(shape) / shape[0]
          const each = Math.floor(kept(weights)[l] / shape[0])
          for (let row = 0; row < mask.length; row += columns) {
            const [inside, outside] = [1, 0].map((bit) =>
              scores[l].slice(row, row + columns).filter((_, i) => mask[row + i] === bit),
            )
            expect(inside).toHaveLength(each)
            expect(Math.min(...inside)).toBeGreaterThanOrEqual(Math.max(...outside))
          }
        })
      }),
      { numRuns: 200 },
    )
  })
})

describe('floors', () => {
  it('as text', () => {
    expect(parseFloor('16')).toEqual({ weights: 16, share: 0 })
    expect(parseFloor('0.5%')).toEqual({ weights: 0, share: 0.005 })
    for (const text of ['-1', '1.5', '101%', '', '%', 'x', '1e3']) expect(parseFloor(text)).toBeUndefined()
    expect(
      [
        { weights: 16, share: 0 },
        { weights: 0, share: 0.005 },
        { weights: 2, share: 0.01 },
      ].map(floorText),
    ).toEqual(['16', '0.5%', '2 and 1%'])
  })

  it.each(['weight', '2x2', '2:4'])('%s: no layer below it, the best of each, the total as before', (granularity) => {
    fc.assert(
      fc.property(
        networks,
        sparsities,
        names,
        fc.nat(),
        fc.constantFrom('1', '3', '10%'),
        (shapes, sparsity, scope, seed, floor) => {
          const [layers, without] = [drawn(shapes, seed), drawn(shapes, seed)]
          const least = layers.map((one) => leastOf(one, parseFloor(floor)))
          write(without, { sparsity, scope })
          if (sum(least) > sum(kept(without))) return
          write(layers, { granularity, sparsity, scope, floor })
          const possible = layers.map((one, l) => {
            if (granularity !== '2:4') return least[l]
            const columns = sizeOf(one.shape) / one.shape[0]
            const per = 2 * Math.floor(columns / 4) + Math.min(2, columns % 4)
            return Math.min(least[l], per * one.shape[0])
          })
          kept(layers).forEach((count, l) => {
            expect(count).toBeGreaterThanOrEqual(possible[l])
          })
          if (granularity === 'weight' && scope !== 'layerwise') expect(sum(kept(layers))).toBe(sum(kept(without)))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('weight, by hand: the best two of a layer that a ranking over both would empty', () => {
    const layers = [layer('a', [2, 3], [10, 11, 12, 13, 14, 15]), layer('b', [1, 4], [1, 3, 2, 0])]
    write(layers, { sparsity: 0.5, floor: '2' })
    expect(masks(layers)).toEqual([
      [0, 0, 0, 1, 1, 1],
      [0, 1, 1, 0],
    ])
  })

  it('more than the sparsity keeps is refused', () => {
    const layers = drawn(
      [
        [4, 4],
        [4, 4],
      ],
      0,
    )
    expect(() => write(layers, { sparsity: 0.9, floor: '2' })).toThrow(
      new UserError('a floor of 2 in every layer needs 4 weights, the sparsity keeps 3'),
    )
  })
})

describe('runs', () => {
  it('by hand: rows, kernels and filters with the largest means stay', () => {
    const scores = [1, 9, 4, 4, 0, 0, 3, 3, /* the second filter */ 8, 8, 0, 1, 5, 5, 5, 5]
    const kept = (granularity: string, sparsity: number) => {
      const layers = [layer('conv', [2, 2, 2, 2], scores)]
      write(layers, { granularity, sparsity })
      return masks(layers)[0].join('')
    }
    expect(kept('row', 0.5)).toBe('1100000011001111') // means 5 4 0 3, 8 .5 5 5
    expect(kept('kernel', 0.5)).toBe('1111000000001111') // 4.5 1.5, 4.25 5
    expect(kept('kernel', 0.6)).toBe('0000000000001111') // 6 weights are no whole kernels
    expect(kept('filter', 0.5)).toBe('0000000011111111')
  })

  it('runs are kept as a whole, to within one of the count of the scope; single weights of linear layers to the last', () => {
    fc.assert(
      fc.property(
        networks,
        sparsities,
        names,
        fc.constantFrom('row', 'kernel', 'filter'),
        fc.nat(),
        (shapes, sparsity, scope, granularity, seed) => {
          const layers = drawn(shapes, seed)
          const length = shapes.map((sizes) =>
            sizes.length === 4 ? sizes.slice({ row: 3, kernel: 2, filter: 1 }[granularity]).reduce((a, b) => a * b) : 1,
          )
          const groups = scopes[scope].groups(layers, sparsity, keptCount)
          write(layers, { granularity, scope, sparsity })
          layers.forEach(({ mask }, l) => {
            for (let i = 0; i < mask.length; i++) expect(mask[i]).toBe(mask[i - (i % length[l])])
          })
          for (const group of groups) {
            const members = group.layers.map(({ name }) => Number(name.slice(1)))
            const left = sum(members.map((l) => countKept(layers[l].mask)))
            expect(left).toBeLessThanOrEqual(group.keep)
            expect(left).toBeGreaterThan(group.keep - Math.max(...members.map((l) => length[l])))
          }
        },
      ),
    )
  })
})
