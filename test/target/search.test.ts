/** @file Levels that meet targets, on tensors whose losses, times and sizes are known. */
import { describe, expect, it } from 'vitest'
import { type SearchOptions, search, storedBytes } from '../../src/target/search.ts'
import type { Level, TensorLevels } from '../../src/target/tensor-levels.ts'

/**
 * Tensors of 1000 weights at 0, 50 and 90 %; what each loses at its levels, the first the dense network's.
 */
const tensor = (name: string, ...losses: number[]): TensorLevels => ({
  name,
  size: 1000,
  levels: losses.map((loss, i): Level => {
    const sparsity = [0, 0.5, 0.9][i]
    return { sparsity, kept: 1000 - 1000 * sparsity, loss, mask: new Uint8Array(0) }
  }),
})

/** The second takes most of the time, and can lose weights for nothing; the third is dear and quick. */
const tensors = [tensor('a', 1, 1.1, 2), tensor('b', 1, 1.01, 1.05), tensor('c', 1, 1.3, 4)]
const latency = {
  layers: new Map([
    ['a', [2, 1.2, 0.5]],
    ['b', [6, 3, 1]],
    ['c', [1, 0.6, 0.3]],
  ]),
  rest: 1,
  dense: 10,
}
const costs = new Map([
  ['a', 2],
  ['b', 6],
  ['c', 1],
])
const base = { tensors, latency, costs, otherBytes: 500 }

/** The network as a whole takes `factor` times what its parts promise. */
const timeOf =
  (factor: number): SearchOptions['time'] =>
  (levels) =>
    factor * (1 + [...levels].reduce((sum, [name, level]) => sum + latency.layers.get(name)![level], 0))

const levelsOf = ({ levels }: { levels: ReadonlyMap<string, number> }) => Object.fromEntries(levels)

describe('a target', () => {
  it('of time takes the weights where they cost most time and least loss', async () => {
    const choice = await search({ ...base, targets: { milliseconds: 5 }, time: timeOf(1) })
    // b alone saves 5 of the 10 ms.
    expect(levelsOf(choice)).toEqual({ a: 0, b: 2, c: 0 })
    expect([choice.milliseconds, choice.loss]).toEqual([5, expect.closeTo(0.05, 12)])
    expect(Object.fromEntries(choice.sparsities)).toEqual({ a: 0, b: 0.9, c: 0 })
  })

  it.each([0.7, 1, 1.3])('of time is one of the whole network, though its parts promise %f of it', async (factor) => {
    const choice = await search({ ...base, targets: { milliseconds: 4.3 * factor }, time: timeOf(factor) })
    expect(levelsOf(choice)).toEqual({ a: 1, b: 2, c: 0 })
    expect(choice.milliseconds).toBeLessThanOrEqual(4.3 * factor)
  })

  it('of size counts every tensor as it is stored, and all else', async () => {
    expect([0, 500, 900, 1000].map((kept) => storedBytes(1000, kept))).toEqual([125, 2125, 3725, 4000])
    // Dense 3 x 4000 + 500; at 90 % a tensor takes 525.
    const choice = await search({ ...base, targets: { bytes: 6000 } })
    expect(levelsOf(choice)).toEqual({ a: 1, b: 2, c: 1 })
  })

  it('of multiply-adds weighs each weight by how often it is used', async () => {
    // Dense 9000: b at 90 % leaves 3600.
    expect(levelsOf(await search({ ...base, targets: { flops: 0.4 } }))).toEqual({ a: 0, b: 2, c: 0 })
    expect(levelsOf(await search({ ...base, targets: { flops: 0.38 } }))).toEqual({ a: 1, b: 2, c: 0 })
  })

  it('is met together with others', async () => {
    const choice = await search({ ...base, targets: { milliseconds: 5, bytes: 6000 }, time: timeOf(1) })
    expect(levelsOf(choice)).toEqual({ a: 1, b: 2, c: 1 })
  })
})

describe('a target that makes no sense', () => {
  it('because the network meets it as it is', async () => {
    await expect(search({ ...base, targets: { milliseconds: 12 }, time: timeOf(1) })).rejects.toThrow(
      'milliseconds: there is nothing to do: the network takes 10.0 ms as it is',
    )
    await expect(search({ ...base, targets: { bytes: 13_000, flops: 1 } })).rejects.toThrow(
      'bytes, flops: there is nothing to do: the network takes 12.5 kB, 1.00 of the multiply-adds as it is',
    )
  })

  it('because not even the sparsest levels do says what can be had', async () => {
    await expect(search({ ...base, targets: { milliseconds: 2 }, time: timeOf(1) })).rejects.toThrow(
      'milliseconds: a time of 2 ms cannot be met: with every tensor at its fastest level the network takes 2.80 ms',
    )
    await expect(search({ ...base, targets: { bytes: 2000 } })).rejects.toThrow(
      'bytes: a size of 2.0 kB cannot be met: with every tensor at its sparsest level the file takes 2.1 kB',
    )
    await expect(search({ ...base, targets: { flops: 0.05 } })).rejects.toThrow(
      'flops: a share of 0.05 of the multiply-adds cannot be met: the sparsest levels leave 0.100',
    )
  })
  it('because each can be met alone, but not both', async () => {
    const names = { milliseconds: '--ms', bytes: '--kb', flops: '--flops' }
    // Alone each needs other tensors at their sparsest: what saves time here takes most bytes.
    const slow = { ...base, names, sizes: new Map([['b', [10, 4000, 9000]]]) }
    await expect(search({ ...slow, targets: { milliseconds: 4, bytes: 8000 }, time: timeOf(1) })).rejects.toThrow(
      '--ms and --kb cannot be met together: each can alone, but no choice of levels meets all',
    )
  })
})
