/** @file HDF5 files of GSM's code on the command line: nothing has to be said of their network and inputs. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { readWeights } from '../../src/formats/weights-file.ts'
import { findModel } from '../../src/models/index.ts'
import { beginning, graphOf } from '../../src/models/model.ts'
import { writeCifar10 } from '../data/cifar-files.ts'
import { writeTiny } from '../experiment/tiny.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

type Values = Map<string, { shape: readonly number[]; values: Float32Array }>

/** A network as it begins, under the names here. */
function initial(name: string): Values {
  const model = findModel(name)
  const begin = beginning(model, undefined, 0)
  const stored = graphOf(model).stored()
  return new Map(
    stored.map((tensor) => [tensor.name, { shape: tensor.shape, values: Float32Array.from(begin(tensor)) }]),
  )
}

/** Names of RCNet's layers, from the modules of that code. */
const inRcNet = (name: string): string =>
  name
    .replace(/^layer/, 'stage')
    .replace('downsample.0', 'shortcut.conv')
    .replace('downsample.1', 'shortcut.bn')
    .replace(/(conv\d)\./, '$1.conv.')
    .replace(/bn(\d)\./, 'conv$1.bn.')
    .replace(/^fc/, 'linear')

async function writeHdf5Of(values: Values, path: string): Promise<string> {
  const { File, ready } = await import('h5wasm/node')
  await ready
  const file = new File(path, 'w')
  for (const [name, { shape, values: data }] of values)
    file.create_dataset({ name: inRcNet(name), data, shape: [...shape] })
  file.close()
  return path
}

async function namesIn(path: string): Promise<string[]> {
  const { File, ready } = await import('h5wasm/node')
  await ready
  const file = new File(path, 'r')
  const names = file.keys()
  file.close()
  return names
}

const withoutProgress = (text: string) => text.replace(/^(\d+:)?\d+( s)? left, .*\n/gm, '')

it('rc56: eval and prune take its inputs from what it is, flags before them; what is written it reads again', async () => {
  const folder = temporaryFolder()
  const env = { ESPALIER_DATA: writeCifar10(join(folder, 'cifar10')).replace(/\/cifar10$/, '') }
  const finish = await writeHdf5Of(initial('resnet56'), join(folder, 'finish.hdf5'))
  const note = `note: ${finish} is rc56 of the code of GSM, here resnet56, whose inputs are (pixel / 255 - 0.5) / 0.5\n`

  const evaluated = await espalier(['eval', finish, '--data', 'cifar10'], { env })
  expect([evaluated.code, evaluated.stderr]).toEqual([0, note])
  expect(evaluated.stdout).toMatch(/with mean 0\.5, 0\.5, 0\.5 and std 0\.5, 0\.5, 0\.5 \(of the weights file\)$/m)
  expect(evaluated.stdout).not.toContain('guess')
  expect(evaluated.stdout).toMatch(/, sparsity 0\.00 % of the 851,504 weights of layers\n/)

  // The same as that network with those inputs.
  const own = join(folder, 'own.safetensors')
  const tensors = new Map(
    [...initial('resnet56')].map(([name, { shape, values }]) => [name, storeFloats(values, shape)]),
  )
  writeSafetensors(own, { tensors, metadata: {} })
  const evaluate = async (path: string, ...flags: string[]) =>
    jsonLines((await espalier(['eval', path, '--data', 'cifar10', '--json', ...flags], { env })).stdout)[0]
  const { loss } = await evaluate(finish)
  expect(await evaluate(own, '--model', 'resnet56', '--mean', '0.5', '--std', '0.5')).toMatchObject({ loss })
  const flags = ['--mean', '0.4', '--std', '0.25']
  expect(await evaluate(finish, ...flags)).toMatchObject({
    loss: (await evaluate(own, '--model', 'resnet56', ...flags)).loss,
    mean: [0.4, 0.4, 0.4],
    notes: [
      expect.stringMatching(/^the weights file says mean 0\.5, 0\.5, 0\.5: --mean was taken, /),
      expect.anything(),
    ],
  })

  const out = join(folder, 'finish_pruned.hdf5')
  const args = ['--method', 'magnitude', '--sparsity', '0.9', '--refresh-bn', 'none', '-o', out]
  const pruned = await espalier(['prune', finish, '--data', 'cifar10', ...args], { env })
  // On a busy machine it takes the two seconds after which progress is told.
  expect([pruned.code, withoutProgress(pruned.stderr)]).toEqual([0, note])
  const names = await namesIn(out)
  expect(names).toEqual(expect.arrayContaining([...initial('resnet56').keys()].map(inRcNet)))
  expect(names).toContain('deps')
  const read = await espalier(['eval', out, '--data', 'cifar10'], { env })
  // It says itself what it is.
  expect([read.code, withoutProgress(read.stderr)]).toEqual([0, ''])
  expect(read.stdout).toMatch(/0\.5 \(of the weights file\)$/m)
  expect(read.stdout).toMatch(/, sparsity 90\.00 % of the 851,504 weights of layers\n/)
}, 60_000)

it('without data, and from a run, files have the names of that code where it has the network', async () => {
  const folder = temporaryFolder()
  const lenet = join(folder, 'lenet.safetensors')
  const tensors = new Map(
    [...initial('lenet-5')].map(([name, { shape, values }]) => [name, storeFloats(values, shape)]),
  )
  writeSafetensors(lenet, { tensors, metadata: { model: 'lenet-5' } })
  const out = join(folder, 'pruned.h5')
  await espalier(['prune', lenet, '--method', 'magnitude', '--sparsity', '0.5', '-o', out])
  expect((await namesIn(out)).sort()).toEqual(
    ['stem.conv1', 'stem.conv2', 'linear1', 'linear2'].flatMap((layer) => [`${layer}.bias`, `${layer}.weight`]).sort(),
  )
  expect((await readWeights(out)).tensors.has('conv1.weight')).toBe(true)

  const run = join(folder, 'run')
  const changes = { model: { name: 'lenet-300-100' }, train: { epochs: 1, batch: 500, learningRate: 0.1 } }
  const given = writeTiny(folder, { ...changes, prune: { method: 'magnitude', sparsity: 0.5 } })
  await espalier(['run', given, '--quiet', '--out', run])
  const { code } = await espalier(['convert', run, join(folder, 'run.hdf5')])
  expect(code).toBe(0)
  expect(await namesIn(join(folder, 'run.hdf5'))).toContain('linear3.weight')

  // MLPNet is none of its networks.
  const other = join(folder, 'other')
  await espalier(['run', writeTiny(folder), '--quiet', '--out', other])
  await espalier(['convert', other, join(folder, 'other.hdf5')])
  expect((await namesIn(join(folder, 'other.hdf5'))).sort()).toEqual(['fc1.weight', 'fc2.weight', 'fc3.weight'])
}, 60_000)
