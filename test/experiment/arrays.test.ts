/** @file Recipes on arrays, on images that lie in one folder, and on images of rows x columns. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { recipeData } from '../../src/experiment/plan/data.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { random } from '../../src/util/random.ts'
import { espalier, jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { floats, writeNpz } from '../data/arrays/array-files.ts'
import { writeImage } from '../data/image-files.ts'
import { severalWritten } from '../formats/onnx/several.ts'

const draw = random(3, 'recipes on arrays')
const normal = (n: number, scale = 1) => Array.from({ length: n }, () => scale * draw.normal())

/** Three classes of 8 numbers: each is told by a centre. */
function classes(path: string, count: number) {
  const labels = Array.from({ length: count }, (_, n) => n % 3)
  const x = labels.flatMap((label) => normal(8, 0.4).map((value, i) => value + (i % 3 === label ? 1 : 0)))
  return writeNpz(path, { x: floats([count, 8], x), labels: floats([count], labels) })
}

function perceptron(folder: string): string {
  const path = join(folder, 'model.onnx')
  const stored = {
    w1: { shape: [8, 16], values: normal(128, 0.5) },
    w2: { shape: [16, 3], values: normal(48, 0.3) },
  }
  const steps = [
    { op: 'MatMul', inputs: ['x', 'w1'], output: 'a' },
    { op: 'Relu', inputs: ['a'], output: 'h' },
    { op: 'MatMul', inputs: ['h', 'w2'], outputs: ['y'] },
  ]
  writeFileSync(path, severalWritten({ x: [-1, 8] }, { y: [-1, 3] }, { stored, steps }))
  return path
}

const recipe = (model: string, data: object, more: object = {}) => ({
  name: 'arrays',
  model: { name: model },
  data,
  train: { epochs: 6, batch: 20, learningRate: 0.05, momentum: 0.9 },
  prune: { method: 'snip', sparsity: 0.5, start: '1ep' },
  ...more,
})

it('a recipe trains and prunes an ONNX model on arrays with labels', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'recipe.yaml')
  const data = { name: classes(join(folder, 'data.npz'), 300), validation: 30 }
  writeFileSync(file, JSON.stringify(recipe(perceptron(folder), data)))
  const run = ['run', file, '--out', join(folder, 'run'), '--json']
  const { code, stdout, stderr } = await espalier(run)
  expect([code, stderr]).toEqual([0, ''])
  const last = jsonLines(stdout).at(-1) as { result: { final: { accuracy: number; count: number } } }
  expect(last.result.final).toMatchObject({ count: 60 })
  expect(last.result.final.accuracy).toBeGreaterThan(0.8)
})

it('what is done to images alone, and samples without labels, are refused', async () => {
  const folder = temporaryFolder()
  const model = perceptron(folder)
  const name = classes(join(folder, 'data.npz'), 30)
  const refused = (data: object) => recipeData(checkRecipe(recipe(model, data), 'recipe'))
  await expect(refused({ name, augment: 'flip' })).rejects.toThrow(
    `data.augment is for images, and ${name} holds arrays: expected none, found flip`,
  )
  await expect(refused({ name, mean: [0] })).rejects.toThrow(`data.mean is for images, and ${name} holds arrays`)
  const bare = writeNpz(join(folder, 'bare.npz'), { x: floats([10, 8], normal(80)) })
  await expect(refused({ name: bare })).rejects.toThrow(
    `data.name: ${bare} has no labels to train by, expected some beside its samples`,
  )
  expect(() => checkRecipe(recipe(model, { name, size: '24x' }), 'recipe')).toThrow(
    'expected a whole number of pixels above 0, or rows x columns such as 24x32, found "24x"',
  )
})

it('images in one folder with labels.csv, of rows x columns', async () => {
  const folder = temporaryFolder()
  const images = join(folder, 'images')
  for (let i = 0; i < 10; i++) await writeImage(join(images, `${i}.png`), { width: 9, height: 7, value: () => 20 * i })
  writeFileSync(
    join(images, 'labels.csv'),
    Array.from({ length: 10 }, (_, i) => `${i}.png,${i % 2 === 0 ? 'even' : 'odd'}`).join('\n'),
  )
  const model = join(folder, 'pixels.onnx')
  const steps = [
    { op: 'Flatten', inputs: ['x'], output: 'f' },
    { op: 'MatMul', inputs: ['f', 'w'], outputs: ['y'] },
  ]
  const stored = { w: { shape: [72, 2], values: normal(144) } }
  writeFileSync(model, severalWritten({ x: [-1, 3, 4, 6] }, { y: [-1, 2] }, { stored, steps }))
  const data = await recipeData(checkRecipe(recipe(model, { name: images, size: '4x6', fit: 'stretch' }), 'recipe'))
  expect(data).toMatchObject({ image: [3, 4, 6], classes: 2, classNames: ['even', 'odd'] })
  expect([...data.train.labels, ...data.test.labels]).toEqual([0, 1, 0, 1, 1, 0, 1, 0, 0, 1])
  expect(data.geometry).toEqual({ plane: [4, 6], fit: 'stretch' })
})
