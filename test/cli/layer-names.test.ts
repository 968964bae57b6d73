/** @file Weights that have other names in a file, on the command line. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

it('every command takes them, says so, and writes the names of the network', async () => {
  const folder = temporaryFolder()
  const network = new Network({ machine, model: findModel('mlpnet'), data: await loadDataset('synthetic'), batch: 1 })
  const { tensors } = weightsOf(network)
  const [ours, theirs] = ['ours', 'theirs'].map((name) => join(folder, `${name}.safetensors`))
  writeSafetensors(ours, { tensors, metadata: {} })
  const renamed = [...tensors].map(([name, tensor]) => [name.replace('fc', 'net.layer'), tensor] as const)
  writeSafetensors(theirs, { tensors: new Map(renamed), metadata: {} })
  const model = ['--model', 'mlpnet']
  const note = `note: ${theirs} has other names for 3 layers of mlpnet (fc1 is its net.layer1); they were matched by shape and order\n`

  const evaluate = ['eval', ...model, '--data', 'synthetic', '--json', '--weights']
  const [a, b] = [await espalier([...evaluate, ours]), await espalier([...evaluate, theirs])]
  expect(a.stderr).toBe('')
  expect(b.stderr).toBe(note)
  expect(jsonLines(b.stdout)).toEqual(jsonLines(a.stdout))

  const pruned = join(folder, 'pruned.safetensors')
  const prune = await espalier(['prune', theirs, ...model, '--method', 'magnitude', '--sparsity', '0.5', '-o', pruned])
  expect(prune.stderr).toBe(note)
  expect([...readSafetensors(pruned).tensors.keys()].some((name) => name.startsWith('net'))).toBe(false)
  const converted = join(folder, 'model.onnx')
  expect(await espalier(['convert', theirs, converted, ...model])).toMatchObject({ code: 0, stderr: note })
  const overlap = await espalier(['compare-masks', theirs, converted, '--json', ...model])
  expect(jsonLines(overlap.stdout)[0]).toMatchObject({ all: { jaccard: 1 } })
  const inspected = await espalier(['inspect', theirs, '--json', ...model])
  expect(jsonLines(inspected.stdout)[0]).toMatchObject({ layers: [{ name: 'fc1.weight' }, {}, {}] })
}, 60_000)
