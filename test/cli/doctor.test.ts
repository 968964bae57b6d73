import { expect, it } from 'vitest'
import { espalier } from './cli.ts'

it('says what engines there are, why others are not, and what networks take', async () => {
  const { stdout, code } = await espalier(['doctor'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Espalier \d+\.\d+\.\d+, Node v/)
  expect(stdout).toMatch(/^\| wasm( \(default\))? +\| wasm simd128, 1 thread /m)
  expect(stdout).toMatch(
    /^\| webgpu +\| (webgpu \(.+\)|WebGPU: no adapter was found: .*|the WebGPU engine needs .*) +\|/m,
  )
  expect(stdout).toMatch(/^\| resnet20 +\| +128 \| 0\.\d\d GB \|/m)
  expect(stdout).toMatch(/^Optional packages: .*onnxruntime-node /m)
})

it('says the same as JSON', async () => {
  const { stdout } = await espalier(['doctor', '--json'])
  const said = JSON.parse(stdout)
  expect(said.engines.map(({ engine }: { engine: string }) => engine)).toEqual(['native', 'wasm', 'webgpu'])
  for (const { description, problem } of said.engines) expect(typeof (description ?? problem)).toBe('string')
  expect(['native', 'wasm']).toContain(said.default)
  expect(said.steps.find(({ name }: { name: string }) => name === 'resnet20').bytes).toBeGreaterThan(1e8)
})
