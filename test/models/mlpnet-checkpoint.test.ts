import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { loadWeights } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { best } from '../support/engines.ts'

const path = fileURLToPath(new URL('../../../shared/data/checkpoints/mlpnet-mnist.safetensors', import.meta.url))

it("WoodFisher's MLPNet classifies exactly 9,397 of MNIST's 10,000 test images", async ({ skip }) => {
  skip(!existsSync(path), `the checkpoint is not here: ${path}`)
  const network = new Network({ machine: best, model: findModel('mlpnet'), data: await loadDataset('mnist') })
  loadWeights(network, readSafetensors(path), path)
  expect(network.evaluate('test')).toMatchObject({ correct: 9397, count: 10_000, accuracy: 0.9397 })
})
