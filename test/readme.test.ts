/** @file What the README says is true: its example runs, its commands work, its figures were measured. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { readSafetensors, unpackSparse } from '../src/index.ts'
import { compiled, espalier, root } from './cli/cli.ts'
import { temporaryFolder } from './cli/temporary.ts'
import { writeImage } from './data/image-files.ts'
import { blocks, commands, read } from './documents.ts'
import { written } from './formats/onnx/build.ts'
import { mnistEnvironment } from './support/mnist.ts'

const readme = read('README.md')

beforeAll(compiled, 120_000)

it('the readme can be read in one sitting', () => {
  expect(readme.split('\n').length).toBeLessThan(200)
})

it('the first example of the readme runs as it stands and prints an accuracy', async () => {
  const code = blocks(readme, 'js').find((block) => block.includes("from 'espalier'"))
  expect(code).toBeDefined()

  // The folder is inside the package, so that its own name can be imported.
  const folder = mkdtempSync(join(root, 'build', 'readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'example.mjs'), code!)
  const options = { cwd: folder, env: mnistEnvironment() }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.mjs'], options)
  expect(stderr).toBe('')
  const accuracy = Number(/([\d.]+) % accuracy/.exec(stdout)?.[1])
  expect(accuracy).toBeGreaterThan(90)
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.safetensors')))
    expect(unpackSparse(readSafetensors(join(folder, file)), file).tensors.size).toBeGreaterThan(0)
}, 120_000)

it('every figure of the table of measurements stands in the file that its row names', () => {
  const [table] = /^\| What \| Measured .*?\n\n/ms.exec(readme)!
  const rows = table.trim().split('\n').slice(2)
  expect(rows.length).toBeGreaterThan(5)
  for (const row of rows) {
    const [, , measured, beside, where] = row.split('|')
    const results = read(/\((docs\/results\/[\w-]+\.md)\)/.exec(where)![1])
    for (const [figure] of `${measured} ${beside}`.matchAll(/\d[\d.,]*\d/g))
      expect(results.replaceAll(',', ''), `${figure} in ${where}`).toContain(figure.replaceAll(',', ''))
  }
})

it('the picture of the readme shows the figures of the quickstart', () => {
  const results = read('docs/results/quickstart.md')
  for (const scheme of ['light', 'dark']) {
    const drawn = read(`docs/quickstart-${scheme}.svg`).replace(/<[^>]+>/g, '')
    const rows = results.split('\n').filter((line) => line.startsWith('|'))
    expect(rows.length).toBeGreaterThan(10)
    for (const row of rows) expect(drawn).toContain(row)
  }
})

/**
 * The commands for an edge engineer run in a folder with a small `model.onnx` and two classes of images.
 * Those for a researcher would take minutes, so the sweep is only planned, and its report is one of a short
 * run.
 */
it('the commands of the readme work', async () => {
  const cwd = temporaryFolder()
  for (const part of ['train', 'test'])
    for (const [label, name] of ['cat', 'dog'].entries())
      for (let i = 0; i < 40; i++)
        await writeImage(join(cwd, 'images', part, name, `${i}.png`), {
          width: 8,
          height: 8,
          value: (c, y, x) => 90 * label + ((7 * c + 5 * y + 3 * x + 11 * i) % 150),
        })
  const values = Array.from({ length: 3 * 8 * 8 * 2 }, (_, i) => ((i * 37) % 101) / 50 - 1)
  const steps = [
    { op: 'Flatten', inputs: ['x'] },
    { op: 'MatMul', inputs: ['v1', 'w'] },
  ]
  writeFileSync(
    join(cwd, 'model.onnx'),
    written({ input: [-1, 3, 8, 8], stored: { w: { shape: [192, 2], values } }, steps }),
  )
  const sweep = join(cwd, 'sweeps/mnist-lenet-300-100-at-init/runs')
  mkdirSync(sweep, { recursive: true })
  const recipe = join(root, 'recipes/at-init/mnist-lenet-300-100.yaml')
  const short = ['--set', 'data.name=synthetic', '--set', 'train.epochs=1', '--out', join(sweep, 'one')]
  expect(await espalier(['run', recipe, ...short], { cwd })).toMatchObject({ code: 0 })

  const tried = commands(readme)
  expect(tried.length).toBeGreaterThan(4)
  for (const args of tried) {
    const inProject = args.map((arg) => (arg.startsWith('recipes/') ? join(root, arg) : arg))
    const planned = args[0] === 'sweep' ? [...inProject, '--dry-run'] : inProject
    const { code, stderr } = await espalier(planned, { cwd })
    expect(code, `espalier ${args.join(' ')}: ${stderr}`).toBe(0)
  }
}, 120_000)
