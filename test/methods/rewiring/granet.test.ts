/** @file GraNet's regeneration by hand; test/experiment/granet-srigl.test.ts has it beside a schedule. */
import { describe, expect, it } from 'vitest'
import { granet } from '../../../src/methods/rewiring/granet.ts'
import { random } from '../../../src/util/random.ts'

const context = {
  step: 1,
  rate: 0.1,
  elapsed: 0,
  owed: 0,
  normalized: false,
  outputLayer: '',
  draw: (name: string) => random(0, name),
}

describe('GraNet', () => {
  const layer = {
    name: 'a',
    length: 1,
    rows: 2,
    size: 6,
    positions: Int32Array.of(0, 1, 2),
    values: Float64Array.of(3, -1, 2),
  }
  const gradient = () => Float32Array.of(9, 1, 5, 0.4, 0.8, 0)
  const event = (settings: { fraction?: number; growth?: 'row' | 'gradient' }, normalized: boolean) => {
    const [{ pruned, grown }] = granet
      .make({ seed: 0, ...settings })
      .event([layer], { ...context, normalized, gradient })
    return [[...pruned], [...grown]]
  }

  it('regenerates half of the weights at first, rounded up, also where they just were', () => {
    expect(event({}, false)).toEqual([
      [1, 2],
      [1, 2],
    ])
    // RigL would take none; 2 holds a weight that stays.
    expect(event({ fraction: 0.3 }, false)).toEqual([[1], [1]])
  })

  it('grows by the gradient relative to its row where normalizations follow, or where it is told to', () => {
    // Over the root mean squares of their rows 4 has 1.55, 2 has 0.84 and 1 has 0.17.
    for (const found of [event({}, true), event({ growth: 'row' }, false)])
      expect(found).toEqual([
        [1, 2],
        [2, 4],
      ])
    expect(event({ growth: 'gradient' }, true)[1]).toEqual([1, 2])
  })

  it('regenerates a share that falls like a cosine to 0.005', () => {
    const positions = Int32Array.from({ length: 1000 }, (_, i) => i)
    const large = { ...layer, rows: 1, size: 5000, positions, values: Float64Array.from(positions, (i) => i + 1) }
    const rule = granet.make({ seed: 0 })
    const counts = [0, 0.5, 1].map((elapsed) => {
      const [{ pruned, grown }] = rule.event([large], {
        ...context,
        elapsed,
        gradient: () => new Float32Array(5000).fill(1),
      })
      expect(pruned).toEqual(positions.slice(0, pruned.length))
      return [pruned.length, grown.length]
    })
    expect(counts).toEqual([
      [500, 500],
      [253, 253], // 0.2525
      [5, 5],
    ])
  })
})
