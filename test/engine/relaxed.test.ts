/**
 * @file The module with relaxed SIMD computes what the others do but for the last bits. All tests of kernels
 * pass on it with ESPALIER_WASM=kernels/espalier-relaxed.wasm.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { wasmMachine } from '../../src/engine/machines/wasm-module.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { root } from '../cli/cli.ts'
import { wasm } from '../support/engines.ts'
import { compiledRelaxed } from '../support/relaxed.ts'
import { sparseNetwork } from '../support/sparse-network.ts'

const relaxed = wasmMachine(await compiledRelaxed(join(root, 'kernels/espalier-relaxed.wasm')))

it.each(['resnet20', 'mobilenet-v1-cifar', 'vit-tiny'])('%s: nearly the same outputs, and not the same', (name) => {
  const { weights, samples } = sparseNetwork(name, 5)
  const outputs = (machine: Machine) => Array.from(new SparseModel(weights, { machine, model: name }).run(samples))
  const [found, expected] = [outputs(relaxed), outputs(wasm)]
  const most = Math.max(...expected.map(Math.abs))
  const differences = found.map((value, i) => Math.abs(value - expected[i]))
  expect(Math.max(...differences) / most).toBeLessThan(1e-4)
  expect(found).not.toEqual(expected)
})
