/** @file Recipes by name, lists of them, and new ones. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { recipePath } from '../../src/cli/flags/recipe-file.ts'
import { readRecipe } from '../../src/experiment/recipe/recipe.ts'
import { npyBytes, writeNpz } from '../data/arrays/array-files.ts'
import { idx, writeMnist } from '../data/idx-files.ts'
import { writeImageFolder } from '../data/image-files.ts'
import { writeTiny } from '../experiment/tiny.ts'
import { written } from '../formats/onnx/build.ts'
import { espalier, jsonLines, root } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

beforeEach(() => {
  vi.stubEnv('ESPALIER_CACHE', temporaryFolder())
  return () => vi.unstubAllEnvs()
})

describe('by name', () => {
  it.each([
    ['quickstart', 'recipe', 'quickstart.yaml'],
    ['mnist-dsr', 'recipe', 'dynamic/mnist-dsr.yaml'],
    ['dynamic/mnist-dsr', 'recipe', 'dynamic/mnist-dsr.yaml'],
    ['dynamic/mnist-dsr', 'sweep', 'dynamic/mnist-dsr.sweep.yaml'],
    ['mnist-dsr', 'sweep', 'dynamic/mnist-dsr.sweep.yaml'],
  ] as const)('%s as a %s', (name, kind, path) => {
    expect(recipePath(name, kind)).toBe(join(root, 'recipes', path))
  })

  it('from any folder, where a file of that name wins', async () => {
    const cwd = temporaryFolder()
    const dry = async () =>
      jsonLines(
        (await espalier(['run', 'quickstart', '--dry-run', '--json', '--set', 'data.name=synthetic'], { cwd })).stdout,
      )
    expect(await dry()).toMatchObject([{ parameters: 266_610, steps: 320 }])
    writeFileSync(join(cwd, 'quickstart'), readFileSync(writeTiny(cwd)))
    expect(await dry()).toMatchObject([{ parameters: 32_360, steps: 60 }])
    const plan = await espalier(['sweep', 'mnist-dsr', '--dry-run'], { cwd })
    expect(plan).toMatchObject({ code: 0, stdout: expect.stringMatching(/^6 runs, 0 of them done$/m) })
  })

  it.each<[string[], string]>([
    [
      ['run', 'quikstart'],
      'there is no file named quikstart, and no recipe of this package (did you mean quickstart?)',
    ],
    [
      ['run', 'dynamic/mnist-dsm'],
      'there is no file named dynamic/mnist-dsm, and no recipe of this package (did you mean dynamic/mnist-dsr?)',
    ],
    [['sweep', 'quickstart'], 'there is no file named quickstart, and no sweep of this package (nearest: '],
    [['run', 'quikstart.yaml'], 'cannot read quikstart.yaml: there is no such file or folder'],
  ])('%j is refused with suggestions', async (args, message) => {
    const { code, stderr } = await espalier(args, { cwd: temporaryFolder() })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^espalier: [^\n]+\n$/)
    expect(stderr).toContain(message)
  })
})

describe('list recipes', () => {
  const listed = async (...flags: string[]): Promise<Record<string, string>[]> =>
    JSON.parse((await espalier(['list', 'recipes', '--json', ...flags])).stdout)

  it('only those that take so many minutes at most; every one says what it takes', async () => {
    const [all, short] = [await listed(), await listed('--max-minutes', '5')]
    for (const { name, minutes } of all) expect(minutes, String(name)).toBeGreaterThan(0)
    const names = all.filter(({ minutes }) => Number(minutes) <= 5).map(({ name }) => name)
    expect(short.map(({ name }) => name)).toEqual(names)
    expect(names.length).toBeGreaterThan(5)
    expect(names.length).toBeLessThan(all.length / 2)
    expect((await espalier(['list', 'models', '--max-minutes', '5'])).stderr).toBe(
      'espalier: --max-minutes is for list recipes\n',
    )
  })

  it('only those of a family, a network, a data set', async () => {
    const all = await listed()
    for (const [flag, value] of [
      ['family', 'gsm'],
      ['network', 'resnet20'],
      ['data', 'cifar10'],
    ]) {
      const some = await listed(`--${flag}`, value)
      expect(some).toEqual(all.filter((entry) => entry[flag] === value))
      expect([some.length > 0, some.length < all.length]).toEqual([true, true])
    }
    expect(await listed('--family', 'basics', '--data', 'mnist')).toMatchObject([
      { run: 'espalier run quickstart', network: 'lenet-300-100' },
      { run: 'espalier run target', network: 'lenet-300-100' },
    ])
  })

  it('every one is run by the command that it names', async () => {
    for (const { name, run } of await listed()) {
      const [, kind, own] = /^espalier (run|sweep) (.+)$/.exec(run)!
      expect(join(process.cwd(), name)).toBe(recipePath(own, kind === 'run' ? 'recipe' : 'sweep'))
    }
  })

  it('what none of them has is refused, and filters where they would be ignored', async () => {
    expect((await espalier(['list', 'recipes', '--family', 'dynamics'])).stderr).toBe(
      'espalier: --family: there is no dynamics (did you mean dynamic?)\n',
    )
    expect((await espalier(['list', 'models', '--data', 'mnist'])).stderr).toBe(
      'espalier: --data is for list recipes\n',
    )
  })
})

describe('init', () => {
  it.each([
    ['mlpnet', 'synthetic'],
    ['lenet-5', 'synthetic'],
  ])('a recipe for %s on %s that runs', async (model, data) => {
    const cwd = temporaryFolder()
    const { code, stdout } = await espalier(['init', model, data], { cwd })
    expect([code, stdout]).toEqual([
      0,
      'The recipe is in recipe.yaml; try it with: espalier run recipe.yaml --dry-run\n',
    ])
    const text = readFileSync(join(cwd, 'recipe.yaml'), 'utf8')
    expect(text.split('\n').filter((line) => line.includes('#')).length).toBeGreaterThan(10)
    expect(readRecipe(join(cwd, 'recipe.yaml'))).toMatchObject({ name: `${model}-${data}`, model: { name: model } })
    const dry = await espalier(['run', 'recipe.yaml', '--dry-run'], { cwd })
    expect([dry.code, dry.stderr]).toEqual([0, ''])
    if (model !== 'mlpnet') return
    const short = ['--set', 'train.epochs=6', '--set', 'prune.end=6ep', '--quiet', '--out', 'run']
    expect(await espalier(['run', 'recipe.yaml', ...short], { cwd })).toMatchObject({ code: 0, stderr: '' })
    expect(existsSync(join(cwd, 'run/report.md'))).toBe(true)
  })

  it('an ONNX model on a folder of images', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'Own Net.onnx'), classifier())
    await writeImageFolder(join(cwd, 'photos: mine'), { width: 12, height: 10 })
    const args = ['init', './Own Net.onnx', 'photos: mine', '-o', 'own.yaml']
    expect(await espalier(args, { cwd })).toMatchObject({ code: 0, stderr: '' })
    expect(readRecipe(join(cwd, 'own.yaml'))).toMatchObject({
      name: 'own-net-photos-mine',
      model: { name: './Own Net.onnx' },
      data: { name: 'photos: mine', size: 8, crop: 8 },
    })
    const dry = await espalier(['run', 'own.yaml', '--dry-run', '--set', 'train.batch=4'], { cwd })
    expect([dry.code, dry.stderr]).toEqual([0, ''])
    expect((await espalier(args, { cwd })).stderr).toBe('espalier: own.yaml exists already; --force writes over it\n')
    expect((await espalier([...args, '--force'], { cwd })).code).toBe(0)
  })

  it('arrays, in a file or a folder, with batches as large as they allow', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'own.onnx'), classifier())
    const x = npyBytes({ shape: [50, 3, 8, 8], data: Float32Array.from({ length: 50 * 192 }, (_, i) => Math.sin(i)) })
    const labels = npyBytes({ shape: [50], descr: '|u1', data: Uint8Array.from({ length: 50 }, (_, i) => i % 2) })
    mkdirSync(join(cwd, 'arrays'))
    writeFileSync(join(cwd, 'arrays', 'x.npy'), x)
    const init = (data: string) => espalier(['init', 'own.onnx', data, '--force'], { cwd })
    expect(await init('arrays')).toMatchObject({
      code: 1,
      stderr: 'espalier: data.name: arrays has no labels to train by, expected some beside its samples\n',
    })
    writeFileSync(join(cwd, 'arrays', 'labels.npy'), labels)
    writeNpz(join(cwd, 'all.npz'), { x, labels })
    for (const data of ['arrays', 'all.npz']) {
      expect(await init(data)).toMatchObject({ code: 0, stderr: '' })
      const recipe = readRecipe(join(cwd, 'recipe.yaml'))
      // Every fifth of the 50 is one of the test.
      expect(recipe).toMatchObject({ name: `own-${data}`, data: { name: data }, train: { batch: 40 } })
      expect([recipe.data.size, recipe.data.crop]).toEqual([undefined, undefined])
      const short = ['--set', 'train.epochs=8', '--set', 'prune.end=7ep', '--json', '--out', `run-${data}`]
      const { code, stdout, stderr } = await espalier(['run', 'recipe.yaml', ...short], { cwd })
      expect([code, stderr]).toEqual([0, ''])
      expect(jsonLines(stdout).at(-1)).toMatchObject({ result: { sparsity: expect.closeTo(0.9, 2) } })
    }
    expect((await espalier(['init', 'lenet-5', 'all.npz', '--force'], { cwd })).stderr).toMatch(
      /^espalier: all\.npz: x .*expected \[n, 1, 28, 28\]/,
    )
  })

  it('texts, in a table or in folders', async () => {
    const cwd = temporaryFolder()
    const rows = Array.from({ length: 10 }, (_, i) => `see you at ${i},${i % 2 ? 'ham' : 'spam'}`)
    writeFileSync(join(cwd, 'mails.csv'), `text,label\n${rows.join('\n')}\n`)
    expect(await espalier(['init', 'bert-mini', 'mails.csv'], { cwd })).toMatchObject({ code: 0, stderr: '' })
    expect(readRecipe(join(cwd, 'recipe.yaml'))).toMatchObject({ data: { name: 'mails.csv' }, train: { batch: 8 } })
    const dry = await espalier(['run', 'recipe.yaml', '--dry-run'], { cwd })
    expect([dry.code, dry.stderr]).toEqual([0, ''])
  })

  it('a folder is refused where a run would refuse it, without decoding an image', async () => {
    const cwd = temporaryFolder()
    const refused = async (model: string, data: string) => {
      const { code, stderr } = await espalier(['init', model, data], { cwd })
      expect([code, existsSync(join(cwd, 'recipe.yaml'))]).toEqual([1, false])
      return stderr
    }
    mkdirSync(join(cwd, 'empty'))
    expect(await refused('resnet20', 'empty')).toMatch(/^espalier: empty holds no data set that is known: expected /)
    for (const file of ['train/cat/a.png', 'train/dog/a.png', 'test/cat/a.png', 'test/dog/a.txt']) {
      mkdirSync(join(cwd, 'pets', dirname(file)), { recursive: true })
      writeFileSync(join(cwd, 'pets', file), '')
    }
    expect(await refused('resnet20', 'pets')).toBe(
      'espalier: pets/test/dog holds no images: expected .jpg, .jpeg, .png or .webp files\n',
    )
    writeFileSync(join(cwd, 'pets/test/dog/a.png'), '')
    expect(await refused('resnet20', 'pets')).toBe('espalier: resnet20 tells 10 classes apart, pets has 2\n')
    expect(await refused('lenet-5', 'pets')).toMatch(/takes images of 1 x 28 x 28, pets has 3 x 28 x 28$/m)
    mkdirSync(join(cwd, 'digits'))
    const images = (count: number) => idx([count, 28, 28], Array(784 * count).fill(9))
    writeMnist(join(cwd, 'digits'), { 'train-images-idx3-ubyte': images(3), 't10k-images-idx3-ubyte': images(2) })
    expect(await refused('resnet20', 'digits')).toMatch(/takes images of 3 x 32 x 32, digits has 1 x 28 x 28$/m)
    expect((await espalier(['init', 'lenet-5', 'digits'], { cwd })).code).toBe(0)
    const flags = ['--dry-run', '--set', 'train.batch=1', '--set', 'prune.end=5ep']
    expect(await espalier(['run', 'recipe.yaml', ...flags], { cwd })).toMatchObject({ code: 0, stderr: '' })
  })

  it.each([
    [['resnet21', 'mnist'], /there is no model named resnet21 \(did you mean resnet20\?\)/],
    [['mlpnet', 'mnits'], /there is no data set or folder named mnits \(did you mean mnist\?\)/],
    [['none.onnx', 'mnist'], /cannot read none\.onnx: there is no such file or folder/],
    [['mlpnet', 'synthetic', '-o', 'none/recipe.yaml'], /cannot write none\/recipe\.yaml: there is no such file/],
  ])('%j is refused, and nothing written', async (args, message) => {
    const cwd = temporaryFolder()
    const { code, stderr } = await espalier(['init', ...args], { cwd })
    expect([code, existsSync(join(cwd, 'recipe.yaml'))]).toEqual([1, false])
    expect(stderr).toMatch(message)
  })
})

/** Two scores for images of 3 x 8 x 8. */
function classifier(): Uint8Array {
  const w = { shape: [2, 192], values: Array.from({ length: 384 }, (_, i) => Math.sin(i)) }
  const steps = [
    { op: 'Flatten', inputs: ['x'] },
    { op: 'Gemm', inputs: ['v1', 'w'], attributes: { transB: 1 } },
  ]
  return written({ input: [-1, 3, 8, 8], stored: { w }, steps })
}
