/**
 * @file For every block of the usual networks: the channels that go together, worked out by hand; pruned by
 * channels, it becomes a smaller network that computes the same, in ONNX Runtime too.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeNetwork } from '../../../../src/formats/network-file.ts'
import { readOnnx } from '../../../../src/formats/onnx/onnx.ts'
import { storeFloats, toFloats } from '../../../../src/formats/safetensors-bytes.ts'
import { channelGroups } from '../../../../src/sparsity/granularity/channel-groups.ts'
import { findGranularity } from '../../../../src/sparsity/granularity/index.ts'
import type { MaskedLayer } from '../../../../src/sparsity/mask.ts'
import { scopes } from '../../../../src/sparsity/scope.ts'
import { chooseTensors } from '../../../../src/sparsity/tensors.ts'
import { temporaryFolder } from '../../../cli/temporary.ts'
import { byOnnxRuntime, here } from '../outputs.ts'
import type { Block } from './block.ts'
import { imageBlocks } from './images.ts'
import { Net } from './net.ts'
import { tokenBlocks } from './tokens.ts'

function networkOf({ input, build, opset }: Block) {
  const net = new Net(input)
  const read = readOnnx(net.bytes(build(net), opset), 'block.onnx')
  if (read.onnx.network instanceof Error) throw read.onnx.network
  return { read, model: read.onnx.network.model }
}

type Network = ReturnType<typeof networkOf>

/** A network with its layers masked by channels, and how many weights are kept. */
function masked({ read, model }: Network, sparsity = 0.5) {
  const layers = chooseTensors(model, { prunable: 'all' }).map(({ name, shape }): MaskedLayer => {
    const scores = Float64Array.from(toFloats(read.tensors.get(name)!), Math.abs)
    return { name, shape, scores, mask: new Float64Array(scores.length).fill(1) }
  })
  const select = () => {
    throw new Error('channels are not selected weight by weight')
  }
  findGranularity('channel', model)!.write(layers, { scope: scopes.layerwise, sparsity, select })
  const tensors = new Map(read.tensors)
  for (const { name, mask } of layers) {
    const values = toFloats(tensors.get(name)!).map((value, i) => value * mask[i])
    tensors.set(name, storeFloats(values, tensors.get(name)!.shape))
  }
  const kept = layers.flatMap(({ mask }) => [...mask]).reduce((sum, bit) => sum + bit, 0)
  return { weights: { ...read, tensors }, kept, layers }
}

describe.each(Object.entries({ ...imageBlocks, ...tokenBlocks }))('%s', (_name, block) => {
  const network = networkOf(block)

  it('has the groups that were worked out', () => {
    const prunable = chooseTensors(network.model, { prunable: 'all' }).map(({ name }) => name)
    const { groups, stay } = channelGroups(network.model, new Set(prunable))
    const counts: Record<string, number> = {}
    for (const { filters } of groups) {
      const key = [...new Set(filters.map(({ parameter }) => parameter.replace('.weight', '')))].join(' ')
      counts[key] = (counts[key] ?? 0) + 1
    }
    expect(counts).toEqual(block.groups)
    expect(Object.fromEntries(stay)).toEqual(block.stay)
  })

  it('pruned by channels computes the same without them', async () => {
    const { weights, kept, layers } = masked(network, block.sparsity)
    const folder = temporaryFolder()
    const [whole, small] = ['whole.onnx', 'small.onnx'].map((name) => join(folder, name))
    const stored = { weights, model: network.model, onnx: network.read.onnx }
    await writeNetwork(whole, stored)
    const { onnx } = await writeNetwork(small, stored, { compact: true })
    const sizes = onnx!.compact!.layers.map(({ inputs, outputs }) => inputs.after * outputs.after)
    expect(sizes.length).toBe(layers.length)
    const tensors = readOnnx(readFileSync(small), small).tensors
    const left = layers.reduce((sum, { name }) => sum + toFloats(tensors.get(name)!).length, 0)
    expect(left).toBe(kept)
    const [before, after] = await Promise.all([whole, small].map((path) => byOnnxRuntime(readFileSync(path), {}, 2)))
    for (const found of [after, here(readFileSync(small), {}, 2)]) {
      const [{ values }, wanted] = [found.get('y')!, before.get('y')!.values]
      const scale = Math.max(...wanted.map(Math.abs))
      expect(scale).toBeGreaterThan(1e-3)
      expect(Math.max(...wanted.map((value, i) => Math.abs(value - values[i]))) / scale).toBeLessThan(1e-6)
    }
  })
})
