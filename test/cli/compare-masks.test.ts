/** @file espalier compare-masks, and collapse on the command line. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { packSparse } from '../../src/formats/sparse.ts'
import { type PruneOptions, prune } from '../../src/methods/prune.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { writeTiny } from '../experiment/tiny.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** A file of the same initial weights of a network, pruned in some way. */
async function file(folder: string, name: string, options: PruneOptions, model = 'mlpnet') {
  const network = new Network({ machine, model: findModel(model), data: await loadDataset('synthetic'), batch: 1 })
  const result = prune(network, options)
  const path = join(folder, `${name}.safetensors`)
  writeSafetensors(path, packSparse(weightsOf(network)))
  return { path, kept: result.layers.map(({ kept }) => kept) }
}

it('counts and overlaps per layer and over all', async () => {
  const folder = temporaryFolder()
  const [a, b] = [await file(folder, 'a', { sparsity: 0.8 }), await file(folder, 'b', { sparsity: 0.9 })]
  const { stdout, stderr } = await espalier(['compare-masks', a.path, b.path])
  expect(stderr).toBe('')
  // Of two rankings by magnitude the smaller set lies in the larger one.
  expect(stdout).toMatch(/^\| all +\| +32,360 \| +6,472 \| +3,236 \| +3,236 \| +0\.5000 \|$/m)
  const [json] = jsonLines((await espalier(['compare-masks', a.path, b.path, '--json'])).stdout)
  expect(json).toMatchObject({ model: 'mlpnet', all: { keptA: 6472, keptB: 3236, both: 3236, jaccard: 0.5 } })
  expect((json.layers as { keptA: number }[]).map(({ keptA }) => keptA)).toEqual(a.kept)
  const some = await espalier(['compare-masks', a.path, a.path, '--include', 'fc1*', '--json'])
  expect(jsonLines(some.stdout)[0]).toMatchObject({ layers: [{ name: 'fc1.weight' }], all: { jaccard: 1 } })
})

it('what does not fit is one sentence', async () => {
  const folder = temporaryFolder()
  const a = (await file(folder, 'a', { sparsity: 0.5 })).path
  const other = (await file(folder, 'b', { sparsity: 0.5 }, 'lenet-300-100')).path
  const text = join(folder, 'text')
  writeFileSync(text, 'hello, world')
  const fails = async (...args: string[]) => {
    const { code, stderr } = await espalier(['compare-masks', ...args])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^espalier: [^\n]+\n$/)
    return stderr
  }
  expect(await fails(a, other)).toContain('holds mlpnet and')
  expect(await fails(a, other, '--model', 'mlpnet')).toMatch(/tensor fc1.weight has shape \[300,784\]/)
  expect(await fails(a, text)).toContain('text is not a valid safetensors file')
  expect(await fails(a, join(folder, 'none'))).toContain('there is no such file')
  expect(await fails(a, a, '--include', 'conv1')).toContain('--include: no prunable tensor is named conv1')
  expect(await fails(a, a, '--prunable', 'al')).toContain('--prunable: there is no al (did you mean all?)')
})

it('run --on-collapse: a network that falls apart stops the run, or gets a floor', async () => {
  const folder = temporaryFolder()
  const path = writeTiny(folder, { prune: { method: 'random', sparsity: 0.999 } })
  const args = ['run', path, '--set', 'train.epochs=0', '--quiet']
  const error = await espalier([...args, '--on-collapse', 'error', '--out', join(folder, 'a')])
  expect(error.stderr).toMatch(
    /^espalier: pruning to a sparsity of 0\.999: .*no path leads from the input to the output.*\n$/,
  )
  const floor = await espalier([
    'run',
    path,
    '--set',
    'train.epochs=0',
    '--on-collapse',
    'floor',
    '--out',
    join(folder, 'b'),
  ])
  expect(floor.stdout).toMatch(/^note: at step 0 a floor of \d+ in every layer was needed against collapse$/m)
  expect(existsSync(join(folder, 'b', 'report.md'))).toBe(true)
  const warn = await espalier(['run', path, '--set', 'train.epochs=0', '--out', join(folder, 'c')])
  expect(warn.stdout).toContain('warning: no path leads from the input to the output')
  expect(warn.stdout).toContain('warning: the outputs are the same for every test sample: the accuracy is chance')
})
