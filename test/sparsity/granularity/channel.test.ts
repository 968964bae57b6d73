/** @file Whole channels: what is tied to what, and what is left when some go. */
import { describe, expect, it } from 'vitest'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { findModel } from '../../../src/models/index.ts'
import { connectivityOf } from '../../../src/sparsity/collapse.ts'
import { keptCount } from '../../../src/sparsity/count.ts'
import { channelGroups } from '../../../src/sparsity/granularity/channel-groups.ts'
import { channelSpaces } from '../../../src/sparsity/granularity/channel-spaces.ts'
import type { Budget } from '../../../src/sparsity/granularity/granularity.ts'
import { findGranularity } from '../../../src/sparsity/granularity/index.ts'
import { countKept, type MaskedLayer } from '../../../src/sparsity/mask.ts'
import { type ScopeName, scopes } from '../../../src/sparsity/scope.ts'
import { chooseTensors } from '../../../src/sparsity/tensors.ts'
import { writeMasks } from '../../../src/sparsity/write-masks.ts'
import { random } from '../../../src/util/random.ts'
import { rows } from '../../support/breadth.ts'

const groupsOf = (name: string, prunable: 'all' | 'reference' = 'all', exclude: string[] = []) => {
  const model = findModel(name)
  return channelGroups(model, new Set(chooseTensors(model, { prunable, exclude }).map((tensor) => tensor.name))).groups
}
/** How many groups have filters in exactly these layers. */
const spaces = (groups: ReturnType<typeof groupsOf>) => {
  const counts: Record<string, number> = {}
  for (const { filters } of groups) {
    const key = [...new Set(parts(filters))].map((name) => name.replace('.weight', '')).join(' ')
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
const parts = (list: readonly { parameter: string }[]) => list.map(({ parameter }) => parameter)

it('linear layers: rows of one, columns of the next; pixels and logits stay', () => {
  const groups = groupsOf('lenet-300-100')
  expect(spaces(groups)).toEqual({ fc1: 300, fc2: 100 })
  expect(groups[7]).toEqual({
    filters: [{ parameter: 'fc1.weight', start: 7 * 784, length: 784, step: 0, times: 1 }],
    rest: [{ parameter: 'fc2.weight', start: 7, length: 1, step: 300, times: 100 }],
  })
})

it('a map that is flattened: a channel meets all weights of its pixels', () => {
  const [first] = groupsOf('lenet-5').filter(({ filters }) => filters[0].parameter === 'conv2.weight')
  expect(first.filters[0]).toMatchObject({ start: 0, length: 20 * 25 })
  const { length, step, times } = { length: 1, step: 800, times: 500 }
  expect(first.rest).toEqual(
    Array.from({ length: 16 }, (_, pixel) => ({ parameter: 'fc1.weight', start: pixel, length, step, times })),
  )
})

it('residual partners are one group in every stage; with projections stages are apart', () => {
  const counts = spaces(groupsOf('resnet20'))
  expect(counts['conv1 layer1.0.conv2 layer1.1.conv2 layer1.2.conv2']).toBe(16)
  expect(counts['layer2.0.conv2 layer2.0.downsample.0 layer2.1.conv2 layer2.2.conv2']).toBe(32)
  expect(counts['layer3.1.conv1']).toBe(64)
  const [stem] = groupsOf('resnet20')
  expect(parts(stem.rest)).toEqual([
    ...['layer1.0.conv1', 'layer1.1.conv1', 'layer1.2.conv1', 'layer2.0.conv1', 'layer2.0.downsample.0'].map(
      (name) => `${name}.weight`,
    ),
  ])
})

it('option A: the channels of a stage go on in the next ones, those added there do not', () => {
  const counts = spaces(groupsOf('resnet20-a'))
  const stage = (n: number) => [0, 1, 2].map((block) => `layer${n}.${block}.conv2`).join(' ')
  expect(counts[`conv1 ${stage(1)} ${stage(2)} ${stage(3)}`]).toBe(16)
  expect(counts[`${stage(2)} ${stage(3)}`]).toBe(16)
  expect(counts[stage(3)]).toBe(32)
})

it('depthwise filters go with the channel before them, joined channels with all their readers', () => {
  const mobile = spaces(groupsOf('mobilenet-v1'))
  expect(mobile['stem.conv blocks.0.depthwise']).toBe(32)
  expect(mobile['blocks.0.pointwise blocks.1.depthwise']).toBe(64)
  const dense = groupsOf('densenet-40').find(({ filters }) => filters[0].parameter === 'block1.10.conv.weight')!
  expect(parts(dense.rest)).toEqual(['block1.11.conv.weight', 'transition1.conv.weight'])
})

it('a transformer loses heads and hidden units of its perceptrons; what normalizations mix stays', () => {
  const model = findModel('vit-tiny')
  const prunable = chooseTensors(model, { prunable: 'all' }).map((tensor) => tensor.name)
  const { groups, stay } = channelGroups(model, new Set(prunable))
  const units = Array.from({ length: 6 }, (_, i) => [
    [`blocks.${i}.attn.qkv`, 3],
    [`blocks.${i}.mlp.fc1`, 768],
  ])
  expect(spaces(groups)).toEqual(Object.fromEntries(units.flat()))
  // Of the second head: 64 rows each of queries, keys and values, and as many columns of the projection.
  const [, head] = groups.filter(({ filters }) => filters[0].parameter === 'blocks.0.attn.qkv.weight')
  const rows = [0, 192, 384].flatMap((part) => Array.from({ length: 64 }, (_, i) => 192 * (part + 64 + i)))
  expect(head.filters.map(({ start }) => start)).toEqual(rows)
  expect(head.rest.map(({ parameter, start, step, times }) => [parameter, start, step, times])).toEqual(
    Array.from({ length: 64 }, (_, i) => ['blocks.0.attn.proj.weight', 64 + i, 192, 192]),
  )
  expect(Object.fromEntries([...stay].slice(0, 3))).toEqual({
    'patch_embed.proj.weight': 'ReduceMean does not keep its channels apart',
    'blocks.0.attn.proj.weight': 'ReduceMean does not keep its channels apart',
    'blocks.0.mlp.fc2.weight': 'ReduceMean does not keep its channels apart',
  })
})

it('scales of batch normalization, where they are prunable, belong to their channel; what is not prunable keeps its channels', () => {
  const [group] = groupsOf('resnet18', 'reference').filter(
    ({ filters }) => filters[0].parameter === 'layer2.0.conv2.weight',
  )
  expect(parts(group.rest)).toContain('layer2.0.shortcut.1.weight')
  const without = spaces(groupsOf('resnet20', 'all', ['conv1*']))
  expect(Object.keys(without).some((key) => key.includes('layer1.0.conv2'))).toBe(false)
})

/** Prunes random scores of a network to whole channels. */
function pruned(
  name: string,
  sparsity: number,
  scope: ScopeName,
  { floor, multipleOf, channels }: Pick<Budget, 'floor' | 'multipleOf' | 'channels'> = {},
) {
  const model = findModel(name)
  const layers = chooseTensors(model, { prunable: 'all' }).map(({ name, shape }): MaskedLayer => {
    const draw = random(1, 'scores', name)
    const scores = Float64Array.from({ length: sizeOf(shape) }, () => draw.uniform())
    return { name, shape, scores, mask: new Float64Array(scores.length).fill(1) }
  })
  const select = () => {
    throw new Error('channels are not selected weight by weight')
  }
  const budget = { scope: scopes[scope], sparsity, floor, multipleOf, channels, select }
  writeMasks(layers, budget, findGranularity('channel', model)!)
  const size = layers.reduce((sum, { mask }) => sum + mask.length, 0)
  const found = connectivityOf(model, new Map(layers.map(({ name, mask }) => [name, mask])))
  return {
    layers,
    found,
    kept: layers.reduce((sum, { mask }) => sum + countKept(mask), 0),
    most: keptCount(size, sparsity),
    size,
  }
}

describe.each<ScopeName>(['global', 'layerwise', 'erk'])('%s', (scope) => {
  const names = ['lenet-300-100', 'lenet-5', 'resnet20', 'resnet20-a', 'densenet-40', 'vit-tiny']
  it.each(rows(names, (name) => scope === 'global' || name.startsWith('lenet')))(
    '%s: a smaller dense network',
    (name) => {
      const { layers, found, kept, most, size } = pruned(name, 0.6, scope)
      expect(kept).toBeLessThanOrEqual(most)
      expect(kept).toBeGreaterThan(most - 0.03 * size)
      // Rows and columns: a kernel is kept whole or not at all, by its output and its input.
      for (const { name, shape, mask } of layers) {
        const [out, ins] = shape
        const area = mask.length / out / ins
        const [outs, inputs] = [new Uint8Array(out), new Uint8Array(ins)]
        const place = (at: number) => [Math.floor(at / area / ins), Math.floor(at / area) % ins]
        mask.forEach((bit, at) => {
          const [o, i] = place(at)
          outs[o] |= bit
          inputs[i] |= bit
        })
        const odd = mask.findIndex((bit, at) => bit !== outs[place(at)[0]] * inputs[place(at)[1]])
        expect([name, odd]).toEqual([name, -1])
      }
      // Nothing is left over that leads nowhere.
      expect(found.deadOutputs).toBe(0)
      for (const { effective, kept } of found.layers) expect(effective).toBe(kept)
    },
  )
})

it('layerwise: the same share of channels in every space', () => {
  const { layers } = pruned('lenet-300-100', 0.75, 'layerwise')
  const rows = layers.map(({ shape: [out, ins], mask }) =>
    Array.from({ length: out }, (_, o) => Math.max(...mask.slice(o * ins, (o + 1) * ins))).reduce((a, b) => a + b),
  )
  expect(Math.abs(rows[0] / 300 - rows[1] / 100)).toBeLessThan(0.011)
  expect(rows[2]).toBe(10)
})

it('a floor is kept, and the same scores always give the same masks', () => {
  const once = pruned('resnet20', 0.97, 'global', { floor: { weights: 40, share: 0 } })
  for (const { name, mask } of once.layers) expect([name, countKept(mask) >= 40]).toEqual([name, true])
  const again = pruned('resnet20', 0.97, 'global', { floor: { weights: 40, share: 0 } })
  expect(again.layers.map(({ mask }) => mask)).toEqual(once.layers.map(({ mask }) => mask))
})

/** The numbers of channels that are left, by space. */
function channelsLeft(name: string, { layers }: Pick<ReturnType<typeof pruned>, 'layers'>) {
  const masks = new Map(layers.map(({ name, mask }) => [name, mask]))
  const spaces = channelSpaces(findModel(name), new Set(masks.keys()))
  return spaces.map((space) => ({
    name: space.name,
    before: space.channels.length,
    after: space.channels.filter(({ filters: [{ parameter, start, length }] }) =>
      masks
        .get(parameter)!
        .slice(start, start + length)
        .includes(1),
    ).length,
  }))
}

it.each(['resnet20', 'lenet-5'])(
  '%s: multiples of what is asked for, at least one of them, within the budget',
  (name) => {
    for (const sparsity of [0.3, 0.7, 0.95]) {
      const found = pruned(name, sparsity, 'global', { multipleOf: 8 })
      expect(found.kept).toBeLessThanOrEqual(sparsity < 0.9 ? found.most : found.size)
      const left = channelsLeft(name, found)
      for (const { before, after } of left) {
        expect(after).toBeGreaterThanOrEqual(8)
        expect(after % 8 === 0 || after === before).toBe(true)
      }
      expect(left.some(({ before, after }) => after < before)).toBe(true)
    }
    // A group with fewer channels loses none, and one with as many none either.
    const large = pruned(name, 0.95, 'global', { multipleOf: 64 })
    for (const { before, after } of channelsLeft(name, large)) expect(after).toBe(before <= 64 ? before : 64)
  },
)

it('counts by group take the best channels, and no others go', () => {
  const found = pruned('resnet20', 0, 'layerwise', {
    channels: new Map([
      ['conv1.weight', 11],
      ['layer2.1.conv1.weight', 5],
    ]),
  })
  const left = channelsLeft('resnet20', found)
  expect(left.filter(({ before, after }) => before !== after)).toEqual([
    { name: 'conv1.weight', before: 16, after: 11 },
    { name: 'layer2.1.conv1.weight', before: 32, after: 5 },
  ])
  const { shape, scores, mask } = found.layers.find(({ name }) => name === 'layer2.1.conv1.weight')!
  const size = sizeOf(shape) / shape[0]
  const mean = (o: number) =>
    Float64Array.from(scores)
      .slice(o * size, (o + 1) * size)
      .reduce((a, b) => a + b) / size
  const kept = Array.from({ length: 32 }, (_, o) => o).filter((o) => mask[o * size] === 1)
  const ranking = Array.from({ length: 32 }, (_, o) => o).sort((a, b) => mean(b) - mean(a))
  expect(kept).toEqual(ranking.slice(0, 5).sort((a, b) => a - b))
})
