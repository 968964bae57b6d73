import { expect, it } from 'vitest'
import { gainText, layerTable } from '../../src/experiment/run/report.ts'

const layers = [
  { name: 'conv1', size: 100, kept: 100 },
  { name: 'conv2', size: 1000, kept: 50 },
  { name: 'conv3', size: 1000, kept: 900 },
  { name: 'depthwise', size: 90, kept: 45 },
]
const gains = [
  { name: 'conv1', sparse: false, gain: 0.4 },
  { name: 'conv2', sparse: true, gain: 4.321 },
  { name: 'conv3', sparse: false, gain: 0.3 },
  { name: 'depthwise', sparse: false },
]

it('says per layer which kernels ran and what they gain', () => {
  const rows = layerTable(layers, gains).split('\n')
  expect(rows[0]).toMatch(/sparsity \| kernels +\|$/)
  expect(rows.slice(2).map((row) => row.split('|')[5].trim())).toEqual([
    'dense',
    'sparse, 4.3x',
    'dense: sparse would be 0.3x',
    'dense',
    '',
  ])
  expect(gainText({ layers, kernels: gains })).toMatch(
    /^1 of 3 layers with zeros ran on kernels that skip them, 2 gained nothing/,
  )
  const costs = { name: 'avx2', digest: '0123456789abcdef' }
  expect(gainText({ layers, kernels: gains, costs })).toMatch(/those of the table of costs avx2, not of this run\.$/)
})

it('says plainly where zeros gain nothing, and nothing where there are none', () => {
  const dense = gains.map((gain) => ({ ...gain, sparse: false }))
  expect(gainText({ layers, kernels: dense })).toBe(
    'The zeros gain no time: all 3 layers that have some ran on dense kernels.',
  )
  const full = layers.map((layer) => ({ ...layer, kept: layer.size }))
  expect(gainText({ layers: full, kernels: gains })).toBe('')
  expect(layerTable(full, gains)).toBe(layerTable(full))
})
