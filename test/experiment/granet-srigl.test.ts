/** @file Recipes of the rules beside which, or by which, the number of weights changes. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { endsAlike, recipe, rewirings, run } from './rewired.ts'

describe('GraNet beside a cubic schedule', () => {
  const size = 32_360
  const given = (initial: number) => ({
    method: 'granet',
    every: '5it',
    prune: { method: 'magnitude', sparsity: 0.9, schedule: 'cubic', initial, end: '30it', every: '5it' },
  })

  it.each([0, 0.5])(
    'from %s: the weights are those of the schedule, growth as much as goes, resumed with the same bits',
    async (initial) => {
      const whole = join(temporaryFolder(), 'run')
      const events = await run(given(initial), whole)
      const moved = rewirings(events)
      expect(moved.map(({ step }) => step)).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50])
      const sizes = new Map([
        ['fc1.weight', 31_360],
        ['fc2.weight', 800],
        ['fc3.weight', 200],
      ])
      for (const { step, layers, pruned, grown, explored } of moved) {
        const cubed = (1 - Math.min(step / 30, 1)) ** 3
        const present = new Map([...sizes, ...layers.map(({ name, weights }) => [name, weights] as const)])
        const left = [...present.values()].reduce((a, b) => a + b, 0)
        expect(left).toBe(size - Math.round((0.9 - (0.9 - initial) * cubed) * size))
        expect(grown).toBe(pruned)
        expect(pruned).toBeGreaterThan(0)
        if (initial === 0) expect(explored).toBe(1)
      }
      const epochs = events.filter((event) => event.type === 'epoch')
      expect(epochs.at(-1)!.sparsity).toBeCloseTo(0.9, 4)
      await endsAlike(given(initial), whole, [4, 5, 12, 31])
    },
    60_000,
  )

  it('tensors that keep all of their weights are left alone', async () => {
    const prune = { ...given(0).prune, scope: 'layerwise', sparsities: { 'fc2.weight': 0 }, initial: undefined }
    const moved = rewirings(await run({ ...given(0), prune }, join(temporaryFolder(), 'run')))
    expect(moved).toHaveLength(10)
    for (const { layers } of moved) expect(layers.map(({ name }) => name)).toEqual(['fc1.weight', 'fc3.weight'])
  })

  it('only GraNet has one', () => {
    expect(() => recipe({ ...given(0), method: 'rigl' })).toThrow(
      /rewire: needs a prune section with a one-shot schedule/,
    )
  })
})

describe('SRigL', () => {
  const given = {
    method: 'srigl',
    salient: 0.9,
    prune: { method: 'random', scope: 'erk', granularity: 'fan-in', sparsity: 0.9 },
  }

  it('every output with weights has equally many, some have none, and resumed it ends with the same bits', async () => {
    const whole = join(temporaryFolder(), 'run')
    const events = await run(given, whole)
    const moved = rewirings(events)
    expect(moved).toHaveLength(8)
    const start = new Map<string, number>()
    let ablated = 0
    for (const { layers } of moved)
      for (const { name, weights, rows, aliveRows, pruned, grown } of layers) {
        if (!start.has(name)) start.set(name, weights + pruned - grown)
        expect(weights / aliveRows).toBe(Math.floor(start.get(name)! / aliveRows))
        if (name === 'fc3.weight') expect(aliveRows).toBe(rows)
        else ablated += rows - aliveRows
      }
    expect(ablated).toBeGreaterThan(0)
    // Epochs tell the sparsity that is there, not the one that pruning left.
    const left = moved.at(-1)!.layers.reduce((sum, { weights }) => sum + weights, 0)
    expect(events.filter((event) => event.type === 'epoch').at(-1)!.sparsity).toBeCloseTo(1 - left / 32_360, 12)
    for (const [name, { data }] of readSafetensors(join(whole, 'checkpoint.safetensors')).tensors) {
      const rows = { 'fc1.weight.mask': 40, 'fc2.weight.mask': 20, 'fc3.weight.mask': 10 }[name]
      if (rows === undefined) continue
      const columns = data.length / rows
      const counts = Array.from({ length: rows }, (_, row) =>
        (data as Uint8Array).subarray(row * columns, (row + 1) * columns).reduce((a, b) => a + b, 0),
      )
      expect(new Set(counts.filter((count) => count > 0)).size).toBe(1)
    }
    await endsAlike(given, whole, [4, 10, 31])
  }, 60_000)

  it('needs a constant fan-in, which others would lose', () => {
    expect(() => recipe({ method: 'srigl' })).toThrow(
      /^tiny: prune\.granularity: expected fan-in with srigl, found weight$/,
    )
    expect(() => recipe({ ...given, method: 'rigl', salient: undefined })).toThrow(
      /^tiny: prune\.granularity: expected weight, row, kernel, filter with rigl, found fan-in$/,
    )
  })

  it('a sparsity that leaves outputs less than a weight each ends the run before its first step', async () => {
    // Of 32,360 weights 3 stay, of the layers 40, 20 and 10 outputs.
    const prune = { ...given.prune, scope: 'global', sparsity: 0.9999 }
    const out = join(temporaryFolder(), 'run')
    await expect(run({ ...given, prune }, out)).rejects.toThrow(
      new UserError(
        'prune.sparsity: 0.9999 at a constant fan-in leaves no weight in fc1.weight, fc2.weight, fc3.weight, and srigl gives a layer without weights none back: expected a lower sparsity, or a prune.floor',
      ),
    )
    // With a weight for each output it goes on.
    const floor = await run({ ...given, prune: { ...prune, sparsity: 0.9967, floor: 20 } }, join(out, '2'))
    expect(rewirings(floor)).toHaveLength(8)
  }, 60_000)
})
