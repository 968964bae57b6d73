import { join } from 'node:path'
import { expect, it } from 'vitest'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const inspect = (...args: string[]) => espalier(['inspect', '--program', ...args])

it('a table of kernels, a table of memory, and the ratio', async () => {
  const { code, stdout, stderr } = await inspect('--model', 'resnet20', '--batch', '128')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^resnet20: one training step on 128 samples of 3 x 32 x 32\n/)
  expect(stdout).toMatch(/^\| conv +\| +21 \|$/m)
  expect(stdout).toMatch(/^\| data, 128 samples +\| +393\.7 kB \|$/m)
  expect(stdout).toMatch(/^\| peak of activations and gradients +\| +[\d.]+ MB \|$/m)
  expect(stdout).toMatch(/^\| activations that the backward pass must keep +\| 200\.85 MB \|$/m)
  const [, ratio] = /The peak is (\d\.\d{3}) times the activations/.exec(stdout) ?? []
  expect(Number(ratio)).toBeLessThanOrEqual(1.5)
  expect(stdout).not.toContain('cannot be run')
})

it('JSON, with the sums that the tables show', async () => {
  const [{ model, batch, instructions, kernels, memory, addressable }] = jsonLines(
    (await inspect('--model', 'resnet18', '--json')).stdout,
  )
  expect([model, batch, addressable]).toEqual(['resnet18', 128, true])
  expect(Object.values(kernels as object).reduce((a, b) => a + b, 0)).toBe(instructions)
  const { persistent, peak, kept, ratio } = memory as { persistent: object; peak: number; kept: number; ratio: number }
  const { all, ...parts } = persistent as Record<string, number>
  expect(Object.keys(parts)).toEqual(['parameters', 'buffers', 'optimizer', 'pruning', 'data', 'other'])
  expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBe(all)
  expect(ratio).toBe(peak / kept)
  expect(ratio).toBeLessThanOrEqual(1.5)
})

it('of the network that a file of weights names', async () => {
  const path = join(temporaryFolder(), 'w.safetensors')
  const tensors = new Map([['w', storeFloats(Float32Array.of(1), [1])]])
  writeSafetensors(path, { tensors, metadata: { model: 'wrn-28', classes: '100', widen: '0.5' } })
  const parameters = (stdout: string) => (jsonLines(stdout)[0] as { memory: { persistent: object } }).memory.persistent
  const { stdout } = await inspect(path, '--batch', '8', '--json')
  expect(jsonLines(stdout)[0]).toMatchObject({ model: 'wrn-28', batch: 8 })
  const standard = await inspect('--model', 'wrn-28', '--batch', '8', '--json')
  expect(parameters(stdout)).not.toEqual(parameters(standard.stdout))
})

it('says where a step is more than an engine can address, and takes none of it', async () => {
  const { stdout } = await inspect('--model', 'resnet50', '--batch', '1000')
  expect(stdout).toMatch(/\| peak of activations and gradients +\| +8\d\.\d\d GB \|/)
  expect(stdout).toMatch(/more than an engine can address \(2\^31 - 1 floats\): it cannot be run\.\n$/)
})
