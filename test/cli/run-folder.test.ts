/**
 * @file espalier run with a folder of recipes: what becomes of files that fail, that are mended, that are
 * done.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { changesAsText } from '../../src/cli/flags/run.ts'
import { record, writeCifar10 } from '../data/cifar-files.ts'
import { tiny } from '../experiment/tiny.ts'
import { compiled, espalier, finish, jsonLines, spawned, start } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

beforeAll(compiled, 120_000)

const short = { ...tiny, train: { ...tiny.train, epochs: 1 }, prune: { method: 'magnitude', sparsity: 0.9 } }

/** A folder of recipes, and where its runs go. */
function written(files: Record<string, string | object>): { path: string; out: string; write: typeof write } {
  const path = join(temporaryFolder(), 'recipes')
  mkdirSync(path)
  const write = (name: string, content: string | object) =>
    writeFileSync(join(path, name), typeof content === 'string' ? content : stringify(content))
  for (const [name, content] of Object.entries(files)) write(name, content)
  return { path, out: join(path, '../out'), write }
}

it('runs what it can, says of each file what became of it, and goes on when files are mended', {
  timeout: 60_000,
}, async () => {
  const { path, out, write } = written({
    'b-good.yaml': short,
    'a-broken.json': '{ "general": { "id": "x" } }',
    'c-diverges.yml': { ...short, train: { ...short.train, learningRate: 1e30 } },
    'other.sweep.yaml': { name: 'other', recipe: 'b-good.yaml', grid: { seed: [1] } },
    'notes.txt': 'no recipe',
  })
  const first = await spawned(['run', path, '--out', out, '--set', 'seed=3'])
  expect([first.code, first.stderr]).toEqual([1, ''])
  expect(first.stdout).toContain('other.sweep.yaml is a sweep and left out')
  expect(first.stdout).toMatch(/^\| a-broken\.json +\| failed \| +\| +\|$/m)
  expect(first.stdout).toMatch(/^\| b-good\.yaml +\| done +\| +[\d.]+ % \| +90\.00 % \|$/m)
  expect(first.stdout).toMatch(/^\| c-diverges\.yml +\| failed \|/m)
  const broken = /^a-broken\.json failed: .*a-broken\.json: general\.description: expected a value of type string/m
  expect(first.stdout).toMatch(broken)
  expect(readFileSync(join(out, 'report.md'), 'utf8')).toMatch(broken)
  expect(readFileSync(join(out, 'report.md'), 'utf8')).toMatch(/^3 runs\./m)
  const failures = jsonLines(readFileSync(join(out, 'failures.jsonl'), 'utf8'))
  expect(failures.map(({ run, attempt }) => [run, attempt])).toEqual([
    ['a-broken', 1],
    ['c-diverges', 1],
    ['c-diverges', 2],
    ['c-diverges', 3],
  ])
  expect(readFileSync(join(out, 'runs/b-good/recipe.yaml'), 'utf8')).toMatch(/^seed: 3$/m)

  const again = ['run', path, '--out', out, '--set', 'seed=3']
  expect(await espalier(again)).toMatchObject({ code: 1, stderr: expect.stringMatching(/already holds a sweep/) })
  write('c-diverges.yml', short)
  write('d-new.yaml', { ...short, name: 'new' })
  rmSync(join(path, 'a-broken.json'))
  const second = await spawned([...again, '--resume', '--json'])
  expect([second.code, second.stderr]).toEqual([0, ''])
  const done = jsonLines(second.stdout).filter(({ type }) => type === 'done')
  expect(done.map(({ values }) => values)).toEqual([{ file: 'c-diverges.yml' }, { file: 'd-new.yaml' }])

  const changed = await espalier(['run', path, '--out', out, '--resume', '--set', 'seed=4'])
  expect(changed).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^espalier: b-good\.yaml has changed since its run was complete: expected the same/),
  })
  mkdirSync(join(path, '../others'))
  writeFileSync(join(path, '../others/e.yaml'), stringify(short))
  const others = await espalier(['run', join(path, '../others'), '--out', out, '--resume'])
  expect(others.stderr).toMatch(/out holds runs of another folder: expected those of others, found recipes$/m)
})

/** A configuration of the code of arXiv 2502.11450 for a network of 471,338 parameters. */
const configuration = (compressor: string, metric: string) => ({
  general: {
    id: `exp_${compressor}`,
    description: '',
    gpu: { ngpus: 1, gpu_id: 0 },
    experiment: 'pbt',
    seed: 42,
    output_dir: './outputs',
  },
  dataset: { class: 'cifar10', batch_size: 16 },
  model: { class: 'CNN500k', num_classes: 10 },
  training: {
    num_steps: 2,
    criterion: { class: 'CE' },
    optimizer: { class: 'sgd', learning_rate: 0.01, momentum: 0.9, w_decay: 5e-4, lr_drops: [1], lr_drop_factor: 0.2 },
    compressor: { class: compressor, mask: 'global', sparsity: 0.9, warmup: 0, batch_size: 1 },
  },
  validation: { metric, frequency: 1 },
})

it('configurations of a published program, as they are', { timeout: 60_000 }, async () => {
  const { path, out } = written({
    'magnitude.json': JSON.stringify(configuration('magnitude', 'acc')),
    'random.json': JSON.stringify(configuration('random', 'f1')),
  })
  const images = (labels: number[]) => Buffer.concat(labels.map((label, i) => record([label], 20 * i)))
  const batches = [1, 2, 3, 4, 5].map((i) => [`data_batch_${i}.bin`, images([0, 1, 2, 3, 4, 5, 6, 7])])
  const data = writeCifar10(join(path, '../cifar'), Object.fromEntries(batches))
  const changes = ['--set', `data.name=${data}`, '--set', 'data.validation=8', '--jobs', '2', '--json']
  const { code, stdout, stderr } = await spawned(['run', path, '--out', out, ...changes])
  expect([code, stderr]).toEqual([0, ''])
  const done = jsonLines(stdout).filter(({ type }) => type === 'done')
  expect(done.map(({ run }) => run).sort()).toEqual(['magnitude', 'random'])
  for (const { result } of done)
    expect(result).toMatchObject({
      sparsity: expect.closeTo(0.9, 3),
      keptEpoch: expect.any(Number),
      lastEpoch: { f1: expect.any(Number) },
    })
  expect(readFileSync(join(out, 'recipes/random.yaml'), 'utf8')).toMatch(/^validation:\n {2}metric: f1$/m)
})

it('errors of a configuration that its data bring about name its keys, unless --set did it', async () => {
  const late = configuration('magnitude', 'acc')
  late.training.compressor.warmup = 3
  const { path } = written({ 'late.json': JSON.stringify(late) })
  const file = join(path, 'late.json')
  const beyond = 'expected a time within the 2 epochs of the training, found'
  const stderrOf = async (...args: string[]) => (await espalier(['run', ...args, '--dry-run'])).stderr
  expect(await stderrOf(file)).toBe(`espalier: ${file}: training.compressor.warmup: ${beyond} 3ep\n`)
  expect(await stderrOf(file, '--set', 'prune.start=4ep')).toBe(`espalier: ${file}: prune.start: ${beyond} 4ep\n`)
  const { stdout } = await espalier(['run', path, '--dry-run'])
  expect(stdout.split('\n')[0]).toBe(`late.json: cannot begin: ${file}: training.compressor.warmup: ${beyond} 3ep`)
})

it('a dry run says first that data are missing', async () => {
  const file = join(written({ 'a.yaml': { ...short, data: { name: '/nowhere' } } }).path, 'a.yaml')
  const { code, stdout, stderr } = await espalier(['run', file, '--dry-run'])
  expect([code, stderr]).toEqual([1, expect.stringMatching(/a\.yaml: data\.name: .*\/nowhere/)])
  const lines = stdout.split('\n')
  expect(lines[0]).toMatch(/^note: .*\/nowhere.*; what follows is measured on synthetic samples$/)
  expect(stdout).toContain('number of steps unknown without the data')
  const json = await espalier(['run', file, '--dry-run', '--json'])
  expect(JSON.parse(json.stdout).missingData).toContain('/nowhere')
})

it('a dry run tells how long each takes and what cannot begin, and writes nothing', async () => {
  const { path, out } = written({
    'fits.yaml': short,
    'large.yaml': { ...short, data: { ...short.data, validation: 2000 } },
    'typo.yaml': { ...short, prun: {} },
  })
  const { code, stdout } = await espalier(['run', path, '--out', out, '--dry-run'])
  expect(code).toBe(1)
  const lines = stdout.trim().split('\n')
  expect(lines[0]).toMatch(/^fits\.yaml: 15 steps, about \d/)
  expect(lines[1]).toMatch(/^large\.yaml: cannot begin: .*large\.yaml: data\.validation: 2000 of the 2000 training/)
  expect(lines[2]).toMatch(/^typo\.yaml: cannot begin: .*unknown key prun \(did you mean prune\?\)$/)
  expect(lines[3]).toMatch(/^3 runs: 0 done, 2 that cannot begin, 1 to be run, about /)
  expect(existsSync(out)).toBe(false)
  const json = await espalier(['run', path, '--out', out, '--dry-run', '--json'])
  const [fits] = JSON.parse(json.stdout)
  expect(fits).toMatchObject({ run: 'fits', file: 'fits.yaml', state: 'to be run', steps: 15 })
})

it('Ctrl-C says how to go on, with the changes of the flags', { timeout: 60_000 }, async () => {
  const { path, out } = written({ 'a.yaml': short, 'b.yaml': short })
  const child = start(['run', path, '--out', out, '--set', 'train.epochs=100000', '--seed', '3'])
  const ended = finish(child)
  await expect.poll(() => existsSync(join(out, 'runs/a/metrics.jsonl')), { timeout: 20_000 }).toBe(true)
  child.kill('SIGINT')
  const { code, stdout } = await ended
  expect(code).toBe(130)
  expect(stdout).toMatch(/^\| a\.yaml \| not done \| /m)
  const again = `espalier run ${path} --set train.epochs=100000 --seed 3 --resume --out ${out}`
  expect(stdout.trim().split('\n').at(-1)).toBe(`interrupted; go on with: ${again}`)
  expect(changesAsText({ set: ["a=it's 1"], kernels: 'auto' })).toBe(String.raw`--set 'a=it'\''s 1' --kernels auto`)
})

it('refuses folders without recipes, folders of results, flags of a single recipe', async () => {
  const empty = temporaryFolder()
  expect((await espalier(['run', empty])).stderr).toMatch(/holds no recipe: expected files that end in \.yaml, /)
  const { path } = written({ 'a.yaml': short, 'a.json': '{}' })
  expect((await espalier(['run', path])).stderr).toMatch(/the runs of a\.json and a\.yaml would both be called a/)
  const file = join(path, 'a.yaml')
  expect((await espalier(['run', file, '--jobs', '2'])).stderr).toMatch(/--jobs is for a folder of recipes/)
  for (const flag of ['--force', '--quiet', '--until-pruning', '--checkpoint-seconds=3'])
    expect((await espalier(['run', path, flag])).stderr).toMatch(
      /^espalier: --[a-z-]+ is for a single recipe: expected/,
    )
  for (const name of ['recipe.yaml', 'environment.json']) writeFileSync(join(empty, name), '{}')
  expect((await espalier(['run', empty])).stderr).toMatch(
    /is the folder of a run: .* --resume --out .* goes on with it/,
  )
})
