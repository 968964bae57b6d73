/** @file Compacted networks on both runtimes. */
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { leastInTurns } from '../../src/figures/time.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { atLevels } from '../../src/target/compacted.ts'
import { maskOf } from '../../src/target/levels.ts'
import { onnxRuntime } from '../../src/target/onnx-runtime.ts'
import { espalierRuntime } from '../../src/target/runtimes.ts'
import { unitsOf } from '../../src/target/unit.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { machine } from '../train/small.ts'

it('a compacted network is smaller by what its levels remove, and runs on both runtimes', async () => {
  const network = new Network({ machine, model: findModel('lenet-300-100'), data: synthetic() })
  const found = { file: weightsOf(network), model: network.model, source: 'lenet' }
  const [unit] = unitsOf(network.model, network.prunable, 'channel')
  const kept = 300 - 113
  const bits = unit.parts.flatMap(({ name, shape: [rows, columns] }) =>
    Array.from({ length: rows * columns }, (_, i) =>
      Number((name === unit.name ? Math.floor(i / columns) : i % columns) >= 113),
    ),
  )
  expect(bits).toHaveLength(unit.parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0))
  const level = { sparsity: 0.4, channels: kept, loss: 0, ...maskOf(Float32Array.from(bits)) }
  const units = [{ ...unit, levels: [{ ...level, channels: undefined }, level] }]
  const dense = atLevels(found, units, new Map())
  const small = atLevels(found, units, new Map([[unit.name, 1]]))
  expect(dense.multiplyAdds).toBe(784 * 300 + 300 * 100 + 1000)
  expect(small.multiplyAdds).toBe(784 * kept + kept * 100 + 1000)
  expect(dense.bytes - small.bytes).toBeGreaterThan(0.99 * 4 * 113 * 885)
  for (const runtime of [espalierRuntime(machine, 3), onnxRuntime(3, 1, 'this test')]) {
    const [first, second] = [await runtime.open(dense), await runtime.open(small)]
    for (const time of await leastInTurns([first.run, second.run], { seconds: 0 })) expect(time).toBeGreaterThan(0)
    await Promise.all([first.close(), second.close()])
  }
})
