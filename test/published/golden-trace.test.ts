import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { readSafetensors, toFloats } from '../../src/formats/safetensors.ts'
import { localSearch } from '../../src/methods/second-order/brain-surgeon/local-search.ts'
import { randomMagnitude } from '../../src/methods/second-order/brain-surgeon/random-magnitude.ts'
import type { Masks } from '../../src/methods/second-order/fisher/flat.ts'
import { numpyPermutation } from '../../src/util/numpy-random.ts'
import { evaluate, mlpnetColumns, pixels } from '../support/mlpnet.ts'

const path = fileURLToPath(new URL('../../../shared/data/checkpoints/mlpnet-mnist.safetensors', import.meta.url))

/**
 * What the authors' code does on MLPNet at 95 % with seed 0: 10,000 gradients, the full Fisher matrix,
 * epsilon 1e-4, rho 10, tau 20.
 */
const trace = [
  { swaps: 0, rows: 0, tests: 0, objective: 0.195035, loss: 0.702719 },
  { swaps: 8, rows: 29, tests: 389, objective: 0.153607, loss: 0.725714 },
  { swaps: 28, rows: 49, tests: 857, objective: 0.127365, loss: 0.706085 },
  { swaps: 10, rows: 31, tests: 1241, objective: 0.116841, loss: 0.688202 },
  { swaps: 9, rows: 30, tests: 1660, objective: 0.109751, loss: 0.690838 },
  { swaps: 12, rows: 33, tests: 2051, objective: 0.103892, loss: 0.672244 },
]
const testAccuracy = 0.8739

it("the authors' search on MLPNet, pass by pass", { timeout: 300_000 }, async ({ skip }) => {
  skip(!existsSync(path), `the checkpoint is not here: ${path}`)
  const { tensors } = readSafetensors(path)
  const weights = [1, 2, 3].map((layer) => toFloats(tensors.get(`fc${layer}.weight`)!))
  const { train, test } = await loadDataset('mnist')
  const part = (split: typeof train, samples: Uint32Array) => ({
    images: pixels(split, samples),
    labels: Uint8Array.from(samples, (s) => split.labels[s]),
  })
  const subset = numpyPermutation(0, train.count)
  const all = (count: number) => Uint32Array.from({ length: count }, (_, i) => i)
  const [few, fisher] = [part(train, subset.subarray(0, 5000)), part(train, subset.subarray(0, 10_000))]
  const lossOn =
    ({ images, labels }: typeof few) =>
    (masks: Masks) =>
      evaluate(weights, masks, images, labels).loss

  const losses: number[] = []
  const onCandidate = ({ loss }: { loss: number }) => losses.push(loss)
  const start = randomMagnitude(weights, lossOn(few), { sparsity: 0.95, faithful: true, onCandidate })
  expect(start).toMatchObject({ candidate: 18, kept: 1780 })
  expect(start.loss).toBeCloseTo(0.68683, 5)
  expect(losses[0]).toBeCloseTo(0.77041, 5)

  const blocks = [{ samples: 10_000, tensors: mlpnetColumns(weights, fisher.images, fisher.labels) }]
  const options = { faithful: true, passes: trace.length }
  const found = localSearch(blocks, weights, start.masks, lossOn(part(train, all(train.count))), options)
  for (const [p, pass] of found.trace.entries()) {
    const { objective, loss, ...counts } = trace[p]
    expect(pass).toMatchObject(counts)
    expect(pass.objective).toBeCloseTo(objective, 5)
    expect(pass.loss).toBeCloseTo(loss, 5)
  }
  expect(found.trace.length).toBe(trace.length)
  const { images, labels } = part(test, all(test.count))
  expect(evaluate(weights, found.masks, images, labels).correct).toBe(10_000 * testAccuracy)
})
