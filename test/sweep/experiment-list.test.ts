/** @file Experiment lists of the published program of DSR, read as sweeps. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSweep } from '../../src/sweep/sweep-file.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { jobLine, wideJobs, writeSchedules } from '../experiment/dsr/files.ts'

/** A list beside the schedules, as the program has it, with two lines before the first job. */
function written(lines: readonly string[]): string {
  const folder = temporaryFolder()
  writeSchedules(folder)
  mkdirSync(join(folder, 'experiments'))
  const path = join(folder, 'experiments', 'wrnet_experiments.yaml')
  writeFileSync(path, `# experiments\njobs:\n${lines.map((line) => `  - ${line}  \n`).join('')}`)
  return path
}

const all = Object.keys(wideJobs).map(Number)

it('a run for every job, named by it, with the files of others where the sweep puts them', () => {
  const sweep = readSweep(written(all.map((job) => jobLine(job))), ['train.batch=50'], 'out')
  expect(sweep).toMatchObject({ name: 'wrnet_experiments', keys: ['job'] })
  expect(sweep.cells.map(({ name }) => name)).toEqual(all.map((job) => `cifar10_wideresnet_${job}`))
  expect(sweep.cells.map(({ recipe }) => recipe.train.batch)).toEqual(all.map(() => 50))
  const after = Object.fromEntries(sweep.cells.flatMap((cell) => (cell.after ? [[cell.name, cell.after]] : [])))
  expect(after).toEqual({
    cifar10_wideresnet_1: ['cifar10_wideresnet_0'],
    cifar10_wideresnet_79: ['cifar10_wideresnet_6'],
  })
  const [, pruned] = sweep.cells
  expect(pruned.recipe.model.weights).toBe(join('out', 'runs', 'cifar10_wideresnet_0', 'model.safetensors'))
  expect(sweep.cells.at(-1)?.recipe.model.masks).toBe(
    join('out', 'runs', 'cifar10_wideresnet_6', 'checkpoint.safetensors'),
  )
})

it.each([
  [
    'an unknown option',
    [jobLine(0), jobLine(6).replace('--rewire ', '--rewired ')],
    'line 4: unknown option --rewired',
  ],
  ['a broken line', [jobLine(0), jobLine(6), 'python main.py --epochs'], 'line 5: --epochs: expected a whole number'],
  ['two jobs of one name', [jobLine(0), jobLine(0)], 'line 4: another job is called cifar10_wideresnet_0, too'],
  [
    'a job that is not there',
    [jobLine(0), jobLine(79)],
    'line 4: begins with the run cifar10_wideresnet_6, which is no job',
  ],
  [
    'jobs that wait for each other',
    [
      'python main.py --schedule-file ./learning_schedules/wrnet_schedule.yaml --job-idx 1 --copy-mask-from ./runs/mnist_mlp_2',
      'python main.py --schedule-file ./learning_schedules/wrnet_schedule.yaml --job-idx 2 --copy-mask-from ./runs/mnist_mlp_1',
    ],
    'line 3: mnist_mlp_1 begins with the run mnist_mlp_2, which waits for it in turn',
  ],
  [
    'a job that waits for itself',
    [
      jobLine(0),
      'python main.py --schedule-file ./learning_schedules/wrnet_schedule.yaml --job-idx 1 --copy-mask-from ./runs/mnist_mlp_1',
    ],
    'line 4: mnist_mlp_1 begins with the run mnist_mlp_1, which waits for it in turn',
  ],
  [
    'an option out of range',
    ['python main.py --schedule-file ./learning_schedules/wrnet_schedule.yaml --initial-sparsity-fc 1.5'],
    'line 3: sparsity (--initial-sparsity-fc',
  ],
  [
    'a depth that is none',
    [jobLine(0).replace('main.py', 'main.py --layers 27')],
    'line 3: --layers: expected 6 n + 4',
  ],
  ['no schedule', ['python main.py --schedule-file nix.yaml'], 'line 3: --schedule-file: cannot read nix.yaml'],
  ['a map', ['{ a: 1 }'], 'jobs: expected command lines, found'],
  ['no jobs', [], 'jobs: expected a list of command lines, found'],
])('refused: %s', (_, lines, message) => {
  const path = written(lines)
  const read = () => readSweep(path)
  expect(read).toThrow(UserError)
  expect(read).toThrow(`${path}: ${message}`)
})
