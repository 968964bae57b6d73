/** @file Signs of a damping that is too small; those of few samples are in test/cli/curves.test.ts. */
import { expect, it } from 'vitest'
import { methods } from '../../src/methods/index.ts'
import { movedShare, type PrunedBy, starvations } from '../../src/methods/starved.ts'
import { findModel } from '../../src/models/index.ts'

const layers = [
  { name: 'fc1.weight', size: 31_360, kept: 300 },
  { name: 'fc2.weight', size: 800, kept: 80 },
  { name: 'fc3.weight', size: 200, kept: 20 },
]
const said = (name: 'obc' | 'cbs' | 'magnitude', some: Partial<PrunedBy>) =>
  starvations({
    name,
    method: methods[name],
    settings: { samples: 1000, blocks: 'full', damp: 1e-9 },
    model: findModel('mlpnet'),
    layers,
    result: name === 'cbs' ? { stages: [{ kept: 400, selected: 1, updated: 0.5, scale: 1 }] } : {},
    nameOf: (setting) => setting,
    ...some,
  })

it('counts the weights that are left alone', () => {
  // The second went, so that 3 and 4 became 3 and 8: 4 of 5.
  expect(movedShare([[3, 100], [4]], [[3, 0], [8]])).toBeCloseTo(4 / 5)
  expect(movedShare([[1, 2]], [[0, 0]])).toBe(0)
})

it.each([
  ['obc', 3.9, 4.1],
  ['cbs', 0.9, 1.1],
] as const)('%s may move weights by %s times their size, not by %s', (name, fine, far) => {
  expect(said(name, { moved: fine })).toEqual([])
  expect(said(name, { moved: far })).toEqual([expect.stringMatching(/moved by .* try a larger damp than 1e-9$/)])
  expect(said('magnitude', { moved: far })).toEqual([])
})

it('updates that are not made, or raise the loss, and systems that are not solved, are told', () => {
  const stage = { kept: 400, selected: 1, updated: 0.5, scale: 1 }
  const idle = { ...stage, updated: 1, scale: 0, firstOrder: 0 }
  expect(said('cbs', { result: { stages: [stage, idle] } })).toEqual([
    expect.stringMatching(/^1 of 2 updates would have raised the held-out loss/),
  ])
  expect(said('cbs', { result: { stages: [{ ...stage, updated: 2 }] } })).toEqual([
    expect.stringMatching(/^the update raised the held-out loss/),
  ])
  expect(said('cbs', { result: { stages: [{ ...stage, residual: 1e-3 }] } })).toEqual([
    expect.stringMatching(/^its systems were solved to a relative residual of 0.0010 only/),
  ])
  expect(said('cbs', { result: { stages: [{ ...stage, residual: 1e-9 }] } })).toEqual([])
})
