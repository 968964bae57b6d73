/**
 * @file What was measured of weights is said of them alone: `espalier prune` leaves the accuracy of the dense
 * file out of what it writes, with data and without, and `espalier convert` keeps it.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { writeNetwork } from '../../src/formats/network-file.ts'
import { readWeights } from '../../src/formats/weights-file.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { machine } from '../train/small.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

it.each(['onnx', 'safetensors'])('the accuracy of a dense %s file', async (ending) => {
  const folder = temporaryFolder()
  const model = findModel('lenet-300-100')
  const network = new Network({ machine, model, data: synthetic() })
  const [dense, out] = ['dense', 'out'].map((name) => join(folder, `${name}.${ending}`))
  await writeNetwork(dense, { weights: weightsOf(network, { test_accuracy: '98.76', author: 'me' }), model })
  const said = async (...args: string[]) => {
    const { code, stderr } = await espalier([...args, '--force'])
    expect([code, stderr]).toEqual([0, ''])
    return (await readWeights(out)).metadata
  }
  expect(await said('convert', dense, out)).toMatchObject({ test_accuracy: '98.76' })
  const magnitude = ['prune', dense, '--method', 'magnitude', '--sparsity', '0.5', '-o', out]
  const alone = await said(...magnitude)
  expect(alone).toMatchObject({ sparsity: '0.5', author: 'me' })
  expect(alone).not.toHaveProperty('test_accuracy')
  expect(await said(...magnitude, '--data', 'synthetic')).not.toHaveProperty('test_accuracy')
})
